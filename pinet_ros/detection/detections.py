"""Interface of the person detectors: images in, boxes of people out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pinet_ros.imaging.frame import Frame


@dataclass(frozen=True, eq=False)
class Detections:
    """The people detected in one image.

    Attributes:
        boxes: (N,4) float32, x_min y_min x_max y_max in pixels; may extend beyond the image.
        scores: (N,) float32, 0 to 1, in descending order.
    """

    boxes: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)


class Detector(Protocol):
    """A person detector.

    Attributes:
        score_threshold: score, 0 to 1, below which people are not reported; may be changed at any
            time.
    """

    score_threshold: float

    def __call__(self, frames: Sequence[Frame]) -> list[Detections]:
        """Detect the people in each image; several images form one batch.

        Args:
            frames: the images.

        Returns:
            The people of each image.
        """
