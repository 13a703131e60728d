"""The truth in an estimator's joints and at the distances that it is right about."""

from __future__ import annotations

import numpy as np
import pytest

from pinet_ros.geometry.camera import Camera
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.adapted_truth import adapt_truth

SIZE = (640, 480)
CAMERA = Camera(*SIZE, [[600.0, 0, 330], [0, 605, 230], [0, 0, 1]], [-0.1, 0.02, 0, 0])
FARTHER = 1.08
KNEES, ANKLES = (
    [MUPOTS_17.index(f"{side}_{joint}") for side in ("left", "right")]
    for joint in ("knee", "ankle")
)


def _people(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    joints = rng.normal(0, 0.35, (count, 17, 3))
    return joints + rng.uniform([-0.5, -0.3, 3], [0.5, 0.3, 5], (count, 1, 3))


def _as_estimated(joints: np.ndarray) -> np.ndarray:
    """Ankles an eighth of the shin higher."""
    moved = joints.copy()
    moved[:, ANKLES] += (joints[:, KNEES] - joints[:, ANKLES]) / 8
    return moved


def _fields(count: int) -> dict[str, np.ndarray]:
    """One person in each scene, seen whole, every other one for testing."""
    joints = _people(count)
    estimated = _as_estimated(joints)
    return {
        "scene_split": np.array(["train", "test"] * (count // 2)),
        "scene_intrinsics": np.tile([600.0, 605, 330, 230], (count, 1)),
        "scene_distortion": np.tile(CAMERA.distortion, (count, 1)),
        "scene_camera_height": np.full(count, 1.5, np.float32),
        "scene_camera_position": np.tile([0.2, -0.1, 1.5], (count, 1)),
        "person_scene": np.arange(count),
        "person_joints": joints.astype(np.float32),
        "person_joints_image": CAMERA.project(joints).astype(np.float32),
        "person_visible": np.ones((count, 17), bool),
        "person_box": np.tile([100.0, 50, 300, 450], (count, 1)),
        "estimate_scene": np.arange(count),
        "estimate_person": np.arange(count),
        "estimate_duplicate": np.zeros(count, bool),
        "estimate_joints_image": CAMERA.project(estimated),
        "estimate_initial_joints": estimated * FARTHER,
    }


def test_joints_and_distances_become_the_estimators():
    fields = _fields(300)
    adapted = adapt_truth(fields, SIZE)
    expected = FARTHER * _as_estimated(fields["person_joints"].astype(float))
    assert adapted["person_joints"] == pytest.approx(expected, abs=2e-3)
    assert adapted["person_joints"].dtype == np.float32
    assert np.array_equal(adapted["person_joints_rendered"], fields["person_joints"])
    assert adapted["scene_camera_height"] == pytest.approx(1.5 * FARTHER, abs=1e-3)
    assert adapted["scene_camera_position"][5] / FARTHER == pytest.approx(
        [0.2, -0.1, 1.5], abs=1e-3
    )
    assert adapted["person_joints_image"] == pytest.approx(CAMERA.project(expected), abs=0.5)
    changed = {"person_joints", "person_joints_image"}
    changed |= {"scene_camera_height", "scene_camera_position"}
    assert all(np.array_equal(adapted[n], v) for n, v in fields.items() if n not in changed)


@pytest.mark.parametrize("fault", ["hidden", "small", "duplicate", "nobody", "test"])
def test_only_people_of_the_train_split_who_are_seen_whole_count(fault):
    fields = _fields(300)
    if fault == "hidden":
        fields["person_visible"][:, 3] = False
    elif fault == "small":
        fields["person_box"][:, 3] = 120
    elif fault == "duplicate":
        fields["estimate_duplicate"][:] = True
    elif fault == "nobody":
        fields["estimate_person"][:] = -1
    else:
        fields["scene_split"][:] = "test"
    adapted = adapt_truth(fields, SIZE)
    assert np.array_equal(adapted["person_joints"], fields["person_joints"])
