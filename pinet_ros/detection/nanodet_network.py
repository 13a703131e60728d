"""NanoDet's network, for people only: an image in, the score and the box of each cell out.

Source: https://github.com/RangiLyu/nanodet, the variant with a CSP backbone, a PAN without
convolutions and one head a scale (Apache-2.0). Batch normalisation is folded into the
convolutions, and the other 79 classes of COCO are left out.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIZE = 416  # pixels along a side of the image
STRIDES = (8, 16, 32)
BINS = 11  # of the distribution over distances of 0 to 10 strides

_STEM = 32  # channels
_UNITS = (1, 2, 2, 3)  # of each stage
_PYRAMID = 128  # channels
_SLOPE = 0.1  # of the leaky ReLU
_SIDES = 4  # of a box: left, top, right, bottom


class NanoDetNetwork(nn.Module):
    """Maps images to the boxes that each of C = 3,549 cells gives.

    Attributes:
        input_shape: (3,416,416), shape of an image.
        output_names: of the outputs, in their order.
        centres: (C,2) of the cells, pixels; from fine to coarse, row by row.
        strides: (C,) of the cells, pixels.
        bins: (11,) strides that the distributions over distances are over.
    """

    input_shape = (3, SIZE, SIZE)
    output_names = ("scores", "boxes")
    centres: Tensor
    strides: Tensor
    bins: Tensor

    def __init__(self) -> None:
        """Build the network with random weights."""
        super().__init__()
        self.stem = _convolution(3, _STEM, stride=2)
        self.pool = nn.MaxPool2d(3, 2, 1)
        channels = [_STEM * 2**number for number in range(len(_UNITS))]
        self.stages = nn.ModuleList(
            _Stage(count, units, stride=2 if number else 1)
            for number, (count, units) in enumerate(zip(channels, _UNITS, strict=True))
        )
        self.laterals = nn.ModuleList(nn.Conv2d(2 * count, _PYRAMID, 1) for count in channels[1:])
        self.heads = nn.ModuleList(
            nn.Sequential(
                _convolution(_PYRAMID, _PYRAMID), nn.Conv2d(_PYRAMID, 1 + _SIDES * BINS, 1)
            )
            for _ in STRIDES
        )
        centres, strides = _cells()
        self.register_buffer("centres", centres, persistent=False)
        self.register_buffer("strides", strides, persistent=False)
        self.register_buffer("bins", torch.arange(BINS).float(), persistent=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Run a batch of images (N,3,416,416), BGR, standardised.

        Returns:
            scores (N,C), 0 to 1; boxes (N,C,4), x_min y_min x_max y_max in pixels of the image.
        """
        scores, distances = self.logits(images)
        return scores.sigmoid(), self.boxes(distances)

    def logits(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What a training compares: logits of scores (N,C) and of distances (N,C,4,11).

        The distances are those of the box's left, top, right and bottom side from the centre of
        the cell, as distributions over 0 to 10 strides (generalised focal loss, Li et al.,
        NeurIPS 2020).
        """
        parts = [
            head(scale) for head, scale in zip(self.heads, self._pyramid(images), strict=True)
        ]
        found = torch.cat([part.flatten(2) for part in parts], dim=2).transpose(1, 2)  # (N,C,45)
        return found[..., 0], found[..., 1:].unflatten(2, (_SIDES, BINS))

    def boxes(self, distances: Tensor) -> Tensor:
        """Boxes (N,C,4), pixels, from the logits of distances (N,C,4,11)."""
        offsets = (distances.softmax(-1) @ self.bins) * self.strides[:, None]
        low, high = self.centres - offsets[..., :2], self.centres + offsets[..., 2:]
        return torch.cat([low, high], dim=-1)

    def _pyramid(self, images: Tensor) -> list[Tensor]:
        """Features (N,128,52,52), (N,128,26,26) and (N,128,13,13)."""
        x = self.stages[0](self.pool(self.stem(images)))
        scales = []
        for stage, lateral in zip(self.stages[1:], self.laterals, strict=True):
            x = stage(x)
            scales.append(lateral(x))
        for number in (1, 0):  # from coarse to fine
            scales[number] = scales[number] + _resized(scales[number + 1], 2.0)
        for number in (1, 2):  # and back
            scales[number] = scales[number] + _resized(scales[number - 1], 0.5)
        return scales


def _cells() -> tuple[Tensor, Tensor]:
    """Centres (C,2) of the cells, pixels, and their strides (C,); rows from fine to coarse."""
    centres, strides = [], []
    for stride in STRIDES:
        places = (torch.arange(SIZE // stride) + 0.5) * stride
        centres.append(torch.stack(torch.meshgrid(places, places, indexing="xy"), -1).view(-1, 2))
        strides.append(torch.full((len(centres[-1]),), float(stride)))
    return torch.cat(centres), torch.cat(strides)


def _resized(x: Tensor, factor: float) -> Tensor:
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


def _convolution(inputs: int, outputs: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.LeakyReLU(_SLOPE))


class _Unit(nn.Module):
    """Two convolutions, of which the results are stacked."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels // 2)
        self.second = _convolution(channels // 2, channels // 2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        return torch.cat([self.second(y), y], dim=1)


class _Stage(nn.Module):
    """Units between two convolutions; the first one's result is stacked onto that (CSP)."""

    def __init__(self, channels: int, units: int, *, stride: int) -> None:
        super().__init__()
        self.reduce = _convolution(channels, channels, stride=stride)
        self.units = nn.Sequential(*(_Unit(channels) for _ in range(units)))
        self.last = _convolution(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.reduce(x)
        return torch.cat([self.last(self.units(x)), x], dim=1)
