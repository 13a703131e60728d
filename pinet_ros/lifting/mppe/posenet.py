"""PoseNet: each joint's position in a crop, and its depth relative to the root."""

from __future__ import annotations

from torch import Tensor, nn

from pinet_ros.lifting.mppe.backbone import (
    DECODERS,
    RELEASED,
    Decoder,
    build_backbone,
    deconvolutions,
    initialise,
)
from pinet_ros.lifting.mppe.soft_argmax import fused_soft_argmax


class _Head(nn.Module):
    """From the backbone's features to the joints' coordinates."""

    def __init__(self, channels: int, decoder: Decoder, joints: int) -> None:
        super().__init__()
        self.deconv_layers = deconvolutions(channels, decoder)
        self.final_layer = nn.Conv2d(decoder.channels, joints * decoder.cells, 1)
        self._decoder = decoder
        initialise(self)

    def forward(self, features: Tensor) -> Tensor:
        last = self.final_layer
        assert last.bias is not None  # nn.Conv2d has one by default
        features = self.deconv_layers(features)
        cells = fused_soft_argmax(features, last.weight, last.bias, self._decoder.cells)
        return cells * self._decoder.scale


class PoseNet(nn.Module):
    """From crops to joint coordinates in a volume around the root, by 3D heat maps.

    Source: Moon et al., ICCV 2019, section 5, after Sun et al., "Integral Human Pose Regression",
    ECCV 2018; layers and names are those of the released snapshots.

    Attributes:
        joint_count: number of joints of a person.
        input_shape: shape of a crop, (3,256,256).
    """

    input_shape = (3, 256, 256)

    def __init__(self, joints: int = 21, backbone: str = RELEASED) -> None:
        """Initialise random weights.

        Args:
            joints: number of joints of a person: 21 for MuCo-3DHP, 18 for Human3.6M, or another.
            backbone: one of BACKBONES.

        Raises:
            ValueError: there is no such backbone.
        """
        super().__init__()
        self.joint_count = joints
        self.backbone = build_backbone(backbone)
        self.head = _Head(self.backbone.channels, DECODERS[backbone], joints)

    def forward(self, crops: Tensor) -> Tensor:
        """Predict the joints of crops.

        Args:
            crops: (N,3,256,256) RGB, minus ImageNet's mean, divided by its standard deviation.

        Returns:
            (N,J,3) float32: x and y in cells of 4 pixels, z in cells of 1/64 of the volume's
            depth; all start at 0, and the root's z is 32.
        """
        return self.head(self.backbone(crops))
