from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial import procrustes as scipy_procrustes
from scipy.spatial.transform import Rotation

from pinet_ros.geometry.alignment import procrustes
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.evaluation.metrics import (
    JOINT_GROUPS,
    METRICS,
    MUPOTS_PCK_JOINTS,
    PoseErrors,
    average,
    image_average,
    mean_metrics,
    means,
)

PELVIS = 14
PERFECT_AUC = 100 * 30 / 31  # nothing is nearer than the first threshold, 0


@pytest.fixture
def truth():
    rng = np.random.default_rng(0)
    return rng.normal(scale=0.4, size=(5, 17, 3)) + np.array([0, 0, 4])


@pytest.fixture
def turns():
    return Rotation.random(5, random_state=1).as_matrix()


def noisy(truth, scale=0.1):
    return truth + np.random.default_rng(2).normal(scale=scale, size=truth.shape)


def errors(predicted, truth, **options):
    return PoseErrors(predicted, truth, **options).whole


def test_a_shift_counts_for_the_root_and_the_absolute_metrics_alone(truth):
    shifted = errors(truth + np.array([0.031, 0.012, 0.04]), truth)

    np.testing.assert_allclose(shifted["root_mm"], np.hypot(np.hypot(31, 12), 40))
    for name in ("mpjpe_mm", "pa_mpjpe_mm", "pa_mpjpe_rigid_mm"):
        np.testing.assert_allclose(shifted[name], 0, atol=1e-9)
    np.testing.assert_allclose(shifted["pck150"], 100)
    np.testing.assert_allclose(shifted["auc"], PERFECT_AUC)
    np.testing.assert_allclose(shifted["pck150_absolute"], 100)
    np.testing.assert_allclose(shifted["auc_absolute"], 100 * 20 / 31)  # those from 55 to 150


def test_a_shift_beyond_the_threshold_makes_all_joints_wrong_in_the_camera_frame(truth):
    shifted = errors(truth + np.array([0.2, 0, 0]), truth)

    np.testing.assert_allclose(shifted["pck150"], 100)
    np.testing.assert_allclose(shifted["pck150_absolute"], 0)


def test_a_rotation_counts_for_neither_procrustes(truth, turns):
    turned = errors(truth @ turns + [1, 2, 3], truth)

    assert (turned["mpjpe_mm"] > 50).all()
    np.testing.assert_allclose(turned["pa_mpjpe_mm"], 0, atol=1e-9)
    np.testing.assert_allclose(turned["pa_mpjpe_rigid_mm"], 0, atol=1e-9)


def test_a_scale_counts_for_the_rigid_procrustes(truth, turns):
    scaled = errors(1.3 * truth @ turns, truth)

    from_middle = np.linalg.norm(truth - truth.mean(axis=1, keepdims=True), axis=-1)
    np.testing.assert_allclose(scaled["pa_mpjpe_mm"], 0, atol=1e-9)
    np.testing.assert_allclose(scaled["pa_mpjpe_rigid_mm"], 300 * from_middle.mean(axis=1))


def test_a_mirror_image_does_not_fit(truth):
    mirrored = errors(truth * [-1, 1, 1], truth)

    assert (mirrored["pa_mpjpe_mm"] > 50).all()
    assert (mirrored["pa_mpjpe_rigid_mm"] > 50).all()


def test_people_in_another_order_are_wrong(truth):
    permuted = np.roll(truth, 1, axis=0)

    expected = [
        1000 * np.mean([np.linalg.norm((p[j] - p[14]) - (t[j] - t[14])) for j in range(17)])
        for p, t in zip(permuted, truth, strict=True)
    ]
    np.testing.assert_allclose(errors(permuted, truth)["mpjpe_mm"], expected)
    assert (errors(permuted, truth)["pck150"] < 50).all()


