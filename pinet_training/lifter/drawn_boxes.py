"""Draws the boxes that a training of BlazePose looks at."""

from __future__ import annotations

import numpy as np

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.lifter.pose_samples import NOBODY, PoseSamples

_DETECTED = 0.7  # share of people, of those whom the detector found, who are seen in its boxes
_HARDLY_SEEN = 0.15  # how often people are shown of whom nothing is seen, over those wholly seen
_BINS = np.radians(np.arange(-90, 91, 10))  # of the trunk's tilt
_EVENED = 0.75  # 0 leaves the tilts as they are rendered, 1 shows all of them equally often
_RARE = 0.01  # share from which tilts are not shown more often any more

_TRUNK = list(MUPOTS_17.indices("pelvis", "thorax"))


class DrawnBoxes:
    """Boxes of people, the more is seen the more often, and boxes around nobody.

    Tilts of the trunk towards the camera and away from it are evened out: most rendered people
    stand before a nearly level camera, and a network that sees little else takes everybody for
    more upright than they are.
    """

    def __init__(self, samples: PoseSamples, nobody: float) -> None:
        """Compute how often each box is drawn.

        Args:
            samples: boxes and people.
            nobody: share of boxes around nobody, if there are any.
        """
        self._samples = samples
        self._people = samples.boxes_of_people()
        persons = np.array([samples.person[rows[0]] for rows in self._people])
        chances = samples.visible[persons].mean(axis=1) + _HARDLY_SEEN
        self._chances = _evened(chances, trunk_tilts(samples.joints[persons]))
        self._nobody = np.flatnonzero(samples.person == NOBODY)
        self._share = nobody if len(self._nobody) else 0.0
        # of these the detector's are few, and what presence is for
        mistaken = samples.detected[self._nobody]
        of_nobody = mistaken / max(1, mistaken.sum()) + 1 / max(1, len(mistaken))
        self._chances_of_nobody = of_nobody / of_nobody.sum()

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Rows (count,) of boxes."""
        order = np.empty(count, int)
        nobody = rng.random(count) < self._share
        if nobody.any():
            order[nobody] = rng.choice(self._nobody, nobody.sum(), p=self._chances_of_nobody)
        people = rng.choice(len(self._people), (~nobody).sum(), p=self._chances)
        order[~nobody] = [self._one_of(self._people[person], rng) for person in people]
        return order

    def _one_of(self, rows: np.ndarray, rng: np.random.Generator) -> int:
        """One of a person's boxes: mostly the detector's, if there are any, else the true one."""
        detected = self._samples.detected[rows]
        given, true = rows[detected], rows[~detected]
        chosen = given if len(given) and (rng.random() < _DETECTED or not len(true)) else true
        return int(chosen[rng.integers(len(chosen))])


def trunk_tilts(joints: np.ndarray) -> np.ndarray:
    """Angles (P,), radians, by which trunks lean away from the camera, negative towards it.

    They are the angles between the trunk and the plane across the viewing ray of the pelvis.

    Args:
        joints: (P,17,3) metres, camera frame.
    """
    pelvis, thorax = joints[:, _TRUNK].astype(float).swapaxes(0, 1)
    trunk = thorax - pelvis
    lengths = np.linalg.norm(trunk, axis=1) * np.linalg.norm(pelvis, axis=1)
    return np.arcsin(np.clip((trunk * pelvis).sum(axis=1) / np.maximum(lengths, 1e-9), -1, 1))


def _evened(chances: np.ndarray, tilts: np.ndarray) -> np.ndarray:
    """Chances (P,) with a sum of 1, of which rare tilts have more than their share."""
    shares, _ = np.histogram(tilts, _BINS, weights=chances / chances.sum())
    of_bin = np.clip(np.digitize(tilts, _BINS) - 1, 0, len(shares) - 1)
    evened = chances / np.maximum(shares[of_bin], _RARE) ** _EVENED
    return evened / evened.sum()
