"""PoseNet: where each joint of a person is in a crop, and how far behind the root."""

from __future__ import annotations

from torch import Tensor, nn

from pinet_ros.lifting.mppe.backbone import CELLS, FEATURES, Backbone, deconvolutions, initialise
from pinet_ros.lifting.mppe.soft_argmax import fused_soft_argmax


class _Head(nn.Module):
    """Features of the backbone to the joints' coordinates."""

    def __init__(self, channels: int, joints: int) -> None:
        super().__init__()
        self.deconv_layers = deconvolutions(channels)
        self.final_layer = nn.Conv2d(FEATURES, joints * CELLS, 1)
        initialise(self)

    def forward(self, features: Tensor) -> Tensor:
        last = self.final_layer
        return fused_soft_argmax(self.deconv_layers(features), last.weight, last.bias, CELLS)


class PoseNet(nn.Module):
    """Crops to coordinates in a volume about the root, by 3D heat maps.

    Source: Moon et al., ICCV 2019, section 5, after Sun et al., "Integral Human Pose Regression",
    ECCV 2018; layers and names are those of the released snapshots.

    Attributes:
        joint_count: of a person.
        input_shape: of a crop, (3,256,256).
    """

    input_shape = (3, 256, 256)

    def __init__(self, joints: int = 21, depth: int = 50) -> None:
        """Set up random weights.

        Args:
            joints: of a person: 21 of MuCo-3DHP, 18 of Human3.6M, or others.
            depth: of ResNet.
        """
        super().__init__()
        self.joint_count = joints
        self.backbone = Backbone(depth)
        self.head = _Head(self.backbone.channels, joints)

    def forward(self, crops: Tensor) -> Tensor:
        """Joints of crops.

        Args:
            crops: (N,3,256,256) RGB, less ImageNet's mean, over its standard deviation.

        Returns:
            (N,J,3) float32: x and y in cells of 4 pixels, z in cells of 1/64 of the volume's
            depth, the root at 32; from 0 on.
        """
        return self.head(self.backbone(crops))
