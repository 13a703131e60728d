"""Regions: squares around people in images, and the crops that a lifter gets from them.

Pixel (u, v) of a crop is image pixel centre + R ((u, v) / size - 1/2) side, where R rotates x
towards y. Crops are sampled bilinearly and are black outside the image.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pinet_ros.geometry.rotations import rotate_planar
from pinet_ros.imaging.frame import Frame

Finish = Callable[[Tensor], object]  # changes crops (...,3,size,size) in place


@dataclass(frozen=True, eq=False)
class Regions:
    """Squares around N people of one or several images, grouped by image.

    Attributes:
        images: (N,) index of each square's image, ascending; on the CPU.
        centers: (N,2) centres, pixels of the image.
        sides: (N,) side lengths, pixels of the image.
        angles: (N,) clockwise rotations in the image, radians; None if all are upright.
    """

    images: np.ndarray
    centers: Tensor
    sides: Tensor
    angles: Tensor | None = None

    @classmethod
    def around(cls, boxes: Sequence[np.ndarray], scale: float, device: torch.device) -> Regions:
        """Create upright squares around the centres of boxes.

        Args:
            boxes: boxes (N,4) of each image, x_min y_min x_max y_max in pixels.
            scale: side of a square divided by the longer side of its box.
            device: where to put the squares.
        """
        corners = torch.as_tensor(np.concatenate(boxes), dtype=torch.float32, device=device)
        low, high = corners[:, :2], corners[:, 2:]
        images = np.repeat(np.arange(len(boxes)), [len(each) for each in boxes])
        return cls(images, (low + high) / 2, (high - low).amax(dim=1) * scale)

    def __len__(self) -> int:
        return len(self.images)

    def rotated(self, rows: Tensor, angles: Tensor) -> Regions:
        """Select rows (M,), rotated clockwise about their centres by angles (M,) in radians."""
        images = self.images[rows.cpu().numpy()]
        return Regions(images, self.centers[rows], self.sides[rows], angles)

    def crops(self, frames: Sequence[Frame], size: int, finish: Finish | None = None) -> Tensor:
        """Sample all squares.

        Args:
            frames: the images that `images` indexes.
            size: side of a crop, pixels.
            finish: changes crops in place, for example to scale their values.

        Returns:
            (N,3,size,size) float32 RGB, 0 to 255 before `finish`; integers on the CPU.
        """
        counts = np.bincount(self.images, minlength=len(frames)).tolist()
        angles = [None] * len(frames) if self.angles is None else self.angles.split(counts)
        squares = zip(
            frames, self.centers.split(counts), self.sides.split(counts), angles, strict=True
        )
        crops = [
            crop_squares(frame, centers, sides, size, angle, finish)
            for frame, centers, sides, angle in squares
        ]
        return crops[0] if len(crops) == 1 else torch.cat(crops)

    def to_image(self, points: Tensor) -> Tensor:
        """Map points (N,K,2) of the squares, 0 to 1, to pixels (N,K,2) of the image."""
        offsets = (points - 0.5) * self.sides[:, None, None]
        return self.to_image_axes(offsets) + self.centers[:, None]

    def to_image_axes(self, vectors: Tensor) -> Tensor:
        """Rotate vectors (N,K,2) from the squares' axes to the image's axes."""
        if self.angles is None:
            return vectors
        x, y = vectors.unbind(-1)
        return torch.stack(rotate_planar(x, y, self.angles[:, None]), dim=-1)


def crop_squares(
    frame: Frame,
    centers: Tensor,
    sides: Tensor,
    size: int,
    angles: Tensor | None = None,
    finish: Finish | None = None,
) -> Tensor:
    """Sample squares of one image; arguments as in `Regions` and `Regions.crops`."""
    if frame.device.type == "cpu":
        image, channels = frame.array, frame.places("rgb")
        return warp_squares(image, channels, centers, sides, size, angles, finish)
    samples = sample_squares(frame.rgb()[None], centers, sides, size, angles)
    if finish:
        finish(samples)
    return samples


def sample_squares(
    image: Tensor, centers: Tensor, sides: Tensor, size: int, angles: Tensor | None = None
) -> Tensor:
    """Sample squares on the image's device, in one batch.

    Args:
        image: (1,C,H,W) float32.
        centers, sides, angles: as the attributes of Regions.
        size: side of a sample, pixels.

    Returns:
        (N,C,size,size) float32.
    """
    height, width = image.shape[2:]
    steps = torch.arange(size, device=image.device) / size - 0.5  # (S,)
    offsets = sides[:, None] * steps  # (N,S)
    x, y = offsets[:, None, :], offsets[:, :, None]
    if angles is not None:
        x, y = rotate_planar(x, y, angles[:, None, None])
    count = len(centers)
    x = (x + centers[:, :1, None] + 0.5) * (2 / width) - 1
    y = (y + centers[:, 1:, None] + 0.5) * (2 / height) - 1
    grid = torch.stack([each.expand(count, size, size) for each in (x, y)], dim=-1)
    # With align_corners torch would use cuDNN, which copies the image for each person.
    image = image.expand(count, -1, -1, -1)
    return F.grid_sample(image, grid, padding_mode="zeros", align_corners=False)


def warp_squares(
    image: np.ndarray,
    channels: Sequence[int],
    centers: Tensor,
    sides: Tensor,
    size: int,
    angles: Tensor | None = None,
    finish: Finish | None = None,
) -> Tensor:
    """Sample squares on the CPU with OpenCV, one by one, without a float copy of the image.

    OpenCV rounds values to integers and, before version 5, positions to 1/32 pixel.

    Args:
        image: (H,W,C) uint8.
        channels: indices of the three channels of a sample; all 0 for a gray image.
        centers, sides, angles: as the attributes of Regions.
        size: side of a sample, pixels.
        finish: changes a sample (3,size,size) in place while it is in the CPU's cache.

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
    rgb = torch.from_numpy(planes)[:3]
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
            sample.copy_(rgb)
        else:
            sample.zero_()
        if finish:
            finish(sample)
    return samples


def _needed(middle: float, reach: float, length: int) -> tuple[int, int]:
    """First pixel along an axis that a square needs, and the first one past its end."""
    ends = middle - reach - 1, middle + reach + 2
    start, stop = (int(min(max(0, end), length)) for end in ends)
    return start, stop
