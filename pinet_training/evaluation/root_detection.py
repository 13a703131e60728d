"""Average precision of the root: how well people are found and placed in space.

Source: AP of the root within 25 cm (Moon et al., ICCV 2019); the precision-recall curve and what
becomes of people who do not count, as in COCO (Lin et al., ECCV 2014).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_REACH = 0.25  # metres


@dataclass(frozen=True, eq=False)
class RootDetections:
    """Predictions of one or several images, and which of them found a person.

    Attributes:
        scores: (M,) scores of the predictions that count.
        hits: (M,) bool, whether a prediction found a person.
        people: number of true people that count.
    """

    scores: np.ndarray
    hits: np.ndarray
    people: int

    @classmethod
    def join(cls, detections: Sequence[RootDetections]) -> RootDetections:
        """Combine the detections of several images."""
        return cls(
            np.concatenate([d.scores for d in detections]),
            np.concatenate([d.hits for d in detections]),
            sum(d.people for d in detections),
        )


def find_roots(
    predicted: np.ndarray, scores: np.ndarray, truth: np.ndarray, valid: np.ndarray
) -> RootDetections:
    """Match predicted roots of one image with true roots, in order of falling score.

    Each prediction takes the nearest true root within 25 cm that is still free. A prediction that
    takes the root of a person who is not valid counts neither as right nor as wrong.

    Args:
        predicted: (M,3) metres, camera frame; NaN finds nobody.
        scores: (M,); a prediction without one (NaN) comes last.
        truth: (N,3) metres.
        valid: (N,) bool, who counts.
    """
    scores = np.nan_to_num(scores, nan=-np.inf, neginf=-np.inf)
    distances = np.linalg.norm(predicted[:, None] - truth, axis=-1)  # (M,N)
    distances = np.where(distances < _REACH, distances, np.inf)
    hits, counts = np.zeros(len(predicted), bool), np.ones(len(predicted), bool)
    for row in np.argsort(-scores, kind="stable"):
        if not np.isfinite(distances[row]).any():
            continue
        person = distances[row].argmin()
        hits[row] = counts[row] = valid[person]
        distances[:, person] = np.inf
    return RootDetections(scores[counts], hits[counts], int(valid.sum()))


def average_precision(detections: RootDetections) -> float | None:
    """Area under the precision-recall curve in percent; None without people to find.

    All points of the curve count, and the precision at a recall is the best at that recall or a
    higher one. Predictions of one score are one point: their order means nothing.
    """
    if not detections.people:
        return None
    if not len(detections.scores):
        return 0.0
    order = np.argsort(-detections.scores, kind="stable")
    scores, hits = detections.scores[order], np.cumsum(detections.hits[order])
    last = np.append(scores[1:] != scores[:-1], True)  # of each score
    precision = hits[last] / (np.flatnonzero(last) + 1)
    recall = hits[last] / detections.people
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(100.0 * np.sum(best * np.diff(recall, prepend=0.0)))
