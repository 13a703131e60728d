"""Errors of everybody found in some scenes, before and after one treatment of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pinet_training.datasets.scenes import Scenes
from pinet_training.evaluation.bootstrap import paired_differences
from pinet_training.evaluation.metrics import JOINT_GROUPS, PoseErrors, means

WHEN = ("before", "after")


class SceneErrors:
    """The errors of all P people found in S scenes, one scene after the other.

    Attributes:
        scenes: S of them.
        poses: `before` and `after`, for each scene the poses (N,17,3) of those found, metres.
        values: `before` and `after`, (P,) of each metric of `PoseErrors.whole`.
        images: (P,) number of the scene that each person is in.
        units: (P,) number of the independent unit that each person is in, see `Scenes.units`.
        counts: (S,) how many were found in each scene.
    """

    def __init__(self, scenes: Scenes, refined: Sequence[np.ndarray]) -> None:
        """Measure.

        Args:
            scenes: with the truth and the initial poses.
            refined: (N,17,3) of each scene, metres, the poses after the treatment.
        """
        self.scenes = scenes
        self.poses = {"before": [scene.estimates for scene in scenes], "after": list(refined)}
        truth = np.concatenate([scene.truth for scene in scenes])
        self._errors = {w: PoseErrors(np.concatenate(self.poses[w]), truth) for w in WHEN}
        self.values = {when: errors.whole for when, errors in self._errors.items()}
        self.counts = np.array([len(scene) for scene in scenes])
        self.images = np.repeat(np.arange(len(scenes)), self.counts)
        self.units = scenes.units[self.images]

    def compare(self, rows: np.ndarray) -> dict[str, int | dict]:
        """Some of the people (P,) bool.

        Returns:
            `n`, how many they are; the means `before` and `after`; and `difference`, after -
            before with its 95 % interval, in which the people of one unit are drawn together.
        """
        chosen = {when: {k: v[rows] for k, v in self.values[when].items()} for when in WHEN}
        return {
            "n": int(rows.sum()),
            **{when: means(chosen[when]) for when in WHEN},
            "difference": paired_differences(**chosen, units=self.units[rows]),
        }

    def per_joint(self, rows: np.ndarray) -> dict[str, dict[str, dict[str, float | None]]]:
        """Means of some of the people (P,) bool over each of JOINT_GROUPS, `before`, `after`."""
        return {
            when: {name: means(errors.group(name), rows) for name in JOINT_GROUPS}
            for when, errors in self._errors.items()
        }
