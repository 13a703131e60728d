"""RootNet: the distance of a person's root from the camera, given the size of the box."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pinet_ros.lifting.mppe.backbone import (
    DECODERS,
    RELEASED,
    Decoder,
    build_backbone,
    deconvolutions,
    initialise,
)
from pinet_ros.lifting.mppe.soft_argmax import soft_argmax


class _Root(nn.Module):
    """From the backbone's features to the root's position and the correction of its distance."""

    def __init__(self, channels: int, decoder: Decoder) -> None:
        super().__init__()
        self.deconv_layers = deconvolutions(channels, decoder)
        self.xy_layer = nn.Conv2d(decoder.channels, 1, 1)
        self._scale = decoder.scale
        self.depth_layer = nn.Conv2d(channels, 1, 1)
        initialise(self)

    def forward(self, features: Tensor) -> Tensor:
        heatmaps = self.xy_layer(self.deconv_layers(features))
        position = soft_argmax(heatmaps[:, :, None])[:, 0, :2] * self._scale
        mean = features.float().mean(dim=(2, 3), keepdim=True)
        correction = self.depth_layer(mean.to(self.depth_layer.weight.dtype))
        return torch.cat([position, correction.flatten(1).float()], dim=1)


class RootNet(nn.Module):
    """From crops to the root's position in the crop, and a factor that corrects its distance.

    The distance that is corrected is the one that the size of the box implies.

    Source: Moon et al., ICCV 2019, section 4; layers and names are those of the released
    snapshots.

    Attributes:
        input_shape: shape of a crop, (3,256,256).
    """

    input_shape = (3, 256, 256)

    def __init__(self, backbone: str = RELEASED) -> None:
        """Initialise random weights.

        Args:
            backbone: one of BACKBONES.

        Raises:
            ValueError: there is no such backbone.
        """
        super().__init__()
        self.backbone = build_backbone(backbone)
        self.root = _Root(self.backbone.channels, DECODERS[backbone])

    def forward(self, crops: Tensor) -> Tensor:
        """Predict the roots of crops.

        Args:
            crops: (N,3,256,256) RGB, minus ImageNet's mean, divided by its standard deviation.

        Returns:
            (N,3) float32: x and y in cells of 4 pixels, starting at 0, and gamma. The root's
            distance is gamma * k, see `boxes.distance_measure`.
        """
        return self.root(self.backbone(crops))
