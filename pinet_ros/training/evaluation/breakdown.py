"""Errors on scenes by what makes them hard: hidden joints, the number of people, the pitch."""

from __future__ import annotations

import numpy as np

from pinet_ros.training.datasets.scenes import Scenes
from pinet_ros.training.evaluation.bootstrap import paired_differences
from pinet_ros.training.evaluation.metrics import PoseErrors, means
from pinet_ros.training.evaluation.scenes import Refine, refine_scene

# Upper ends of the groups; a value belongs to the first group whose end it does not exceed.
_VISIBLE = {"under 50 %": 0.4999, "50 to 75 %": 0.7499, "75 to 99 %": 0.9999, "all": 1.0}
_PEOPLE = {"1": 1, "2": 2, "3": 3, "4 and more": np.inf}
_PITCH = {"up": -5, "level, -5 to 5": 5, "5 to 15": 15, "15 to 30": 30, "over 30": np.inf}


def evaluate_breakdown(scenes: Scenes, refiner: Refine) -> dict[str, dict[str, dict]]:
    """Errors of everybody found, in groups.

    Returns:
        `visible` (which part of the joints is in the image and not hidden), `people` (how many
        were found in the scene) and `camera_pitch` (degrees, positive looks down), each with its
        groups: `n` people, the means `before` and `after` refinement, and the `difference` with
        its 95 % interval. Groups of nobody, and what the scenes do not tell, are left out.
    """
    truth = np.concatenate([scene.truth for scene in scenes])
    initial = np.concatenate([scene.estimates for scene in scenes])
    refined = np.concatenate([refine_scene(scene, refiner) for scene in scenes])
    before, after = (PoseErrors(joints, truth).whole for joints in (initial, refined))
    counts = np.array([len(scene) for scene in scenes])
    images = np.repeat(np.arange(len(counts)), counts)
    pitches = np.degrees([scene.camera_pitch for scene in scenes])
    groups = {
        "visible": (_VISIBLE, np.concatenate([scene.visible for scene in scenes])),
        "people": (_PEOPLE, counts[images]),
        "camera_pitch": (_PITCH, pitches[images]),
    }

    def report(rows: np.ndarray) -> dict[str, int | dict]:
        parts = [{name: v[rows] for name, v in values.items()} for values in (before, after)]
        return {
            "n": int(rows.sum()),
            "before": means(parts[0]),
            "after": means(parts[1]),
            "difference": paired_differences(*parts, images=images[rows]),
        }

    return {
        name: {label: report(rows) for label, rows in _members(ends, values).items()}
        for name, (ends, values) in groups.items()
    }


def _members(ends: dict[str, float], values: np.ndarray) -> dict[str, np.ndarray]:
    """For each group that has any the rows (N,) bool of the values (N,) in it; NaN is in none."""
    group = np.searchsorted(list(ends.values()), values)  # NaN comes behind all ends
    group[np.isnan(values)] = len(ends)
    members = {label: group == number for number, label in enumerate(ends)}
    return {label: rows for label, rows in members.items() if rows.any()}
