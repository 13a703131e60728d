"""Evaluation: the error of poses before and after refinement, and the controls that explain it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch

from pinet_ros.refinement.refiner import Refiner
from pinet_ros.training.evaluation.metrics import mean_metrics
from pinet_ros.training.samples import duplicate_noise
from pinet_ros.training.datasets.scenes import CAMERAS, Scene, Scenes, ScenesError, initial_people

_SEED = 0

# For each person of a scene: the people to refine together, the person in question first.
Companions = Callable[[Scene], Iterable[np.ndarray]]


def evaluate_scenes(scenes: Scenes, refiner: Refiner) -> dict[str, dict]:
    """Errors of the people of scenes with two or more found.

    Returns:
        for each kind of camera that the scenes have: `n` people, and `before` and `after`, each
        with mpjpe_mm, pa_mpjpe_mm, pck150 and root_mm, means over people.
    """
    return _report(scenes, lambda scene: refiner(initial_people(scene.estimates)).joints)


def evaluate_controls(scenes: Scenes, refiner: Refiner) -> dict[str, dict[str, dict]]:
    """The same people refined in other company: `alone`, `duplicate`, `wrong_neighbours`.

    - alone: without the others;
    - duplicate: with the others and a second detection of the person itself;
    - wrong_neighbours: each of the others replaced by somebody of another scene.

    Returns:
        for each control what evaluate_scenes returns.

    Raises:
        ScenesError: there is but one scene, so nobody to take for a wrong neighbour.
    """
    if len(scenes) < 2:
        raise ScenesError(f"the controls need two or more scenes, got {len(scenes)}")
    rng = np.random.default_rng(_SEED)
    generator = torch.Generator().manual_seed(_SEED)
    controls: dict[str, Companions] = {
        "alone": lambda scene: scene.estimates[:, None],
        "duplicate": lambda scene: _with_duplicates(scene, generator),
        "wrong_neighbours": lambda scene: _with_strangers(scene, scenes, rng),
    }

    def firsts(scene: Scene, companions: Companions) -> np.ndarray:
        refined = [refiner(initial_people(joints)) for joints in companions(scene)]
        return np.stack([people.joints[0] for people in refined])

    return {
        name: _report(scenes, lambda scene, c=companions: firsts(scene, c))
        for name, companions in controls.items()
    }


def _report(scenes: Scenes, refine: Callable[[Scene], np.ndarray]) -> dict[str, dict]:
    report = {}
    for cameras in CAMERAS:
        selected = scenes.select(cameras=cameras, minimum_people=2)
        if not len(selected):
            continue
        before = np.concatenate([scene.estimates for scene in selected])
        truth = np.concatenate([scene.truth for scene in selected])
        after = np.concatenate([refine(scene) for scene in selected])
        report[cameras] = {
            "n": len(truth),
            "before": mean_metrics(before, truth),
            "after": mean_metrics(after, truth),
        }
    return report


def _with_duplicates(scene: Scene, generator: torch.Generator) -> Iterable[np.ndarray]:
    noise = duplicate_noise((len(scene), 1), generator).numpy()  # (N,1,17,3)
    for number, person in enumerate(scene.estimates):
        others = np.delete(scene.estimates, number, axis=0)
        yield np.concatenate([person[None], person[None] + noise[number], others])


def _with_strangers(
    scene: Scene, scenes: Scenes, rng: np.random.Generator
) -> Iterable[np.ndarray]:
    elsewhere = [other for other in scenes if other is not scene]
    for person in scene.estimates:
        chosen = [elsewhere[i] for i in rng.integers(len(elsewhere), size=len(scene) - 1)]
        strangers = [other.estimates[rng.integers(len(other))] for other in chosen]
        yield np.stack([person, *strangers])
