from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial import procrustes as scipy_procrustes
from scipy.spatial.transform import Rotation

from pinet_ros.training.evaluation.metrics import (
    mean_metrics,
    mpjpe,
    pa_mpjpe,
    pck150,
    procrustes,
    root_error,
)

PELVIS = 14


@pytest.fixture
def truth():
    rng = np.random.default_rng(0)
    return rng.normal(scale=0.4, size=(5, 17, 3)) + np.array([0, 0, 4])


@pytest.fixture
def turns():
    return Rotation.random(5, random_state=1).as_matrix()


def test_a_shift_counts_for_the_root_alone(truth):
    shifted = truth + np.array([0.03, 0, 0.04])

    np.testing.assert_allclose(root_error(shifted, truth), 50)
    np.testing.assert_allclose(mpjpe(shifted, truth), 0, atol=1e-9)
    np.testing.assert_allclose(pa_mpjpe(shifted, truth), 0, atol=1e-9)
    np.testing.assert_allclose(pck150(shifted, truth), 100)


def test_rotation_and_scale_count_for_mpjpe_alone(truth, turns):
    turned = 1.3 * truth @ turns + [1, 2, 3]

    assert (mpjpe(turned, truth) > 50).all()
    np.testing.assert_allclose(pa_mpjpe(turned, truth), 0, atol=1e-9)


def test_a_mirror_image_does_not_fit(truth):
    assert (pa_mpjpe(truth * [-1, 1, 1], truth) > 50).all()


def test_one_joint_that_is_off_counts_a_seventeenth(truth):
    off = truth.copy()
    off[:, 3, 1] += 0.17

    np.testing.assert_allclose(mpjpe(off, truth), 10)
    np.testing.assert_allclose(pck150(off, truth), 100 * 16 / 17)
    np.testing.assert_allclose(root_error(off, truth), 0)


def test_a_root_that_is_off_moves_all_other_joints(truth):
    off = truth.copy()
    off[:, PELVIS, 0] += 0.2

    np.testing.assert_allclose(mpjpe(off, truth), 200 * 16 / 17)
    np.testing.assert_allclose(pck150(off, truth), 100 / 17)


def test_the_threshold_is_150_millimetres(truth):
    within, beyond = truth.copy(), truth.copy()
    within[:, 0, 2] += 0.149
    beyond[:, 0, 2] += 0.151

    np.testing.assert_allclose(pck150(within, truth), 100)
    np.testing.assert_allclose(pck150(beyond, truth), 100 * 16 / 17)


def test_procrustes_fits_as_well_as_scipy(truth):
    noisy = truth + np.random.default_rng(2).normal(scale=0.05, size=truth.shape)

    fitted = procrustes(noisy, truth)

    for person in range(len(truth)):
        centred = truth[person] - truth[person].mean(axis=0)
        # scipy scales the reference to unit norm and gives the squared distance that is left
        *_, disparity = scipy_procrustes(truth[person], noisy[person])
        left = np.square(fitted[person] - truth[person]).sum() / np.square(centred).sum()
        assert left == pytest.approx(disparity, rel=1e-9)


def test_procrustes_of_a_mirror_image_is_the_best_proper_rotation(truth):
    mirrored = truth * [-1, 1, 1]

    def left_over(parameters, person):
        turn = Rotation.from_rotvec(parameters[:3]).as_matrix()
        source = mirrored[person] - mirrored[person].mean(axis=0)
        target = truth[person] - truth[person].mean(axis=0)
        return np.square(np.exp(parameters[3]) * source @ turn - target).sum()

    fitted = procrustes(mirrored, truth)

    for person in range(len(truth)):
        starts = Rotation.random(20, random_state=person).as_rotvec()
        best = min(minimize(left_over, [*s, 0.0], args=(person,)).fun for s in starts)
        assert np.square(fitted[person] - truth[person]).sum() == pytest.approx(
            best, rel=1e-6, abs=1e-9
        )


def test_means_over_people(truth):
    off = truth.copy()
    off[0] += [0, 0.1, 0]

    means = mean_metrics(off.astype(np.float32), truth.astype(np.float32))

    assert list(means) == ["mpjpe_mm", "pa_mpjpe_mm", "pck150", "root_mm"]
    assert means["root_mm"] == pytest.approx(20, abs=1e-3)
    assert means["pck150"] == 100
