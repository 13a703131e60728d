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

    def to_lift(self, width: int, height: int, max_people: int) -> tuple[Detections, LeftOut]:
        """Those that a lifter can use, the largest ones if there are too many.

        A box counts by its part within the image; one that has none there, or a number that is
        not finite, cannot be used.

        Args:
            width, height: of the image in pixels.
            max_people: so many at most.

        Returns:
            They in their order, and how many were left out.
        """
        corners = self.boxes.reshape(-1, 2, 2).clip(0, (width, height))
        area = (corners[:, 1] - corners[:, 0]).clip(0).prod(axis=1)  # NaN of NaN
        usable = np.flatnonzero(np.isfinite(self.boxes).all(axis=1) & (area > 0))
        largest = usable[np.argsort(-area[usable], kind="stable")[:max_people]]
        kept = np.sort(largest)
        left_out = LeftOut(len(self) - len(usable), len(usable) - len(kept))
        return Detections(self.boxes[kept], self.scores[kept]), left_out


@dataclass(frozen=True)
class LeftOut:
    """How many detections were not lifted.

    Attributes:
        bad_boxes: those that are not finite, have no area or lie outside of the image.
        surplus_people: the smallest of more people than are to be lifted.
    """

    bad_boxes: int = 0
    surplus_people: int = 0

    def __add__(self, other: LeftOut) -> LeftOut:
        return LeftOut(
            self.bad_boxes + other.bad_boxes, self.surplus_people + other.surplus_people
        )


class Detector(Protocol):
    """What the estimator asks of a person detector.

    Attributes:
        score_threshold: people below it are not reported, 0 to 1; may be changed at any time.
    """

    score_threshold: float

    def __call__(self, frame: Frame) -> Detections: ...

    def detect(self, frames: Sequence[Frame]) -> list[Detections]: ...