def test_one_joint_that_is_off_counts_a_seventeenth(truth):
    off = truth.copy()
    off[:, 3, 1] += 0.17

    values = errors(off, truth)

    np.testing.assert_allclose(values["mpjpe_mm"], 10)
    np.testing.assert_allclose(values["pck150"], 100 * 16 / 17)
    np.testing.assert_allclose(values["root_mm"], 0)


def test_a_root_that_is_off_moves_all_other_joints(truth):
    off = truth.copy()
    off[:, PELVIS, 0] += 0.2

    values = errors(off, truth)

    np.testing.assert_allclose(values["mpjpe_mm"], 200 * 16 / 17)
    np.testing.assert_allclose(values["pck150"], 100 / 17)


def test_a_joint_at_150_millimetres_is_wrong(truth):
    truth[:] = 0
    within, at = truth.copy(), truth.copy()
    within[:, 0, 2] += 0.1499
    at[:, 0, 2] += 0.15

    np.testing.assert_allclose(errors(within, truth)["pck150"], 100)
    np.testing.assert_allclose(errors(at, truth)["pck150"], 100 * 16 / 17)


def test_the_pck_of_mupots_leaves_out_pelvis_spine_and_head(truth):
    off = truth.copy()
    off[:, MUPOTS_17.indices("spine", "head", "left_ankle")] += 1

    values = errors(off, truth, pck_joints=MUPOTS_PCK_JOINTS)

    np.testing.assert_allclose(values["pck150"], 100 * 13 / 14)
    np.testing.assert_allclose(values["auc_absolute"], PERFECT_AUC * 13 / 14)
    np.testing.assert_allclose(values["mpjpe_mm"], 3 / 17 * 1000 * np.sqrt(3))


def test_auc_by_loop(truth):
    predicted = noisy(truth)

    relative, absolute = [], []
    for person, true in zip(predicted, truth, strict=True):
        counts = {"relative": 0, "absolute": 0}
        for threshold in range(0, 151, 5):
            for joint in range(17):
                offset = person[joint] - true[joint]
                counts["absolute"] += 1000 * np.linalg.norm(offset) < threshold
                offset -= person[PELVIS] - true[PELVIS]
                counts["relative"] += 1000 * np.linalg.norm(offset) < threshold
        relative.append(100 * counts["relative"] / (31 * 17))
        absolute.append(100 * counts["absolute"] / (31 * 17))

    np.testing.assert_allclose(errors(predicted, truth)["auc"], relative)
    np.testing.assert_allclose(errors(predicted, truth)["auc_absolute"], absolute)


def test_joint_groups_are_the_columns_of_table_3(truth):
    predicted = noisy(truth)
    poses = PoseErrors(predicted, truth)

    assert list(JOINT_GROUPS) == [
        *("head", "neck", "shoulders", "elbows", "wrists", "hips", "knees", "ankles")
    ]
    assert len(MUPOTS_PCK_JOINTS) == 14
    offsets = predicted - predicted[:, [PELVIS]] - truth + truth[:, [PELVIS]]
    distances = 1000 * np.linalg.norm(offsets, axis=-1)
    for name, joints in {"head": [0], "neck": [1], "wrists": [4, 7], "ankles": [10, 13]}.items():
        values = poses.group(name)
        assert list(values) == list(METRICS)
        np.testing.assert_allclose(values["mpjpe_mm"], distances[:, joints].mean(axis=1))
        np.testing.assert_allclose(values["pck150"], 100 * np.mean(distances[:, joints] < 150, 1))


def test_a_group_is_measured_in_the_fit_of_the_whole_pose(truth):
    predicted = noisy(truth)
    fitted = procrustes(predicted, truth)

    expected = 1000 * np.linalg.norm(fitted[:, [9, 12]] - truth[:, [9, 12]], axis=-1).mean(axis=1)
    np.testing.assert_allclose(
        PoseErrors(predicted, truth).group("knees")["pa_mpjpe_mm"], expected
    )


