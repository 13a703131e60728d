"""Controls: the same people refined with other neighbours, to measure what neighbours contribute.

Everything that the estimator found in a scene, also duplicates and wrong detections, stays as it
is, except for what the control changes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from pinet_ros.people import People
from pinet_ros.skeleton import MUPOTS_17
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
    return _select(people_of(scene), [row])


class _Duplicates:
    def __init__(self) -> None:
        self._generator = torch.Generator().manual_seed(_SEED)

    def __call__(self, scene: Scene, row: int) -> People:
        everybody = people_of(scene)
        others = [other for other in range(len(everybody)) if other != row]
        people = _select(everybody, [row, row, *others])
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
        people = _select(people_of(scene), [row, *kept])
        strangers = [self._person_from_another_scene(scene) for _ in range(int(replaced.sum()))]
        return People.from_joints(
            MUPOTS_17,
            np.stack([*people.joints, *(joints for joints, _ in strangers)]),
            boxes=np.stack([*people.boxes, *(box for _, box in strangers)]),
        )

    def _person_from_another_scene(self, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
        """Joints (17,3) and box (4,) of a random person from another scene."""
        number = self._rng.integers(len(self._scenes) - 1)
        other = self._scenes[number + (number >= self._number[id(scene)])]
        row = self._rng.integers(len(other))
        return other.estimates[row], other.boxes[row]


def _select(people: People, rows: list[int]) -> People:
    """A copy of some of the people."""
    return People.from_joints(MUPOTS_17, people.joints[rows], boxes=people.boxes[rows])
