"""Bodies that follow postures: against scipy's rotations and plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_bodies import made_up_bodies
from scipy.spatial.transform import Rotation, Slerp

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.figures import make_figure
from pinet_training.rendering.posture import LIMBS, Posture, unit, yaw_rotation
from pinet_training.rendering.rig import Rig, swing

JOINTS = MUPOTS_17.joints
# What each limb leads from and to, of those that point exactly where the posture says.
LIMB_JOINTS = {
    "upper_arm": ("shoulder", "elbow"),
    "forearm": ("elbow", "wrist"),
    "thigh": ("hip", "knee"),
    "shin": ("knee", "ankle"),
}
LIMB_BONES = {
    "clavicle": ("clavicle", "upperarm01"),
    "upper_arm": ("upperarm01", "lowerarm01"),
    "forearm": ("lowerarm01", "wrist"),
    "thigh": ("upperleg01", "lowerleg01"),
    "shin": ("lowerleg01", "foot"),
    "foot": ("foot", "toe2-1"),
}


@pytest.fixture(scope="module")
def rig():
    return Rig(made_up_bodies())


def head_of(rig, bone, body=0):
    return rig.bodies.bone_heads[body, list(rig.bodies.labels).index(bone)].astype(float)


def rest_posture(rig):
    limbs = [
        unit(head_of(rig, f"{tip}.{s[0].upper()}") - head_of(rig, f"{bone}.{s[0].upper()}"))
        for s, limb in (name.split("_", 1) for name in LIMBS)
        for bone, tip in [LIMB_BONES[limb]]
    ]
    return Posture(np.eye(3), np.eye(3), np.eye(3), np.array(limbs))


def random_posture(seed):
    rng = np.random.default_rng(seed)
    pelvis, chest, head = Rotation.from_rotvec(rng.normal(0, 0.5, (3, 3))).as_matrix()
    return Posture(pelvis, chest, head, unit(rng.normal(size=(12, 3))))


def skin_at_rest(rig, body):
    normals = unit(np.random.default_rng(0).normal(size=rig.bodies.vertices[body].shape))
    return rig.bodies.vertices[body], normals.astype(np.float32)


def test_the_rest_posture_leaves_a_body_as_it_is(rig):
    vertices, normals = skin_at_rest(rig, 1)
    pose = rig.pose(1, rest_posture(rig))
    moved = rig.skin(pose, vertices, normals)
    assert np.allclose(moved[0], vertices, atol=1e-5)
    assert np.allclose(moved[1], normals, atol=1e-5)
    assert np.allclose(pose.positions, rig.bodies.bone_heads[1], atol=1e-6)


@pytest.mark.parametrize("body", range(3))
def test_limbs_point_where_the_posture_says_and_keep_their_lengths(rig, body):
    posture = random_posture(body)
    joints = rig.pose(body, posture).joints
    rest = rig.pose(body, rest_posture(rig)).joints
    for side in ("left", "right"):
        for limb, ends in LIMB_JOINTS.items():
            start, end = (JOINTS.index(f"{side}_{joint}") for joint in ends)
            bone = joints[end] - joints[start]
            assert np.allclose(unit(bone), posture.limb(f"{side}_{limb}"), atol=1e-6)
            assert np.linalg.norm(bone) == pytest.approx(np.linalg.norm(rest[end] - rest[start]))


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_bodies_of_both_splits_keep_their_own_legs(split):
    sizes, splits = (1.0, 0.8, 1.1, 0.9), ["train", "test", "test", "train"]
    rig = Rig(made_up_bodies(sizes, splits).part(split))
    mine = [size for size, s in zip(sizes, splits, strict=True) if s == split]
    lengths = np.linalg.norm([(0.02, -0.02, -0.42), (0.02, 0.03, -0.42)], axis=1)  # at size 1
    for body, size in enumerate(mine):
        joints = dict(zip(JOINTS, rig.pose(body, random_posture(body)).joints, strict=True))
        for side in ("left", "right"):
            hip, knee, ankle = (joints[f"{side}_{name}"] for name in ("hip", "knee", "ankle"))
            legs = np.linalg.norm([knee - hip, ankle - knee], axis=1)
            assert legs == pytest.approx(size * lengths, rel=1e-5)


@pytest.mark.parametrize(("limb", "part"), [("clavicle", 0.5), ("foot", 0.8)])
def test_clavicles_and_feet_go_part_of_the_way(rig, limb, part):
    bone, tip = (f"{name}.L" for name in LIMB_BONES[limb])
    at_rest = rest_posture(rig)
    turn = Rotation.from_rotvec([0.3, 0.2, 0.4])
    wanted = turn.apply(at_rest.limb(f"left_{limb}"))
    pose = rig.pose(0, at_rest.with_limbs({f"left_{limb}": wanted}))
    labels = list(rig.bodies.labels)
    got = unit(pose.positions[labels.index(tip)] - pose.positions[labels.index(bone)])
    before = at_rest.limb(f"left_{limb}")
    assert np.arccos(got @ before) == pytest.approx(part * np.arccos(wanted @ before), rel=1e-4)
    assert np.arccos(got @ wanted) == pytest.approx(
        (1 - part) * np.arccos(wanted @ before), rel=1e-4
    )


def test_the_spine_turns_evenly_from_pelvis_to_chest_and_the_neck_on_to_the_head(rig):
    posture = random_posture(4)
    rotations = rig.pose(0, posture).rotations
    labels = list(rig.bodies.labels)
    torso = [posture.pelvis, posture.chest, posture.head]
    way = Slerp([0, 1, 2], Rotation.from_matrix(np.array(torso)))
    bones = {"root": 0, "spine05": 0.1, "spine03": 0.55, "spine01": 1, "neck02": 1.55, "head": 2}
    for bone, place in bones.items():
        assert np.allclose(rotations[labels.index(bone)], way(place).as_matrix(), atol=1e-7)


def test_a_turn_of_the_whole_person_turns_all_of_it(rig):
    posture = random_posture(5)
    turn = yaw_rotation(0.8)
    before, after = rig.pose(0, posture), rig.pose(0, posture.turned(0.8))
    root = before.positions[0]
    assert np.allclose(after.joints, (before.joints - root) @ turn.T + root)
    assert np.allclose(after.rotations, turn @ before.rotations)


def test_the_mirrored_posture_mirrors_a_body_that_is_symmetric(rig):
    posture = random_posture(6)
    joints, mirrored = (rig.pose(0, p).joints for p in (posture, posture.mirrored()))
    swapped = (joints * [-1, 1, 1])[MUPOTS_17.mirror]
    # the topmost vertex of a box is one of its corners
    compared = [joint for joint, name in enumerate(JOINTS) if not name.startswith("head")]
    assert np.allclose(mirrored[compared], swapped[compared])


def test_joints_of_the_trunk_are_where_mupots_has_them(rig):
    pose = rig.pose(2, random_posture(7))
    joint = dict(zip(JOINTS, pose.joints, strict=True))
    labels = list(rig.bodies.labels)
    shoulders = (joint["left_shoulder"] + joint["right_shoulder"]) / 2
    thorax = 0.35 * shoulders + 0.65 * pose.positions[labels.index("neck01")]
    assert np.allclose(joint["thorax"], thorax)
    assert np.allclose(joint["pelvis"], (joint["left_hip"] + joint["right_hip"]) / 2)
    assert np.allclose(joint["spine"], (joint["pelvis"] + thorax) / 2)
    assert np.allclose(joint["head"], 0.64 * thorax + 0.36 * joint["head_top"])


def test_the_top_of_the_head_is_the_highest_skin_of_it(rig):
    pose = rig.pose(1, rest_posture(rig))
    head = head_of(rig, "head", 1)
    top = pose.joints[JOINTS.index("head_top")]
    assert top[2] == pytest.approx(head[2] + 0.02 * 0.8, abs=1e-6)
    assert np.abs(top - head).max() <= 0.02 * 0.8 + 1e-6


@pytest.mark.parametrize("curl", [(0.0, 0.0), (0.4, 0.1)])
def test_skin_is_the_weighted_mean_of_what_each_bone_would_do(rig, curl):
    vertices, normals = skin_at_rest(rig, 2)
    pose = rig.pose(2, random_posture(8), curl)
    moved, turned = rig.skin(pose, vertices, normals)
    for v in range(0, len(vertices), 7):
        place, direction = np.zeros(3), np.zeros(3)
        for bone, weight in enumerate(rig.bodies.weights[v]):
            rotation = Rotation.from_matrix(pose.rotations[bone])
            lever = vertices[v] - rig.bodies.bone_heads[2, bone]
            place += weight * (rotation.apply(lever) + pose.positions[bone])
            direction += weight * rotation.apply(normals[v])
        assert np.allclose(moved[v], place, atol=1e-5)
        assert np.allclose(turned[v], unit(direction), atol=1e-5)


def test_bones_stay_together(rig):
    pose = rig.pose(0, random_posture(9), curl=(0.3, 0.5))
    heads = rig.bodies.bone_heads[0].astype(float)
    for bone, parent in enumerate(rig.bodies.parents):
        if parent >= 0:
            lever = pose.rotations[parent] @ (heads[bone] - heads[parent])
            assert np.allclose(pose.positions[bone], pose.positions[parent] + lever)


def test_a_hand_closes_towards_its_palm_and_leaves_the_other_alone(rig):
    labels = list(rig.bodies.labels)
    straight, bent = (rig.pose(0, rest_posture(rig), curl=(a, 0.0)) for a in (0.0, 0.5))
    for letter, changes in (("L", True), ("R", False)):
        tip, wrist = labels.index(f"finger3-3.{letter}"), labels.index(f"wrist.{letter}")
        reach = [np.linalg.norm(p.positions[tip] - p.positions[wrist]) for p in (straight, bent)]
        assert (reach[1] < reach[0] - 0.005) == changes
        assert changes or reach[1] == pytest.approx(reach[0])


@pytest.mark.parametrize("part", [1.0, 0.3])
def test_a_swing_is_the_smallest_turn(part):
    rng = np.random.default_rng(10)
    for start, end in rng.normal(size=(20, 2, 3)):
        turn = Rotation.from_matrix(swing(start, end, part))
        angle = np.arccos(unit(start) @ unit(end))
        assert turn.magnitude() == pytest.approx(part * angle)
        assert np.allclose(turn.as_rotvec() @ np.stack([start, end]).T, 0, atol=1e-9)
        whole = Rotation.from_rotvec(turn.as_rotvec() / part)
        assert np.allclose(unit(whole.apply(start)), unit(end))


@pytest.mark.parametrize("start", [(0, 0, -2), (1, 0, 0), (0.3, -0.2, 0.5)])
def test_a_swing_to_where_it_is_or_to_the_opposite(start):
    start = np.array(start, float)
    assert np.allclose(swing(start, 3 * start), np.eye(3))
    opposite = swing(start, -start)
    assert np.allclose(opposite @ start, -start)
    assert np.linalg.det(opposite) == pytest.approx(1)


def test_a_figure_stands_on_the_ground_with_its_hips_over_the_origin(rig):
    posture = random_posture(11)
    figure = make_figure(rig, 1, posture, np.random.default_rng(1))
    joints = rig.pose(1, posture).joints
    pelvis = figure.joints[JOINTS.index("pelvis")]
    assert np.allclose(pelvis[:2], 0)
    assert figure.mesh.vertices[:, 2].min() == pytest.approx(0, abs=1e-6)
    assert np.allclose(figure.joints - pelvis, joints - joints[JOINTS.index("pelvis")])
    # the skin is around the joints, so both are in one frame
    gaps = np.linalg.norm(figure.mesh.vertices[None] - figure.joints[:, None], axis=2).min(axis=1)
    limbs = [joint for joint, name in enumerate(JOINTS) if "_" in name and "head" not in name]
    assert gaps[limbs].max() < 0.1


def test_figures_are_decided_by_the_generator(rig):
    posture = random_posture(12)
    one, same, other = (
        make_figure(rig, 0, posture, np.random.default_rng(seed)).mesh for seed in (1, 1, 2)
    )
    assert np.array_equal(one.vertices, same.vertices)
    assert np.array_equal(one.colors, same.colors)
    assert not np.array_equal(one.colors, other.colors)