def test_unknown_joints_are_wrong_and_leave_the_person_out_of_distances(truth):
    predicted = truth.copy()
    predicted[0] = np.nan
    predicted[1, 4] = np.nan

    values = errors(predicted, truth)

    assert values["pck150"].tolist() == pytest.approx([0, 100 * 16 / 17, 100, 100, 100])
    assert values["auc"][0] == values["pck150_absolute"][0] == 0
    for name in ("mpjpe_mm", "pa_mpjpe_mm", "pa_mpjpe_rigid_mm"):
        assert np.isnan(values[name]).tolist() == [True, True, False, False, False]
    assert np.isnan(values["root_mm"]).tolist() == [True, False, False, False, False]


@pytest.mark.parametrize("scale", [True, False])
def test_procrustes_finds_the_transform(scale, truth, turns):
    moved = (1.3 if scale else 1.0) * truth @ turns + [1, 2, 3]

    np.testing.assert_allclose(procrustes(moved, truth, scale=scale), truth, atol=1e-12)


def test_procrustes_fits_as_well_as_scipy(truth):
    predicted = noisy(truth, 0.05)

    fitted = procrustes(predicted, truth)

    for person in range(len(truth)):
        centred = truth[person] - truth[person].mean(axis=0)
        # scipy scales the reference to unit norm and gives the squared distance that is left
        *_, disparity = scipy_procrustes(truth[person], predicted[person])
        left = np.square(fitted[person] - truth[person]).sum() / np.square(centred).sum()
        assert left == pytest.approx(disparity, rel=1e-9)


def test_procrustes_without_scale_fits_as_well_as_scipy(truth):
    predicted = noisy(1.2 * truth)

    fitted = procrustes(predicted, truth, scale=False)

    for person in range(len(truth)):
        source, target = (p[person] - p[person].mean(axis=0) for p in (predicted, truth))
        turn, _ = Rotation.align_vectors(target, source)
        expected = turn.apply(source) + truth[person].mean(axis=0)
        np.testing.assert_allclose(fitted[person], expected, atol=1e-6)


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


def test_procrustes_of_points_that_are_one_point_is_the_middle(truth):
    fitted = procrustes(np.ones_like(truth), truth)

    np.testing.assert_allclose(fitted, np.broadcast_to(truth.mean(1, keepdims=True), truth.shape))


def test_means_over_people(truth):
    off = truth.copy()
    off[0] += [0, 0.1, 0]

    overall = mean_metrics(off.astype(np.float32), truth.astype(np.float32))

    assert list(overall) == [*METRICS, "root_mm"]
    assert overall["root_mm"] == pytest.approx(20, abs=1e-3)
    assert overall["pck150"] == 100


def test_a_mean_over_nobody_is_none():
    values = {"mpjpe_mm": np.array([np.nan, 3.0, 5.0])}

    assert means(values) == {"mpjpe_mm": 4.0}
    assert means(values, np.array([True, False, False])) == {"mpjpe_mm": None}
    assert means(values, np.zeros(3, bool)) == {"mpjpe_mm": None}


def test_an_image_average_counts_each_image_alike_and_leaves_out_unknown_people():
    values = {
        "mpjpe_mm": np.array([1.0, 5.0, 3.0, np.nan, 9.0, np.nan]),
        "pa_mpjpe_mm": np.full(6, np.nan),
    }

    averages = image_average(values, np.array([0, 1, 0, 1, 0, 4]) + 3)

    # image 3 holds 1, 3 and 9, image 4 holds 5 alone, and of image 7 nothing is known
    assert averages == {"mpjpe_mm": pytest.approx((13 / 3 + 5) / 2), "pa_mpjpe_mm": None}


def test_an_average_counts_each_mean_alike_and_leaves_out_unknown_ones():
    names = [*METRICS, "root_mm"]
    reports = [dict.fromkeys(names, value) | {"n": 7} for value in (2.0, None, 6.0)]

    assert average(reports) == dict.fromkeys(names, 4.0)
