"""EfficientNet-Lite0, the small backbone: an eighth of ResNet-50's parameters.

Source: Tan and Le, "EfficientNet", ICML 2019, in the variant Lite0, which has no squeeze and
excitation and uses ReLU6. Layers and paddings are those of the published weights.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# For each stage: blocks, kernel, stride of the first block, expansion, channels.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_STEM = 32  # channels
_EPSILON, _MOMENTUM = 1e-3, 0.01  # of batch normalisation
# The published weights expect (pixel - 127) / 128; crops come with ImageNet's mean and deviation.
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_OWN_MEAN, _OWN_STD = 127 / 255, 128 / 255


class EfficientNetLite0(nn.Module):
    """The backbone up to its last stage.

    Attributes:
        channels: channels of the features, which have one cell per 32 x 32 pixels.
    """

    _scale: Tensor
    _shift: Tensor

    def __init__(self) -> None:
        """Initialise random weights."""
        super().__init__()
        self.stem = _convolution(3, _STEM, 3, stride=2)
        blocks: list[nn.Module] = []
        inputs = _STEM
        for count, kernel, stride, expansion, outputs in _STAGES:
            for number in range(count):
                first = stride if number == 0 else 1
                blocks.append(_Block(inputs, outputs, kernel, first, expansion))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.channels = inputs
        mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (_MEAN, _STD))
        self.register_buffer("_scale", std / _OWN_STD, persistent=False)
        self.register_buffer("_shift", (mean - _OWN_MEAN) / _OWN_STD, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Compute the features (N,320,H/32,W/32) of images (N,3,H,W).

        Images are RGB, minus ImageNet's mean, divided by its standard deviation; H and W are
        multiples of 32.
        """
        return self.blocks(self.stem(images * self._scale + self._shift))


class _Block(nn.Module):
    """MobileNetV2's block: expand, filter each channel, project; added to the input if it fits."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        hidden = inputs * expansion
        layers = [
            _convolution(hidden, hidden, kernel, stride=stride, groups=hidden),
            _convolution(hidden, outputs, 1, activation=False),
        ]
        if expansion > 1:
            layers.insert(0, _convolution(inputs, hidden, 1))
        self.layers = nn.Sequential(*layers)
        self._residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = self.layers(x)
        return x + y if self._residual else y


class _Padded(nn.Conv2d):
    """A convolution with a stride of 2 whose zeros are, as in TensorFlow, more at the end."""

    def forward(self, input: Tensor) -> Tensor:  # torch's name
        before = (self.kernel_size[0] - self.stride[0]) // 2
        after = self.kernel_size[0] - self.stride[0] - before
        return super().forward(F.pad(input, (before, after, before, after)))


def _convolution(
    inputs: int,
    outputs: int,
    kernel: int,
    *,
    stride: int = 1,
    groups: int = 1,
    activation: bool = True,
) -> nn.Sequential:
    if stride == 1:
        layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)
    else:
        layer = _Padded(inputs, outputs, kernel, stride, groups=groups, bias=False)
    layers = [layer, nn.BatchNorm2d(outputs, eps=_EPSILON, momentum=_MOMENTUM)]
    return nn.Sequential(*layers, *([nn.ReLU6()] if activation else []))
