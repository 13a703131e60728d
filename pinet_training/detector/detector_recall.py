"""How many people a detector finds at how many wrong boxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from pinet_ros.detection.detections import Detections
from pinet_training.datasets.box_areas import overlaps

WRONG = (0.05, 0.1, 0.2)  # boxes a picture at which the recall is told

_FOUND = 0.5  # intersection over union with the person
_WRONG = 0.3  # with anybody, below which a box is wrong


@dataclass(frozen=True, eq=False)
class KnownPicture:
    """A picture and who is in it.

    Attributes:
        name: of its file.
        image: reads it, (H,W,3) uint8 BGR.
        people: (G,4) boxes of the people to find, pixels.
        ignored: (I,4) boxes of others, who may be found or not.
    """

    name: str
    image: Callable[[], np.ndarray]
    people: np.ndarray
    ignored: np.ndarray


Detect = Callable[[KnownPicture], Detections]


@dataclass(frozen=True, eq=False)
class Recalls:
    """What a detector gives in a set of pictures.

    Attributes:
        scores: (P,) of the box that each person has, 0 for none; a box is of one person only.
        shared: (P,) the highest score of a box on each person, who may share it with somebody.
        wrong: (W,) scores of the boxes that are on nobody.
        pictures: number of pictures.
    """

    scores: np.ndarray
    shared: np.ndarray
    wrong: np.ndarray
    pictures: int

    def threshold_at(self, wrong: float) -> float:
        """The lowest score at which no more than so many boxes a picture are wrong."""
        allowed = int(wrong * self.pictures)
        scores = np.sort(self.wrong)[::-1]
        return float(scores[allowed]) if allowed < len(scores) else 0.0

    def at(self, threshold: float) -> tuple[int, int]:
        """Number of people found and of wrong boxes above a score."""
        return int((self.scores > threshold).sum()), int((self.wrong > threshold).sum())

    def sharing(self, threshold: float) -> int:
        """Number of people who are not found because their only box is of somebody else."""
        return int(((self.scores <= threshold) & (self.shared > threshold)).sum())

    def right(self, low: float, high: float) -> tuple[int, int]:
        """How many boxes with a score from `low` up to `high` are of a person, or of nobody.

        Second boxes of a person are not counted, nor boxes that are near somebody.

        Returns:
            The number of boxes of a person, and of all that are counted.
        """
        of_people, wrong = (
            int(((scores >= low) & (scores < high)).sum()) for scores in (self.scores, self.wrong)
        )
        return of_people, of_people + wrong


def measure_recalls(detect: Detect, pictures: Sequence[KnownPicture]) -> Recalls:
    """Run a detector over pictures.

    Args:
        detect: gives the boxes in a picture, also those with low scores.
        pictures: the pictures.
    """
    scores: list[float] = []
    shared_scores: list[float] = []
    wrong: list[float] = []
    for picture in pictures:
        found = detect(picture)
        shared = overlaps(picture.people, found.boxes)  # (G,D)
        on_person = np.where(shared >= _FOUND, found.scores, 0.0)
        own = np.zeros(len(on_person))
        people, boxes = linear_sum_assignment(on_person, maximize=True)
        own[people] = on_person[people, boxes]
        scores += own.tolist()
        shared_scores += on_person.max(axis=1, initial=0.0).tolist()
        everybody = np.concatenate([picture.people, picture.ignored])
        nearest = overlaps(everybody, found.boxes).max(axis=0, initial=0.0)
        wrong += found.scores[nearest < _WRONG].tolist()
    return Recalls(np.array(scores), np.array(shared_scores), np.array(wrong), len(pictures))
