"""The definition of joints, on people who are seen where another definition has them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.definition import JointDefinition

HIP_NAMES = ("left_hip", "right_hip")


def _index(name: str) -> int:
    return MUPOTS_17.index(name)


@pytest.fixture(scope="module")
def people() -> np.ndarray:
    """400 people who bend and turn, 2 to 8 m from the camera: (400,17,3) metres."""
    rng = np.random.default_rng(0)
    upright = np.zeros((17, 3))
    heights = {
        "head_top": 0.78, "head": 0.6, "thorax": 0.5, "spine": 0.25, "pelvis": 0.0,
        "shoulder": 0.45, "elbow": 0.2, "wrist": 0.0, "hip": 0.0, "knee": -0.42, "ankle": -0.84,
    }  # fmt: skip
    widths = {"shoulder": 0.17, "elbow": 0.2, "wrist": 0.22, "hip": 0.1, "knee": 0.1, "ankle": 0.1}
    for index, name in enumerate(MUPOTS_17.joints):
        side, _, part = name.rpartition("_") if name != "head_top" else ("", "", name)
        sign = {"left": 1, "right": -1, "": 0}[side]
        upright[index] = sign * widths.get(part, 0), -heights[part], 0  # y points down
    bent = upright + rng.normal(0, 0.1, (400, 17, 3))
    turned = np.stack(
        [
            Rotation.from_euler("xyz", rng.uniform(-1, 1, 3) * [0.7, 3.1, 0.3]).apply(p)
            for p in bent
        ]
    )
    return turned + rng.uniform([-1, -0.5, 2], [1, 0.5, 8], (400, 1, 3))


def _moved(people: np.ndarray) -> np.ndarray:
    """Ankles a tenth up the shins, and hips 3 cm to the front."""
    moved = people.copy()
    for side in ("left", "right"):
        knee, ankle = people[:, _index(f"{side}_knee")], people[:, _index(f"{side}_ankle")]
        moved[:, _index(f"{side}_ankle")] = ankle + 0.1 * (knee - ankle)
    hips = [people[:, _index(name)] for name in HIP_NAMES]
    shoulders = [people[:, _index(name)] for name in ("left_shoulder", "right_shoulder")]
    up = sum(shoulders) / 2 - sum(hips) / 2
    front = np.cross(hips[0] - hips[1], up)
    front /= np.linalg.norm(front, axis=1, keepdims=True)
    for name in HIP_NAMES:
        moved[:, _index(name)] += 0.03 * front
    return moved


def _rays(joints: np.ndarray) -> np.ndarray:
    return joints[..., :2] / joints[..., 2:]


def test_joints_go_to_where_they_are_seen(people):
    expected = _moved(people)
    definition = JointDefinition.fit(people, _rays(expected))
    assert definition.apply(people) == pytest.approx(expected, abs=1e-3)


def test_noise_and_some_gross_errors_do_no_harm(people):
    rng = np.random.default_rng(1)
    expected = _moved(people)
    seen = _rays(expected) + rng.normal(0, 0.003, (*people.shape[:2], 2))
    seen[::15] += 0.2  # somebody else's joints
    seen[3, 5] = np.nan
    found = JointDefinition.fit(people, seen).apply(people)
    assert np.linalg.norm(found - expected, axis=2).mean() < 0.006
    assert np.linalg.norm(people - expected, axis=2)[:, _index("left_ankle")].mean() > 0.04


def test_joints_that_are_seen_where_they_are_stay(people):
    definition = JointDefinition.fit(people, _rays(people))
    assert definition.apply(people) == pytest.approx(people, abs=1e-9)


def test_left_and_right_are_alike(people):
    definition = JointDefinition.fit(people, _rays(_moved(people)))
    mirror = np.array([-1.0, 1, 1])
    mirrored = people[:, MUPOTS_17.mirror] * mirror
    expected = definition.apply(people)[:, MUPOTS_17.mirror] * mirror
    assert definition.apply(mirrored) == pytest.approx(expected, abs=1e-9)


def test_too_few_people_tell_nothing(people):
    assert JointDefinition.fit(people[:20], _rays(people[:20])) is None
