"""What every detector does: images in, boxes of people out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pinet_ros.imaging.frame import Frame


@dataclass(frozen=True, eq=False)
class Detections:
    """People found in one image.

    Attributes:
        boxes: (N,4) float32, x_min y_min x_max y_max in pixels, may reach beyond the image.
        scores: (N,) float32, 0 to 1, falling.
    """

    boxes: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)


class Detector(Protocol):
    """A person detector.

    Attributes:
        score_threshold: people with a lower score are not reported, 0 to 1; may change any time.
    """

    score_threshold: float

    def __call__(self, frames: Sequence[Frame]) -> list[Detections]:
        """Detect the people of each image; several images form one batch."""
