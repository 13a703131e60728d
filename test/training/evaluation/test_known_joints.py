"""Errors over the known joints, against the metrics of whole poses and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import procrustes as scipy_procrustes

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.evaluation.known_joints import (
    LIMBS,
    joint_group_errors,
    known_joint_errors,
    well_known,
)
from pinet_training.evaluation.metrics import JOINT_GROUPS, PoseErrors

PELVIS = MUPOTS_17.index("pelvis")
HEAD = MUPOTS_17.indices("head", "head_top")


@pytest.fixture
def poses() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 0.4, (5, 17, 3)) + np.array([0, 0, 4])
    return truth + rng.normal(0, 0.1, truth.shape), truth


def test_whole_poses_have_the_errors_of_the_other_metrics(poses):
    errors, expected = known_joint_errors(*poses), PoseErrors(*poses)
    for name in ("mpjpe_mm", "pa_mpjpe_mm", "root_mm"):
        np.testing.assert_allclose(errors[name], expected.whole[name])
    for group, values in joint_group_errors(*poses).items():
        for name, value in values.items():
            np.testing.assert_allclose(value, expected.group(group)[name])


def test_an_unknown_joint_counts_for_nothing(poses):
    predicted, truth = poses
    truth[:, HEAD] = np.nan
    predicted[:, HEAD] += 9.0
    rest = [joint for joint in range(17) if joint not in HEAD]

    errors = known_joint_errors(predicted, truth)

    centred = (predicted - predicted[:, [PELVIS]]) - (truth - truth[:, [PELVIS]])
    expected = 1000 * np.linalg.norm(centred[:, rest], axis=-1).mean(axis=1)
    np.testing.assert_allclose(errors["mpjpe_mm"], expected)
    assert np.isnan(joint_group_errors(predicted, truth)["head"]["mpjpe_mm"]).all()
    assert list(joint_group_errors(predicted, truth)) == list(JOINT_GROUPS)


def test_limbs_are_fitted_by_themselves(poses):
    predicted, truth = poses
    errors = known_joint_errors(predicted, truth)
    for person, value in enumerate(errors["limbs_pa_mpjpe_mm"]):
        true = truth[person, LIMBS]
        first, second, _ = scipy_procrustes(true, predicted[person, LIMBS])
        size = np.linalg.norm(true - true.mean(axis=0))  # scipy makes it one
        distances = 1000 * size * np.linalg.norm(first - second, axis=1)
        assert value == pytest.approx(distances.mean())


def test_a_pose_needs_its_pelvis_and_twelve_joints_of_limbs_and_trunk(poses):
    _, truth = poses
    truth[1, PELVIS] = np.nan
    truth[2, HEAD] = np.nan
    truth[3, LIMBS[:3], 0] = np.nan  # 12 of 15 are left
    truth[4, LIMBS[:4]] = np.nan
    assert well_known(truth).tolist() == [True, False, True, True, False]
