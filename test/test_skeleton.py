from __future__ import annotations

import numpy as np
import pytest

from pinet_ros.skeleton import (
    BLAZEPOSE_33,
    COCO_17,
    H36M_18,
    JOINT_SETS,
    MUCO_21,
    MUPOTS_17,
    UnknownJointSetError,
    convert,
    convert_deviations,
    joint_set,
)

ALL = pytest.mark.parametrize("joints", JOINT_SETS.values(), ids=lambda s: s.name)


@pytest.fixture
def landmarks():
    """Joints (4,33,3), their image (4,33,2) and confidence (4,33) of four random bodies."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(4, 33, 3)), rng.normal(size=(4, 33, 2)), rng.uniform(size=(4, 33))


@ALL
def test_mirror_swaps_left_and_right_only(joints):
    mirrored = [joints.joints[i] for i in joints.mirror]
    for name, other in zip(joints.joints, mirrored, strict=True):
        swapped = name.replace("left", "*").replace("right", "left").replace("*", "right")
        assert other == swapped
    assert [joints.mirror[i] for i in joints.mirror] == list(range(len(joints)))


@ALL
def test_bones_are_distinct_pairs_of_joints_and_symmetric(joints):
    bones = {frozenset(bone) for bone in joints.bones}
    assert len(bones) == len(joints.bones)
    assert all(len(bone) == 2 and bone <= set(range(len(joints))) for bone in bones)
    assert {frozenset(joints.mirror[i] for i in bone) for bone in bones} == bones


@pytest.mark.parametrize("joints", [MUPOTS_17, MUCO_21, H36M_18], ids=lambda s: s.name)
def test_bones_make_one_tree(joints):
    reached = {joints.index("pelvis")}
    for _ in joints.joints:
        reached |= {i for bone in joints.bones for i in bone if reached & set(bone)}
    assert reached == set(range(len(joints)))
    assert len(joints.bones) == len(joints) - 1


@pytest.mark.parametrize(
    ("joints", "numbered"),
    [
        (MUPOTS_17, {0: "head_top", 2: "right_shoulder", 11: "left_hip", 14: "pelvis"}),
        (MUCO_21, {16: "head", 17: "right_hand", 20: "left_toe"}),
        (H36M_18, {0: "pelvis", 1: "right_hip", 6: "left_ankle", 7: "spine", 8: "neck", 9: "nose",
                   10: "head_top", 11: "left_shoulder", 16: "right_wrist", 17: "thorax"}),
        (BLAZEPOSE_33, {0: "nose", 7: "left_ear", 11: "left_shoulder", 24: "right_hip",
                        28: "right_ankle", 31: "left_foot_index"}),
        (COCO_17, {3: "left_ear", 5: "left_shoulder", 12: "right_hip", 16: "right_ankle"}),
    ],
)  # fmt: skip
def test_joints_have_the_published_numbers(joints, numbered):
    assert {i: joints.joints[i] for i in numbered} == numbered


def test_blazepose_converts_to_mupots_by_the_formula(landmarks):
    joints, _, confidence = landmarks
    converted, _, lowest = convert(BLAZEPOSE_33, MUPOTS_17, *landmarks)
    for p, sure, got, got_sure in zip(joints, confidence, converted, lowest, strict=True):
        ear, shoulder, hip = (p[7] + p[8]) / 2, (p[11] + p[12]) / 2, (p[23] + p[24]) / 2
        thorax = shoulder + 0.12 * (shoulder - hip)
        neck = ear - shoulder
        top = ear + 0.130 * neck / np.sqrt(neck @ neck)
        head = thorax + 0.36 * (top - thorax)
        # fmt: off
        expected = [top, thorax, p[12], p[14], p[16], p[11], p[13], p[15], p[24], p[26], p[28],
                    p[23], p[25], p[27], hip, (hip + thorax) / 2, head]
        torso, ears = [11, 12, 23, 24], [7, 8, 11, 12]
        made_of = [ears, torso, 12, 14, 16, 11, 13, 15, 24, 26, 28, 23, 25, 27, [23, 24], torso,
                   ears + torso]
        # fmt: on
        np.testing.assert_allclose(got, expected, atol=1e-7)
        np.testing.assert_array_equal(got_sure, [sure[rows].min() for rows in made_of])


def test_deviations_convert_by_the_root_mean_square_of_the_sources():
    deviations = np.random.default_rng(0).uniform(0.01, 0.2, (3, 33))
    deviations[1, 11] = np.nan  # left shoulder
    deviations[2] = 1e30  # its square is not a float32
    converted = convert_deviations(BLAZEPOSE_33, MUPOTS_17, np.float32(deviations))
    for given, got in zip(deviations, converted, strict=True):
        np.testing.assert_allclose(got[[2, 9, 13]], given[[12, 26, 27]], rtol=1e-6)  # copied
        torso = np.sqrt(np.mean(given[[11, 12, 23, 24]] ** 2))
        np.testing.assert_allclose(got[1], torso, rtol=1e-6)  # thorax
        assert got[14] == 0  # everything is relative to the pelvis
    assert np.isnan(converted[1, [0, 1, 5, 15, 16]]).all()
    assert not np.isnan(converted[1, [2, 3, 8, 14]]).any()


def test_deviations_of_the_same_joints_are_copied():
    deviations = np.random.default_rng(0).uniform(size=(2, 21)).astype(np.float32)
    assert convert_deviations(MUCO_21, MUCO_21, deviations) is deviations
    converted = convert_deviations(MUCO_21, MUPOTS_17, deviations)
    np.testing.assert_allclose(converted, deviations[:, :17], rtol=1e-6)
    unknown = convert_deviations(COCO_17, MUPOTS_17, np.full((2, 17), np.nan))
    assert np.isnan(unknown).all()
    assert convert_deviations(COCO_17, MUPOTS_17, np.zeros((0, 17))).shape == (0, 17)


def test_image_points_are_made_with_the_ratios_of_the_space_points(landmarks):
    joints, _, confidence = landmarks
    flat = 300 * joints[..., :2] + 50  # a projection that keeps ratios
    converted, image, _ = convert(BLAZEPOSE_33, MUPOTS_17, joints, flat, confidence)
    np.testing.assert_allclose(image, 300 * converted[..., :2] + 50)


@pytest.mark.parametrize("source", [BLAZEPOSE_33, COCO_17, H36M_18], ids=lambda s: s.name)
def test_converting_a_mirrored_body_mirrors_the_converted_one(source, landmarks):
    joints, image, confidence = (a[:, : len(source)] for a in landmarks)
    flip = np.array([-1, 1, 1])
    mirror = source.mirror
    one = convert(
        source, MUPOTS_17, flip * joints[:, mirror], image[:, mirror] * flip[:2],
        confidence[:, mirror],
    )  # fmt: skip
    other = convert(source, MUPOTS_17, joints, image, confidence)
    for mirrored, plain, sign in zip(one, other, (flip, flip[:2], 1), strict=True):
        np.testing.assert_allclose(mirrored, plain[:, MUPOTS_17.mirror] * sign, atol=1e-9)


def test_coco_and_muco_keep_what_they_share_with_mupots(landmarks):
    joints, image, confidence = landmarks
    coco = convert(COCO_17, MUPOTS_17, joints[:, :17], image[:, :17], confidence[:, :17])
    np.testing.assert_array_equal(coco[0][:, 2], joints[:, 6])  # right shoulder
    np.testing.assert_allclose(coco[0][:, 14], (joints[:, 11] + joints[:, 12]) / 2)  # pelvis
    muco = convert(MUCO_21, MUPOTS_17, joints[:, :21], image[:, :21], confidence[:, :21])
    for got, given in zip(muco, landmarks, strict=True):
        np.testing.assert_array_equal(got, given[:, :17])


def test_human36m_keeps_its_joints_and_a_head_is_made(landmarks):
    converted = convert(H36M_18, MUPOTS_17, *(a[:, :18] for a in landmarks))
    for got, given in zip(converted, landmarks, strict=True):
        # fmt: off
        np.testing.assert_array_equal(
            got[:, :16],
            given[:, [10, 17, 14, 15, 16, 11, 12, 13, 1, 2, 3, 4, 5, 6, 0, 7]],
        )
        # fmt: on
    joints, image, confidence = (a[:, [17, 10]] for a in landmarks)  # thorax and head top
    for got, given in zip(converted[:2], (joints, image), strict=True):
        np.testing.assert_allclose(got[:, 16], 0.64 * given[:, 0] + 0.36 * given[:, 1])
    np.testing.assert_array_equal(converted[2][:, 16], confidence.min(axis=1))


@pytest.mark.parametrize(
    ("unknown", "lost"),
    [
        ("left_ear", set()),  # the other one stands for both
        ("left_shoulder", {"left_shoulder", "spine", "thorax", "head", "head_top"}),
        ("left_hip", {"left_hip", "pelvis", "spine", "thorax", "head"}),
        ("right_knee", {"right_knee"}),
        ("nose", set()),
    ],
)
def test_an_unknown_joint_makes_only_what_needs_it_unknown(unknown, lost, landmarks):
    joints, image, confidence = landmarks
    joints[1, BLAZEPOSE_33.index(unknown)] = np.nan
    converted, _, _ = convert(BLAZEPOSE_33, MUPOTS_17, joints, image, confidence)
    missing = np.isnan(converted).any(axis=2)
    assert {MUPOTS_17.joints[j] for j in np.flatnonzero(missing[1])} == lost
    assert not missing[[0, 2, 3]].any()


def test_one_ear_stands_for_both_and_none_makes_the_head_unknown(landmarks):
    joints, image, confidence = landmarks
    left, right = BLAZEPOSE_33.indices("left_ear", "right_ear")
    joints[0, left] = joints[0, right]
    expected, _, _ = convert(BLAZEPOSE_33, MUPOTS_17, joints, image, confidence)
    joints[0, left] = np.nan
    converted, _, _ = convert(BLAZEPOSE_33, MUPOTS_17, joints, image, confidence)
    np.testing.assert_allclose(converted, expected)
    joints[0, right] = np.nan
    converted, _, _ = convert(BLAZEPOSE_33, MUPOTS_17, joints, image, confidence)
    unknown = np.isnan(converted[0]).any(axis=1)
    assert {MUPOTS_17.joints[j] for j in np.flatnonzero(unknown)} == {"head_top", "head"}


def test_nobody_converts_to_nobody():
    shapes = [a.shape for a in convert(
        BLAZEPOSE_33, MUPOTS_17, np.zeros((0, 33, 3)), np.zeros((0, 33, 2)), np.zeros((0, 33))
    )]  # fmt: skip
    assert shapes == [(0, 17, 3), (0, 17, 2), (0, 17)]


def test_what_cannot_be_made_is_refused(landmarks):
    with pytest.raises(
        UnknownJointSetError, match="neither right_hand, left_hand, right_toe, left_toe nor"
    ):
        convert(COCO_17, MUCO_21, *(a[:, :17] for a in landmarks))


def test_an_unknown_set_is_refused_with_the_known_ones():
    assert joint_set("coco_17") is COCO_17
    with pytest.raises(UnknownJointSetError, match=r"'coco_18'.*mupots_17, muco_21"):
        joint_set("coco_18")
