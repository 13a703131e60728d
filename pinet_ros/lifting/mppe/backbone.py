"""Parts shared by PoseNet and RootNet: a ResNet without its classifier, and deconvolutions."""

from __future__ import annotations

from torch import Tensor, nn

DEPTHS = (18, 34, 50, 101, 152)
CELLS = 64  # of a heat map along each axis, for crops of 256 pixels
FEATURES = 256  # channels after the deconvolutions


class Backbone(nn.Module):
    """torchvision's ResNet (He et al., CVPR 2016), up to its last stage.

    Attributes:
        channels: channels of the features, which have one cell per 32 x 32 pixels.
    """

    def __init__(self, depth: int = 50) -> None:
        """Initialise random weights.

        Args:
            depth: depth of the ResNet, one of DEPTHS; the released networks have 50.

        Raises:
            ValueError: the depth is not supported.
        """
        super().__init__()
        if depth not in DEPTHS:
            raise ValueError(f"ResNet's depth must be one of {DEPTHS}, got {depth}")
        from torchvision.models import resnet  # importing it takes seconds

        whole = getattr(resnet, f"resnet{depth}")(weights=None)
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


def deconvolutions(channels: int) -> nn.Sequential:
    """Build three upsampling layers, from (N,C,h,w) to (N,256,8h,8w).

    Source: Xiao et al., ECCV 2018.

    Args:
        channels: C.
    """
    layers: list[nn.Module] = []
    for _ in range(3):
        layers += [
            nn.ConvTranspose2d(channels, FEATURES, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(FEATURES),
            nn.ReLU(inplace=True),
        ]
        channels = FEATURES
    return nn.Sequential(*layers)


def initialise(module: nn.Module) -> None:
    """Initialise the layers after the backbone with small normal weights, as Xiao et al. do."""
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(layer.weight, std=0.001)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
