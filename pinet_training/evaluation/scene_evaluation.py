"""Evaluation on scenes: poses before and after refinement, and the controls that explain it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from pinet_ros.people import People
from pinet_ros.refinement.refiner import Refinement
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.datasets.scenes import Scene, Scenes, people_of
from pinet_training.evaluation.bootstrap import paired_differences
from pinet_training.evaluation.breakdown import break_down
from pinet_training.evaluation.controls import CONTROLS, refine_under_control
from pinet_training.evaluation.metrics import METRICS
from pinet_training.evaluation.root_detection import (
    RootDetections,
    average_precision,
    find_roots,
)
from pinet_training.evaluation.scene_errors import WHEN, SceneErrors

ALL_CAMERAS = "all"
NO_CAMERAS = ("breakdown", "controls", "together_minus_alone")  # what else is in a report


Refine = Callable[[People], Refinement]


def refine_scene(scene: Scene, refiner: Refine) -> np.ndarray:
    """(N,17,3) metres: the people found, refined together with everything that was estimated."""
    return refiner(people_of(scene)).people.joints[: len(scene)]


def measure_scenes(scenes: Scenes, refiner: Refine) -> SceneErrors:
    """The errors of everybody found, whom the refiner sees as live: all of a scene together."""
    return SceneErrors(scenes, [refine_scene(scene, refiner) for scene in scenes])


def report_scenes(errors: SceneErrors) -> dict[str, dict]:
    """What was measured.

    3DPCK and AUC are over all 17 joints: the truth of a scene has each of them, and no other
    work's numbers have to be met.

    Returns:
        for each kind of camera, and for `all` where there are several, the people of scenes with
        two or more found: `n` people; `before` and `after`, each the means over people of all
        METRICS and of `root_mm`; `difference`, after - before with its 95 % interval
        (`paired_differences`); `per_joint` with `before` and `after` for each of JOINT_GROUPS;
        and `all`, which counts those of the same scenes who were missed too: `n` people, how many
        were `found`, `before` and `after` with 3DPCK and AUC, of which the missed have all joints
        wrong, and `root_ap25`, the average precision of the root within 25 cm; duplicate and
        wrong detections do not lower it.
        `breakdown`: everybody found, in the groups of `break_down`.
    """
    kinds = {cameras: _report(errors, of) for cameras, of in _cameras(errors).items()}
    return {**kinds, "breakdown": break_down(errors)}


def report_controls(errors: SceneErrors, refiner: Refine) -> dict[str, dict]:
    """People of scenes in which two or more were found, refined with other neighbours.

    Args:
        errors: of the same scenes as they are.
        refiner: of the same weights.

    Returns:
        `controls`, for each of CONTROLS what report_scenes returns by cameras, and
        `together_minus_alone`, by cameras the difference that the others make to each metric,
        with its 95 % interval: refined with the others - refined without.

    Raises:
        ScenesError: there is but one scene, so nobody to take for a wrong neighbour.
    """
    several = np.flatnonzero(errors.counts >= 2)
    scenes = Scenes(tuple(errors.scenes.scenes[number] for number in several))
    together = SceneErrors(scenes, [errors.poses["after"][number] for number in several])
    controls = {
        name: SceneErrors(scenes, refine_under_control(scenes, refiner, name)) for name in CONTROLS
    }
    cameras = _cameras(together)
    return {
        "controls": {
            name: {kind: _report(control, of) for kind, of in cameras.items()}
            for name, control in controls.items()
        },
        "together_minus_alone": {
            kind: _difference(controls["alone"], together, of) for kind, of in cameras.items()
        },
    }


def _cameras(errors: SceneErrors) -> dict[str, np.ndarray]:
    """The scenes (S,) bool with two or more found, by kind of camera and together."""
    several = errors.counts >= 2
    cameras = np.array([scene.cameras for scene in errors.scenes])
    kinds = {str(kind): several & (cameras == kind) for kind in np.unique(cameras[several])}
    return {**kinds, ALL_CAMERAS: several} if len(kinds) > 1 else kinds


def _difference(
    alone: SceneErrors, together: SceneErrors, of: np.ndarray
) -> dict[str, dict[str, float] | None]:
    rows = of[together.images]
    values = ({k: v[rows] for k, v in each.values["after"].items()} for each in (alone, together))
    return paired_differences(*values, units=together.units[rows])


def _report(errors: SceneErrors, of: np.ndarray) -> dict[str, int | dict]:
    """The people of some of the scenes (S,) bool."""
    rows = of[errors.images]
    scenes = [scene for scene, chosen in zip(errors.scenes, of, strict=True) if chosen]
    found, missed = int(rows.sum()), sum(len(scene.missed) for scene in scenes)
    report = errors.compare(rows)
    everybody = {}
    for when in WHEN:
        poses = [p for p, chosen in zip(errors.poses[when], of, strict=True) if chosen]
        # the missed have no joint right
        counted = {
            name: report[when][name] * found / (found + missed)
            for name, metric in METRICS.items()
            if metric.counts_joints
        }
        everybody[when] = {**counted, "root_ap25": _root_precision(scenes, poses)}
    return {
        **report,
        "per_joint": errors.per_joint(rows),
        "all": {"n": found + missed, "found": found, **everybody},
    }


def _root_precision(scenes: Sequence[Scene], poses: Sequence[np.ndarray]) -> float | None:
    roots = [_find_roots(scene, joints) for scene, joints in zip(scenes, poses, strict=True)]
    return average_precision(RootDetections.join(roots))


def _find_roots(scene: Scene, poses: np.ndarray) -> RootDetections:
    people = np.concatenate([scene.truth, scene.missed])
    everybody = np.ones(len(people), bool)
    return find_roots(poses[:, MUPOTS_17.root], scene.scores, people[:, MUPOTS_17.root], everybody)
