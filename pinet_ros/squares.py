"""Squares of an image, sampled bilinearly, black outside the image.

Pixel (u, v) of a square is image pixel center + R ((u, v) / size - 1/2) side, R turning x towards
y. Both functions are made for

- centers: (N,2) pixels of the image;
- sides: (N,) pixels of the image;
- size: side of the samples in pixels;
- angles: (N,) radians by which the squares are turned clockwise in the image, None for upright.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F


def sample_squares(
    image: torch.Tensor,
    centers: torch.Tensor,
    sides: torch.Tensor,
    size: int,
    angles: torch.Tensor | None = None,
) -> torch.Tensor:
    """Sample them on the image's device, all at once.

    Args:
        image: (1,C,H,W) float32.

    Returns:
        (N,C,size,size) float32.
    """
    height, width = image.shape[2:]
    steps = torch.arange(size, device=image.device) / size - 0.5  # (S,)
    offsets = sides[:, None] * steps  # (N,S)
    along, down = offsets[:, None, :], offsets[:, :, None]
    if angles is None:
        x, y = along, down
    else:
        cosine, sine = angles.cos()[:, None, None], angles.sin()[:, None, None]
        x, y = cosine * along - sine * down, sine * along + cosine * down
    count = len(centers)
    x = (x + centers[:, :1, None] + 0.5) * (2 / width) - 1
    y = (y + centers[:, 1:, None] + 0.5) * (2 / height) - 1
    grid = torch.stack([each.expand(count, size, size) for each in (x, y)], dim=-1)
    # With align_corners cuDNN would be used, which copies the image for each person.
    image = image.expand(count, -1, -1, -1)
    return F.grid_sample(image, grid, padding_mode="zeros", align_corners=False)


def warp_squares(
    image: np.ndarray,
    channels: Sequence[int],
    centers: torch.Tensor,
    sides: torch.Tensor,
    size: int,
    angles: torch.Tensor | None = None,
    finish: Callable[[torch.Tensor], object] | None = None,
) -> torch.Tensor:
    """Sample them on the CPU by OpenCV, one by one, with no need of a float image.

    OpenCV rounds values to integers, and before version 5 positions to 1/32 pixel.

    Args:
        image: (H,W,C) uint8.
        channels: which three are wanted, in their order; those of a grey image are all 0.
        finish: changes a sample (3,size,size) in place while it is in the cache.

    Returns:
        (N,3,size,size) float32.
    """
    if angles is None:
        angles = torch.zeros_like(sides)
    samples = torch.empty(len(centers), 3, size, size)
    add_alpha = image.shape[2] == 3  # OpenCV samples four channels twice as fast as three
    depth = 4 if add_alpha else image.shape[2]
    warped = np.empty((size, size, depth), np.uint8)
    planes = np.empty((depth, size, size), np.uint8)
    order = [*channels, *range(3, depth)]
    targets = [planes[order.index(channel)] for channel in range(depth)]
    wanted = torch.from_numpy(planes)[:3]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    squares = zip(samples, centers.tolist(), sides.tolist(), angles.tolist(), strict=True)
    for sample, (x, y), side, angle in squares:
        across, down = math.cos(angle) * side / size, math.sin(angle) * side / size
        reach = (abs(across) + abs(down)) * size / 2
        left, right = _needed(x, reach, image.shape[1])
        top, bottom = _needed(y, reach, image.shape[0])
        if left < right and top < bottom:
            part = image[top:bottom, left:right]
            if add_alpha:
                part = cv2.cvtColor(part, cv2.COLOR_RGB2RGBA)
            start_x = x - left - (across - down) * size / 2
            start_y = y - top - (across + down) * size / 2
            to_part = np.array([[across, -down, start_x], [down, across, start_y]])
            cv2.warpAffine(part, to_part, (size, size), dst=warped, flags=flags)
            cv2.split(warped, targets)
            sample.copy_(wanted)
        else:
            sample.zero_()
        if finish:
            finish(sample)
    return samples


def _needed(middle: float, reach: float, length: int) -> tuple[int, int]:
    """The first pixel of an axis that a square needs, and the first that it does not any more."""
    ends = middle - reach - 1, middle + reach + 2
    start, stop = (int(min(max(0, end), length)) for end in ends)
    return start, stop
