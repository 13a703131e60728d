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


@dataclass(frozen=True)
class Dropped:
    """How many detections of an image were not lifted.

    Attributes:
        bad_boxes: boxes that are not finite, have no area or are outside the image.
        surplus_people: the smallest people, if more than max_people were detected.
    """

    bad_boxes: int = 0
    surplus_people: int = 0


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


def select_for_lifting(
    detections: Detections, frame: Frame, max_people: int
) -> tuple[Detections, Dropped]:
    """Select the detections that can be lifted, at most the `max_people` largest, in their order.

    Size is the area within the image; a box without any, or that is not finite, is dropped.
    """
    boxes = detections.boxes
    corners = boxes.reshape(-1, 2, 2).clip(0, (frame.width, frame.height))
    area = (corners[:, 1] - corners[:, 0]).clip(0).prod(axis=1)  # NaN stays NaN
    usable = np.flatnonzero(np.isfinite(boxes).all(axis=1) & (area > 0))
    largest = usable[np.argsort(-area[usable], kind="stable")[:max_people]]
    kept = np.sort(largest)
    dropped = Dropped(len(boxes) - len(usable), len(usable) - len(kept))
    return Detections(boxes[kept], detections.scores[kept]), dropped
