"""Person detectors: an image in, boxes of people out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pinet_ros.frame import Frame


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
    """What the estimator asks of a person detector.

    Attributes:
        score_threshold: people below it are not reported, 0 to 1; may be changed at any time.
    """

    score_threshold: float

    def __call__(self, frame: Frame) -> Detections: ...

    def detect(self, frames: Sequence[Frame]) -> list[Detections]: ...
