"""Failures: the people of scenes with the worst errors, to be looked at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pinet_training.datasets.scenes import Scene
from pinet_training.evaluation.scene_errors import WHEN, SceneErrors

_SHOWN = ("mpjpe_mm", "root_mm")


@dataclass(frozen=True, eq=False)
class Failure:
    """One person of a scene.

    Attributes:
        scene: which the person is in.
        poses: `truth`, `before` and `after`, (17,3) metres, camera frame.
        errors: `before` and `after`, MPJPE and the root's error in millimetres.
    """

    scene: Scene
    poses: dict[str, np.ndarray]
    errors: dict[str, dict[str, float]]


def find_failures(errors: SceneErrors, count: int) -> dict[str, list[Failure]]:
    """The `count` worst people, the worst first, no two from the same scene.

    Returns:
        `highest`: people with the highest MPJPE after refinement, and `worsened`: people whose
        MPJPE refinement has raised the most, if there are any.
    """
    before, after = (errors.values[when]["mpjpe_mm"] for when in WHEN)
    worsened = np.where(after > before, after - before, np.nan)
    return {
        name: [_failure(errors, person) for person in _worst(values, errors.images, count)]
        for name, values in {"highest": after, "worsened": worsened}.items()
    }


def _worst(values: np.ndarray, images: np.ndarray, count: int) -> np.ndarray:
    """The people with the highest of the values (P,) that are known, one of an image."""
    order = np.argsort(-values, kind="stable")  # NaN comes last
    order = order[~np.isnan(values[order])]
    _, first = np.unique(images[order], return_index=True)
    return order[np.sort(first)][:count]


def _failure(errors: SceneErrors, person: int) -> Failure:
    number = errors.images[person]
    row = person - errors.counts[:number].sum()
    scene = errors.scenes.scenes[number]
    return Failure(
        scene,
        {"truth": scene.truth[row], **{when: errors.poses[when][number][row] for when in WHEN}},
        {
            when: {name: float(errors.values[when][name][person]) for name in _SHOWN}
            for when in WHEN
        },
    )
