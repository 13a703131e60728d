"""Errors on scenes by what makes them hard: hidden joints, the number of people, the pitch."""

from __future__ import annotations

import numpy as np

from pinet_training.evaluation.scene_errors import SceneErrors

# Upper ends of the groups; a value belongs to the first group whose end it does not exceed.
_VISIBLE = {"under 50 %": 0.4999, "50 to 75 %": 0.7499, "75 to 99 %": 0.9999, "all": 1.0}
_PEOPLE = {"1": 1, "2": 2, "3": 3, "4 and more": np.inf}
_PITCH = {"up": -5, "level, -5 to 5": 5, "5 to 15": 15, "15 to 30": 30, "over 30": np.inf}


def break_down(errors: SceneErrors) -> dict[str, dict[str, dict]]:
    """Errors of everybody found, in groups.

    Returns:
        `visible` (which part of the joints is in the image and not hidden), `people` (how many
        were found in the scene) and `camera_pitch` (degrees, positive looks down), each with its
        groups, see `SceneErrors.compare`. Groups of nobody, and what the scenes do not tell, are
        left out.
    """
    pitches = np.degrees([scene.camera_pitch for scene in errors.scenes])
    groups = {
        "visible": (_VISIBLE, np.concatenate([scene.visible for scene in errors.scenes])),
        "people": (_PEOPLE, errors.counts[errors.images]),
        "camera_pitch": (_PITCH, pitches[errors.images]),
    }
    return {
        name: {label: errors.compare(rows) for label, rows in _members(ends, values).items()}
        for name, (ends, values) in groups.items()
    }


def _members(ends: dict[str, float], values: np.ndarray) -> dict[str, np.ndarray]:
    """For each group that has any the rows (N,) bool of the values (N,) in it; NaN is in none."""
    group = np.searchsorted(list(ends.values()), values)  # NaN comes behind all ends
    group[np.isnan(values)] = len(ends)
    members = {label: group == number for number, label in enumerate(ends)}
    return {label: rows for label, rows in members.items() if rows.any()}
