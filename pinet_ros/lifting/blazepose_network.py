"""BlazePose's network: a crop of one person in, 33 landmarks in the image and in metres out.

Source: Bazarevsky et al., "BlazePose: On-device Real-time Body Pose Tracking", 2020. Layers and
widths are those of the models full and lite that MediaPipe publishes (Apache-2.0). Batch
normalisation is folded into the convolutions. Ours is the head that predicts deviations, and the
refinement by heat maps, which has no thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIZE = 256  # pixels along a side of the crop
LANDMARKS = 33
_SPARE = 6  # further landmarks of the published models, for tracking; not used here
LANDMARK_VALUES, VISIBILITY = 5, 3  # of each landmark: x, y, z, visibility, presence
JOINTS = 17  # of MUPOTS_17, each with a deviation

_EXPANSION = 6  # hidden channels of an inverted residual, as a multiple of its input's
_FIRST_EXPANSION = 4
_KERNELS = ((3, 3), (5, 5), (3, 3, 3, 5, 5, 5), (5, 5, 5, 5))  # of each block, stage by stage
_STEM = 24  # channels

_MAP = 64  # cells along a side of a heat map
_PIXELS = SIZE / _MAP  # per cell
_WINDOW = 2.0  # cells: standard deviation of the window around a landmark
_HALF_MASS = 2.0  # mass of a heat map in the window at which it moves its landmark half way


@dataclass(frozen=True)
class Widths:
    """Channels of a variant.

    Attributes:
        first: after the stem.
        stages: of each block, stage by stage.
        decoder: of the heat maps' decoder.
        regression: of the regression's blocks.
        depths: number of blocks at each of the regression's two scales.
    """

    first: int
    stages: tuple[tuple[int, ...], ...]
    decoder: int
    regression: int
    depths: tuple[int, int]


VARIANTS = {
    "lite": Widths(
        8, ((16, 16), (24, 24), (40, 40, 40, 56, 56, 56), (96, 96, 96, 96)), 32, 192, (2, 3)
    ),
    "full": Widths(
        16, ((24, 24), (32, 32), (64, 64, 64, 88, 88, 88), (144, 144, 144, 144)), 48, 288, (4, 5)
    ),
}


class BlazePoseNetwork(nn.Module):
    """Maps crops to landmarks.

    Attributes:
        input_shape: (3,256,256), shape of a crop.
        output_names: of the outputs, in their order.
    """

    input_shape = (3, SIZE, SIZE)

    def __init__(self, variant: str = "full", *, deviations: bool = True) -> None:
        """Build the network with random weights.

        Args:
            variant: a key of VARIANTS.
            deviations: whether it has the head of deviations, which the published weights lack.
        """
        super().__init__()
        widths = VARIANTS[variant]
        self.stem = _convolution(3, _STEM, 3, stride=2)
        self.first = nn.Sequential(
            _depthwise(_STEM, 3), _convolution(_STEM, widths.first, 1, None)
        )
        channels = [widths.first, *(stage[-1] for stage in widths.stages)]
        self.stages = nn.ModuleList(
            _stage(start, stage, kernels, _FIRST_EXPANSION if first else _EXPANSION)
            for start, stage, kernels, first in zip(
                channels, widths.stages, _KERNELS, (True, False, False, False), strict=False
            )
        )
        hidden = _EXPANSION * channels[-1]
        self.last = nn.Sequential(_convolution(channels[-1], hidden, 1), _depthwise(hidden, 3))
        self.taps = nn.ModuleList(
            nn.Sequential(_depthwise(count, 3), _convolution(count, widths.decoder, 1))
            for count in (*channels[1:4], hidden)
        )
        landmarks = LANDMARKS + _SPARE
        self.heatmaps = _convolution(widths.decoder, landmarks, 1, None)
        self.regression = _regression(hidden, widths.regression, widths.depths)
        self.landmarks = nn.Conv2d(widths.regression, LANDMARK_VALUES * landmarks, 2)
        self.world = nn.Conv2d(widths.regression, 3 * landmarks, 2)
        self.presence = nn.Conv2d(widths.regression, 1, 2)
        self.deviations = nn.Conv2d(widths.regression, JOINTS + 1, 2) if deviations else None
        names = ("image", "world", "visibility", "presence", "log_deviations")
        self.output_names = names if deviations else names[:-1]

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        """Run a batch of crops (N,3,256,256), RGB, 0 to 1.

        Returns:
            image (N,33,2) pixels of the crop; world (N,33,3) metres from the middle of the hips,
            along the crop's axes and its viewing ray; visibility (N,33) and presence (N,1), the
            logits of probabilities; log_deviations (N,18), natural logarithms: of the deviation
            of each joint of MUPOTS_17 from the pelvis, metres, where the pelvis has the deviation
            of itself across the viewing ray; the last is of the distance's logarithm. Without
            that head, log_deviations are left out.
        """
        return self.finish(self.begin(crops))

    def begin(self, crops: Tensor, stages: int = 1) -> tuple[Tensor, ...]:
        """The features after each of the first stages, from fine to coarse.

        Args:
            crops: as in `forward`.
            stages: number of stages, 1 to 4.
        """
        x = self.first(self.stem(crops))
        found = []
        for stage in self.stages[:stages]:
            x = stage(x)
            found.append(x)
        return tuple(found)

    def beginning(self, stages: int) -> list[nn.Module]:
        """The parts that `begin` runs."""
        return [self.stem, self.first, *self.stages[:stages]]

    def finish(self, scales: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The outputs of `forward`, from what `begin` returned."""
        scales = list(scales)
        for stage in self.stages[len(scales) :]:
            scales.append(stage(scales[-1]))
        last = self.last(scales[-1])
        *finer, decoded = (tap(x) for tap, x in zip(self.taps, (*scales[:3], last), strict=True))
        for each in reversed(finer):
            decoded = each + F.interpolate(decoded, scale_factor=2.0, mode="bilinear")
        heatmaps = self.heatmaps(decoded)[:, :LANDMARKS].sigmoid()
        features = self.regression(last)
        landmarks = self.landmarks(features).flatten(1).unflatten(1, (-1, LANDMARK_VALUES))
        landmarks = landmarks[:, :LANDMARKS]
        world = self.world(features).flatten(1).unflatten(1, (-1, 3))[:, :LANDMARKS]
        image = refine_by_heatmaps(landmarks[..., :2], heatmaps)
        outputs = (image, world, landmarks[..., VISIBILITY], self.presence(features).flatten(1))
        if self.deviations is None:
            return outputs
        return (*outputs, self.deviations(features).flatten(1))


