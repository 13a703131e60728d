"""RootNet: how far away a person's root is, given the size of the box."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pinet_ros.lifting.mppe.backbone import FEATURES, Backbone, deconvolutions, initialise
from pinet_ros.lifting.mppe.soft_argmax import soft_argmax


class _Root(nn.Module):
    """Features of the backbone to the root's place and the correction of its distance."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.deconv_layers = deconvolutions(channels)
        self.xy_layer = nn.Conv2d(FEATURES, 1, 1)
        self.depth_layer = nn.Conv2d(channels, 1, 1)
        initialise(self)

    def forward(self, features: Tensor) -> Tensor:
        heatmaps = self.xy_layer(self.deconv_layers(features))
        place = soft_argmax(heatmaps[:, :, None])[:, 0, :2]
        mean = features.float().mean(dim=(2, 3), keepdim=True)
        correction = self.depth_layer(mean.to(self.depth_layer.weight.dtype))
        return torch.cat([place, correction.flatten(1).float()], dim=1)


class RootNet(nn.Module):
    """Crops to the root's place in the crop and a correction of the distance that its size gives.

    Source: Moon et al., ICCV 2019, section 4; layers and names are those of the released
    snapshots.

    Attributes:
        input_shape: of a crop, (3,256,256).
    """

    input_shape = (3, 256, 256)

    def __init__(self, depth: int = 50) -> None:
        """Set up random weights, for a depth of ResNet."""
        super().__init__()
        self.backbone = Backbone(depth)
        self.root = _Root(self.backbone.channels)

    def forward(self, crops: Tensor) -> Tensor:
        """Roots of crops.

        Args:
            crops: (N,3,256,256) RGB, less ImageNet's mean, over its standard deviation.

        Returns:
            (N,3) float32: x and y in cells of 4 pixels from 0 on, and gamma: the root's distance
            is gamma k (see boxes.distance_measure).
        """
        return self.root(self.backbone(crops))
