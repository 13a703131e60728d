"""Controls: the same people refined with other neighbours, to measure what neighbours contribute.

Everything that the estimator found in a scene, also duplicates and wrong detections, stays as it
is, except for what the control changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from pinet_ros.people import People
from pinet_training.datasets.scene_fields import NOBODY
from pinet_training.datasets.scenes import (
    Scene,
    Scenes,
    ScenesError,
    people_of,
)
from pinet_training.refiner.samples import duplicate_noise

CONTROLS = ("alone", "duplicate", "wrong_neighbours")

_SEED = 0


def refine_under_control(
    scenes: Scenes, refiner: Callable[[People], People], control: str
) -> list[np.ndarray]:
    """Refine each person by itself, with the neighbours that a control gives it.

    - alone: no neighbours;
    - duplicate: all of the scene, and a second detection of the person;
    - wrong_neighbours: each other person is replaced by a person from another scene.

    Args:
        scenes: two or more.
        refiner: refines people and keeps their order.
        control: one of CONTROLS.

    Returns:
        For each scene the refined poses (N,17,3) of the people that were found, metres.

    Raises:
        ScenesError: there is only one scene, so there are no wrong neighbours.
    """
    if len(scenes) < 2:
        raise ScenesError(f"the controls need two or more scenes, got {len(scenes)}")
    with_neighbours = {
        "alone": _alone,
        "duplicate": _Duplicates(),
        "wrong_neighbours": _Strangers(scenes),
    }[control]
    return [
        np.stack(
            [refiner(with_neighbours(scene, row)).people.joints[0] for row in range(len(scene))]
        )
        for scene in scenes
    ]


def _alone(scene: Scene, row: int) -> People:
    return people_of(scene).select(np.array([row]))


class _Duplicates:
    def __init__(self) -> None:
        self._generator = torch.Generator().manual_seed(_SEED)

    def __call__(self, scene: Scene, row: int) -> People:
        everybody = people_of(scene)
        others = [other for other in range(len(everybody)) if other != row]
        people = everybody.select(np.array([row, row, *others]))
        people.joints[1] += duplicate_noise((1, 1), self._generator).numpy()[0, 0]
        return people


class _Strangers:
    def __init__(self, scenes: Scenes) -> None:
        self._scenes = scenes.scenes
        self._number = {id(scene): number for number, scene in enumerate(scenes)}
        self._rng = np.random.default_rng(_SEED)

    def __call__(self, scene: Scene, row: int) -> People:
        of_whom = np.concatenate([np.arange(len(scene)), scene.extra_persons])
        replaced = (of_whom != row) & (of_whom != NOBODY)
        kept = [other for other in np.flatnonzero(~replaced) if other != row]
        people = people_of(scene).select(np.array([row, *kept]))
        strangers = [self._person_from_another_scene(scene) for _ in range(int(replaced.sum()))]
        mixed = People.concatenate([people, *strangers])
        return replace(mixed, up=people.up, estimator=people.estimator)

    def _person_from_another_scene(self, scene: Scene) -> People:
        """A random person from another scene."""
        number = self._rng.integers(len(self._scenes) - 1)
        other = self._scenes[number + (number >= self._number[id(scene)])]
        return people_of(other).select(np.array([self._rng.integers(len(other))]))
