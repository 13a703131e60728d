"""Evaluation on scenes: poses before and after refinement, and the controls that explain it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch

from pinet_ros.people import People
from pinet_ros.skeleton import MUPOTS_17
from pinet_ros.training.datasets.scenes import (
    Scene,
    Scenes,
    ScenesError,
    initial_people,
    people_of,
)
from pinet_ros.training.evaluation.bootstrap import paired_differences
from pinet_ros.training.evaluation.metrics import JOINT_GROUPS, METRICS, PoseErrors, means
from pinet_ros.training.evaluation.root_detection import (
    RootDetections,
    average_precision,
    find_roots,
)
from pinet_ros.training.samples import duplicate_noise

_SEED = 0
_PELVIS = MUPOTS_17.index("pelvis")

Refine = Callable[[People], People]

# For each person of a scene: the people to refine together, the person in question first.
Companions = Callable[[Scene], Iterable[People]]


def evaluate_scenes(scenes: Scenes, refiner: Refine) -> dict[str, dict]:
    """Errors of the people of scenes with two or more found.

    3DPCK and AUC are over all 17 joints: the truth of a scene has each of them, and no other
    work's numbers have to be met.

    Returns:
        for each kind of camera that the scenes have: `n` people; `before` and `after`, each the
        means over people of all METRICS and of `root_mm`; `difference`, after - before with its
        95 % interval (`paired_differences`); `per_joint` with `before` and `after` for each of
        JOINT_GROUPS; and `all`, which counts those of the same scenes who were missed too:
        `n` people, how many were `found`, `before` and `after` with 3DPCK and AUC, of which the
        missed have all joints wrong, and `root_ap25`, the average precision of the root within
        25 cm; duplicate and wrong detections do not lower it.
    """
    return _report(scenes, lambda scene: refine_scene(scene, refiner))


def refine_scene(scene: Scene, refiner: Refine) -> np.ndarray:
    """(N,17,3) metres: the people found, refined in the company of all that was estimated."""
    return refiner(people_of(scene)).joints[: len(scene)]


def evaluate_controls(scenes: Scenes, refiner: Refine) -> dict[str, dict[str, dict]]:
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
        "alone": _alone,
        "duplicate": lambda scene: _with_duplicates(scene, generator),
        "wrong_neighbours": lambda scene: _with_strangers(scene, scenes, rng),
    }

    def firsts(scene: Scene, companions: Companions) -> np.ndarray:
        return np.stack([refiner(people).joints[0] for people in companions(scene)])

    return {
        name: _report(scenes, lambda scene, c=companions: firsts(scene, c))
        for name, companions in controls.items()
    }


def _report(scenes: Scenes, refine: Callable[[Scene], np.ndarray]) -> dict[str, dict]:
    report = {}
    for cameras in sorted({scene.cameras for scene in scenes}):
        selected = scenes.select(cameras=cameras, minimum_people=2)
        if len(selected):
            report[cameras] = _compare(selected, refine)
    return report


def _compare(scenes: Scenes, refine: Callable[[Scene], np.ndarray]) -> dict[str, int | dict]:
    truth = np.concatenate([scene.truth for scene in scenes])
    poses = {
        "before": [scene.estimates for scene in scenes],
        "after": [refine(scene) for scene in scenes],
    }
    errors = {when: PoseErrors(np.concatenate(p), truth) for when, p in poses.items()}
    values = {when: of_poses.whole for when, of_poses in errors.items()}
    images = np.repeat(np.arange(len(scenes)), [len(scene) for scene in scenes])
    found = {when: means(of_people) for when, of_people in values.items()}
    return {
        "n": len(truth),
        **found,
        "difference": paired_differences(**values, images=images),
        "per_joint": {
            when: {name: means(of_poses.group(name)) for name in JOINT_GROUPS}
            for when, of_poses in errors.items()
        },
        "all": {
            "n": len(truth) + sum(len(scene.missed) for scene in scenes),
            "found": len(truth),
            **{when: _with_missed(scenes, poses[when], found[when]) for when in poses},
        },
    }


def _with_missed(
    scenes: Scenes, poses: Sequence[np.ndarray], found: dict[str, float | None]
) -> dict[str, float | None]:
    """Metrics of everybody who was to be found, from the means over those found.

    Args:
        scenes: of which the found and the missed count.
        poses: (N,17,3) metres of those found in each scene.
        found: the means over all of these.
    """
    count = sum(len(scene) for scene in scenes)
    part = count / (count + sum(len(scene.missed) for scene in scenes))
    counted = {name: part * found[name] for name, m in METRICS.items() if m.counts_joints}
    roots = [_find_roots(scene, joints) for scene, joints in zip(scenes, poses, strict=True)]
    return {**counted, "root_ap25": average_precision(RootDetections.join(roots))}


def _find_roots(scene: Scene, poses: np.ndarray) -> RootDetections:
    people = np.concatenate([scene.truth, scene.missed])
    everybody = np.ones(len(people), bool)
    return find_roots(poses[:, _PELVIS], scene.scores, people[:, _PELVIS], everybody)


def _alone(scene: Scene) -> Iterable[People]:
    for row in range(len(scene)):
        yield initial_people(scene.estimates[row, None], scene.boxes[row, None])


def _with_duplicates(scene: Scene, generator: torch.Generator) -> Iterable[People]:
    noise = duplicate_noise((len(scene), 1), generator).numpy()  # (N,1,17,3)
    for row in range(len(scene)):
        rows = [row, row, *(other for other in range(len(scene)) if other != row)]
        joints = scene.estimates[rows]
        joints[1] += noise[row, 0]
        yield initial_people(joints, scene.boxes[rows])


def _with_strangers(scene: Scene, scenes: Scenes, rng: np.random.Generator) -> Iterable[People]:
    elsewhere = [other for other in scenes if other is not scene]
    for row in range(len(scene)):
        chosen = [elsewhere[i] for i in rng.integers(len(elsewhere), size=len(scene) - 1)]
        strangers = [(other, rng.integers(len(other))) for other in chosen]
        yield initial_people(
            np.stack([scene.estimates[row], *(other.estimates[n] for other, n in strangers)]),
            np.stack([scene.boxes[row], *(other.boxes[n] for other, n in strangers)]),
        )
