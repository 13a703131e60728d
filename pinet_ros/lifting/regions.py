"""Regions: the squares of the images that a lifter looks at, one for each person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pinet_ros.frame import Frame


@dataclass(frozen=True, eq=False)
class Regions:
    """Squares about the N people of one or several images, those of an image in a row.

    Attributes:
        images: (N,) which image each is of, rising; on the CPU.
        centers: (N,2) pixels of the image.
        sides: (N,) pixels of the image.
        angles: (N,) radians by which they are turned clockwise in the image, None for upright.
    """

    images: np.ndarray
    centers: torch.Tensor
    sides: torch.Tensor
    angles: torch.Tensor | None = None

    @classmethod
    def about(cls, boxes: Sequence[np.ndarray], scale: float, device: torch.device) -> Regions:
        """Upright squares about the middles of boxes.

        Args:
            boxes: of each image (N,4) x_min y_min x_max y_max in pixels.
            scale: of a square's side to the longer one of its box.
        """
        corners = torch.as_tensor(np.concatenate(boxes), dtype=torch.float32, device=device)
        low, high = corners[:, :2], corners[:, 2:]
        images = np.repeat(np.arange(len(boxes)), [len(each) for each in boxes])
        return cls(images, (low + high) / 2, (high - low).amax(dim=1) * scale)

    def __len__(self) -> int:
        return len(self.images)

    def turned(self, rows: torch.Tensor, angles: torch.Tensor) -> Regions:
        """Some (M,) of the squares, by angles (M,) clockwise in radians about their middles."""
        images = self.images[rows.cpu().numpy()]
        return Regions(images, self.centers[rows], self.sides[rows], angles)

    def crops(
        self,
        frames: Sequence[Frame],
        size: int,
        finish: Callable[[torch.Tensor], object] | None = None,
    ) -> torch.Tensor:
        """The squares as RGB pictures (N,3,size,size), 0 to 255 before `finish`.

        See Frame.squares.
        """
        counts = np.bincount(self.images, minlength=len(frames)).tolist()
        angles = [None] * len(frames) if self.angles is None else self.angles.split(counts)
        parts = zip(
            frames, self.centers.split(counts), self.sides.split(counts), angles, strict=True
        )
        crops = [
            frame.squares(centers, sides, size, turn, finish)
            for frame, centers, sides, turn in parts
        ]
        return crops[0] if len(crops) == 1 else torch.cat(crops)

    def to_image(self, points: torch.Tensor) -> torch.Tensor:
        """Points (N,K,2) of the squares, from 0 to 1, as pixels of the image."""
        offsets = (points - 0.5) * self.sides[:, None, None]
        return self.turned_back(offsets) + self.centers[:, None]

    def turned_back(self, vectors: torch.Tensor) -> torch.Tensor:
        """Vectors (N,K,2) along the squares' axes, x and y, along those of the image."""
        if self.angles is None:
            return vectors
        x, y = vectors.unbind(-1)
        cosine, sine = self.angles.cos()[:, None], self.angles.sin()[:, None]
        return torch.stack([cosine * x - sine * y, sine * x + cosine * y], dim=-1)
