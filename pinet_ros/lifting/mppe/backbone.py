"""Parts shared by PoseNet and RootNet: the backbones, and deconvolutions."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from pinet_ros.lifting.mppe.efficientnet_lite import EfficientNetLite0

RELEASED = "resnet50"  # backbone of the released networks
SMALL = "efficientnet_lite0"
CELLS = 64  # in which results are given, along each axis of a crop of 256 pixels
_CELLS_OF_FEATURES = 8  # along an axis of a backbone's features


@dataclass(frozen=True)
class Decoder:
    """How a backbone's features become heat maps.

    Attributes:
        cells: of a heat map along each axis, and of the volume's depth.
        channels: after each deconvolution.
    """

    cells: int
    channels: int

    @property
    def scale(self) -> float:
        """From cells of the heat maps to those in which results are given."""
        return CELLS / self.cells


DECODERS = {
    **{f"resnet{depth}": Decoder(64, 256) for depth in (18, 34, 50, 101, 152)},
    SMALL: Decoder(32, 64),
}
BACKBONES = tuple(DECODERS)


class ResNet(nn.Module):
    """torchvision's ResNet (He et al., CVPR 2016), up to its last stage.

    Attributes:
        channels: channels of the features, which have one cell per 32 x 32 pixels.
    """

    def __init__(self, name: str) -> None:
        """Initialise random weights.

        Args:
            name: torchvision's name, such as resnet50.
        """
        super().__init__()
        from torchvision.models import resnet  # importing it takes seconds

        whole = getattr(resnet, name)(weights=None)
        self.conv1, self.bn1, self.relu, self.maxpool = (
            whole.conv1,
            whole.bn1,
            whole.relu,
            whole.maxpool,
        )
        self.layer1, self.layer2 = whole.layer1, whole.layer2
        self.layer3, self.layer4 = whole.layer3, whole.layer4
        self.channels = whole.fc.in_features

    def forward(self, images: Tensor) -> Tensor:
        """Compute the features (N,C,H/32,W/32) of images (N,3,H,W)."""
        stem = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        return self.layer4(self.layer3(self.layer2(self.layer1(stem))))


def build_backbone(name: str) -> ResNet | EfficientNetLite0:
    """Build a backbone with random weights.

    Args:
        name: one of BACKBONES.

    Raises:
        ValueError: there is no such backbone.
    """
    if name not in DECODERS:
        raise ValueError(f"the backbone must be one of {', '.join(BACKBONES)}, got {name!r}")
    return EfficientNetLite0() if name == SMALL else ResNet(name)


def deconvolutions(inputs: int, decoder: Decoder) -> nn.Sequential:
    """Build upsampling layers, from (N,C,8,8) to (N,F,cells,cells).

    Source: Xiao et al., ECCV 2018.

    Args:
        inputs: C.
        decoder: F and the number of cells.
    """
    layers: list[nn.Module] = []
    side = _CELLS_OF_FEATURES
    while side < decoder.cells:
        layers += [
            nn.ConvTranspose2d(inputs, decoder.channels, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(decoder.channels),
            nn.ReLU(inplace=True),
        ]
        inputs, side = decoder.channels, 2 * side
    return nn.Sequential(*layers)


def initialise(module: nn.Module) -> None:
    """Initialise the layers after the backbone with small normal weights, as Xiao et al. do."""
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(layer.weight, std=0.001)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