def refine_by_heatmaps(points: Tensor, heatmaps: Tensor) -> Tensor:
    """Move landmarks towards the centre of mass of their heat map around them.

    The window around a landmark is a Gaussian, and the more mass there is in it, the further the
    landmark moves: all of the way, if the map is sure, and not at all, if it is empty. So small
    changes of landmark and map move the result little.

    Args:
        points: (N,K,2) pixels of the crop.
        heatmaps: (N,K,64,64) probabilities.

    Returns:
        (N,K,2) pixels of the crop.
    """
    cells = torch.arange(_MAP, device=points.device, dtype=points.dtype)
    offsets = cells - points[..., None] / _PIXELS  # (N,K,2,64)
    window = torch.exp(-0.5 * (offsets / _WINDOW).square())
    columns, rows = window.unbind(-2)  # (N,K,64)
    along_x, along_y = offsets.unbind(-2)
    in_rows = heatmaps @ torch.stack([columns, columns * along_x], -1)  # (N,K,64,2)
    mass = (rows[..., None] * in_rows).sum(-2)  # (N,K,2): mass, and its moment along x
    moment_y = (rows * along_y * in_rows[..., 0]).sum(-1)
    moments = torch.stack([mass[..., 1], moment_y], -1)
    total = mass[..., :1]
    # moments / total is the way to the centre of mass; total^2 / (total^2 + half^2) the part of it
    return points + _PIXELS * moments * total / (total.square() + _HALF_MASS**2)


def _convolution(
    inputs: int,
    outputs: int,
    kernel: int,
    activation: type[nn.Module] | None = nn.ReLU6,
    *,
    stride: int = 1,
    groups: int = 1,
) -> nn.Module:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups)
    return nn.Sequential(convolution, activation()) if activation else convolution


def _depthwise(channels: int, kernel: int, stride: int = 1) -> nn.Module:
    return _convolution(channels, channels, kernel, stride=stride, groups=channels)


def _stage(
    start: int, channels: tuple[int, ...], kernels: tuple[int, ...], expansion: int
) -> nn.Module:
    """Inverted residual blocks, of which the first halves the resolution."""
    inputs = (start, *channels[:-1])
    return nn.Sequential(
        *(
            _InvertedResidual(
                a,
                b,
                kernel,
                stride=1 if index else 2,
                hidden=a * (_EXPANSION if index else expansion),
            )
            for index, (a, b, kernel) in enumerate(zip(inputs, channels, kernels, strict=True))
        )
    )


class _InvertedResidual(nn.Module):
    """MobileNetV2's block: expand, filter each channel, project; added to the input if it fits."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int, hidden: int
    ) -> None:
        super().__init__()
        self.expand = _convolution(inputs, hidden, 1)
        self.filter = _depthwise(hidden, kernel, stride)
        self.project = _convolution(hidden, outputs, 1, None)
        self._residual = inputs == outputs and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.filter(self.expand(x)))
        return x + y if self._residual else y


def _regression(inputs: int, channels: int, depths: tuple[int, int]) -> nn.Module:
    """From features of 8 x 8 cells to those of 2 x 2."""
    blocks: list[nn.Module] = [_depthwise(inputs, 3), _convolution(inputs, channels, 1)]
    for depth in depths:
        blocks.append(_Residual(channels, stride=2))
        blocks += [_Residual(channels) for _ in range(depth)]
    return nn.Sequential(*blocks)


class _Residual(nn.Module):
    """A depthwise and a pointwise convolution, added to the input, which may be pooled."""

    def __init__(self, channels: int, stride: int = 1) -> None:
        super().__init__()
        # with a stride, a column and a row of zeros are at the end only
        margins = (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1)
        self.pad = nn.ZeroPad2d(margins)
        self.filter = nn.Conv2d(channels, channels, 3, stride, groups=channels)
        self.project = nn.Conv2d(channels, channels, 1)
        self.pool = nn.MaxPool2d(2) if stride == 2 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(F.relu6(self.filter(self.pad(x))))
        return F.relu6(self.pool(x) + y)
