from __future__ import annotations

import numpy as np

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.evaluation.bones import with_bone_lengths

# 1-based parents of MuPoTS-3D's script.
PARENTS = [2, 16, 2, 3, 4, 2, 6, 7, 15, 9, 10, 15, 12, 13, 15, 15, 2]
PELVIS = 14


def _poses(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=0.4, size=(4, 17, 3))


def _position(pose: np.ndarray, model: np.ndarray, joint: int) -> np.ndarray:
    """A joint by recursion to the pelvis."""
    if joint == PELVIS:
        return pose[PELVIS]
    parent = PARENTS[joint] - 1
    direction = (pose[joint] - pose[parent]) / np.linalg.norm(pose[joint] - pose[parent])
    length = np.linalg.norm(model[joint] - model[parent])
    return _position(pose, model, parent) + length * direction


def test_bones_keep_their_directions_and_get_the_lengths_by_loop():
    poses, model = _poses(0), _poses(1)

    expected = [[_position(p, m, j) for j in range(17)] for p, m in zip(poses, model, strict=True)]

    np.testing.assert_allclose(with_bone_lengths(poses, model), expected, atol=1e-12)


def test_a_pose_with_bones_of_another_size_becomes_the_model():
    model = _poses(2)

    np.testing.assert_allclose(with_bone_lengths(1.4 * model, model) - 0.4 * model[:, [14]], model)


def test_a_bone_without_length_stays_at_its_joint():
    poses = _poses(3)
    poses[:, MUPOTS_17.index("left_ankle")] = poses[:, MUPOTS_17.index("left_knee")]

    walked = with_bone_lengths(poses, _poses(4))

    np.testing.assert_array_equal(
        walked[:, MUPOTS_17.index("left_ankle")], walked[:, MUPOTS_17.index("left_knee")]
    )
    assert np.isfinite(walked).all()


def test_does_not_change_what_it_was_given():
    poses = _poses(5)

    with_bone_lengths(poses, _poses(6))

    np.testing.assert_array_equal(poses, _poses(5))
