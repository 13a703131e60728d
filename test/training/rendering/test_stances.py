"""Stances: what bodies can do, whoever they are made from."""

from __future__ import annotations

import numpy as np
import pytest
from captured_files import assert_same
from scipy.spatial.transform import Rotation

from pinet_training.rendering import stances
from pinet_training.rendering.posture import LIMBS, SIDES, Posture, unit

pytestmark = pytest.mark.slow

WHOLE_BODY = (stances.sit, stances.crouch, stances.kneel, stances.bend, stances.lean)
ARMS = (
    stances.hold,
    stances.raise_hands,
    stances.wave,
    stances.hands_on_hips,
    stances.cross_arms,
)
FRONT, UP = np.array([0, -1, 0]), np.array([0, 0, 1])


def captured(seed=0):
    """Somebody who walks to the front, more or less upright, arms anyhow."""
    rng = np.random.default_rng(seed)
    directions = {}
    for side, x in (("left", 1), ("right", -1)):
        swing, flexion = rng.uniform(-0.4, 0.5), rng.uniform(0.15, 0.9)
        directions |= {
            f"{side}_clavicle": [x, 0, 0.2],
            f"{side}_upper_arm": rng.normal(0, 0.4, 3) - UP,
            f"{side}_forearm": rng.normal(0, 0.6, 3) + FRONT - UP,
            f"{side}_thigh": [0.05 * x, -np.sin(swing), -np.cos(swing)],
            f"{side}_shin": [0, -np.sin(swing - flexion), -np.cos(swing - flexion)],
            f"{side}_foot": [0.1 * x, -1, -0.3],
        }
    torso = Rotation.from_rotvec(rng.normal(0, 0.1, (3, 3))).as_matrix()
    blank = Posture(*torso, limbs=np.zeros((len(LIMBS), 3)))
    return blank.with_limbs(directions).facing_front()


def made(make, seeds=60):
    return [make(captured(seed), np.random.default_rng(seed)) for seed in range(seeds)]


def between(first, second):
    """Degrees."""
    return np.degrees(np.arccos(np.clip(unit(first) @ unit(second), -1, 1)))


def lean(rotation):
    """Degrees that something leans forward."""
    ahead, up = -rotation[1, 2], rotation[2, 2]
    return np.degrees(np.arctan2(ahead, up))


def knee_bends(posture):
    """How far each shin is turned back from its thigh, as a sine; negative is the wrong way."""
    left = posture.pelvis[:, 0]
    return [
        np.cross(posture.limb(f"{side}_thigh"), posture.limb(f"{side}_shin")) @ left
        for side in ("left", "right")
    ]


def hand(posture, side):
    """Where a wrist is from its shoulder, metres, in the chest's frame."""
    arm = 0.3 * posture.limb(f"{side}_upper_arm") + 0.25 * posture.limb(f"{side}_forearm")
    return posture.chest.T @ arm


@pytest.mark.parametrize("make", [*WHOLE_BODY, *ARMS, stances.jitter])
def test_what_is_made_is_a_posture_that_knees_and_necks_can_take(make):
    for posture in made(make):
        np.testing.assert_allclose(np.linalg.norm(posture.limbs, axis=1), 1)
        for rotation in (posture.pelvis, posture.chest, posture.head):
            np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
            assert np.linalg.det(rotation) > 0
        assert min(knee_bends(posture)) > -1e-9
        neck = Rotation.from_matrix(posture.chest.T @ posture.head).magnitude()
        assert np.degrees(neck) < 70.001
        assert (posture.pelvis @ FRONT)[0] == pytest.approx(0, abs=1e-9)  # still to the front


@pytest.mark.parametrize("make", [*WHOLE_BODY, *ARMS, stances.jitter])
def test_the_same_seed_gives_the_same_and_another_does_not(make):
    posture, before = captured(), captured()
    first, second, other = (make(posture, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert_same(first, second, tolerance=0)
    assert np.abs(first.limbs - other.limbs).max() > 1e-3
    assert_same(posture, before, tolerance=0)


@pytest.mark.parametrize("make", [*WHOLE_BODY, *ARMS])
def test_both_sides_are_held_alike(make):
    seeds = 400
    mean = np.mean([posture.limbs for posture in made(make, seeds)], axis=0)
    mirrored = np.mean([posture.mirrored().limbs for posture in made(make, seeds)], axis=0)
    np.testing.assert_allclose(mean, mirrored, atol=0.15)


@pytest.mark.parametrize("make", ARMS)
def test_arms_leave_the_rest_as_it_was(make):
    before, after = captured(3), make(captured(3), np.random.default_rng(0))
    for limb in LIMBS:
        if limb.endswith(("thigh", "shin", "foot")):
            np.testing.assert_array_equal(after.limb(limb), before.limb(limb))
    for name in ("pelvis", "chest", "head"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


def test_sitting():
    for posture in made(stances.sit):
        assert -5.5 < lean(posture.chest) < 25.5
        for side, x in (("left", 1), ("right", -1)):
            thigh, shin = posture.limb(f"{side}_thigh"), posture.limb(f"{side}_shin")
            assert thigh @ FRONT > 0.85
            assert abs(thigh @ UP) < 0.45
            assert x * thigh[0] > 0  # knees apart
            assert shin @ -UP > 0.4
            assert 35 < between(thigh, shin) < 140


def test_hands_of_the_sitting_are_in_the_lap_on_a_table_or_as_they_were():
    seeds = 300
    kept = 0
    for seed in range(seeds):
        before = captured(seed)
        after = stances.sit(before, np.random.default_rng(seed))
        follow = after.chest @ before.chest.T
        if between(after.limb("left_forearm"), follow @ before.limb("left_forearm")) < 1e-3:
            kept += 1
        else:  # hands before the body, below the shoulders
            assert after.limb("left_forearm") @ FRONT > 0.5
            assert after.limb("left_upper_arm") @ UP < 0
    assert kept / seeds == pytest.approx(0.3, abs=0.08)


def test_crouching():
    flexions = []
    for posture in made(stances.crouch):
        assert lean(posture.chest) > 15
        for side in ("left", "right"):
            thigh, shin = posture.limb(f"{side}_thigh"), posture.limb(f"{side}_shin")
            flexions.append(between(thigh, shin))
            assert thigh @ FRONT > 0.5
            assert shin @ FRONT < 0  # the knee is before the ankle
            assert shin @ UP < -0.5
    assert min(flexions) > 60
    assert max(flexions) > 120


def test_kneeling_on_one_knee_or_both():
    numbers = []
    for posture in made(stances.kneel):
        on_ground = [
            side
            for side in ("left", "right")
            if between(posture.limb(f"{side}_shin"), -FRONT) < 12
        ]
        numbers.append(len(on_ground))
        for side in {"left", "right"} - set(on_ground):
            assert posture.limb(f"{side}_thigh") @ FRONT > 0.85
            assert posture.limb(f"{side}_shin") @ UP < -0.85
            (other,) = on_ground
            assert posture.limb(f"{other}_thigh") @ UP < -0.85
    assert set(numbers) == {1, 2}


def test_bending():
    leans = [lean(posture.chest) for posture in made(stances.bend, 200)]
    assert 38 < min(leans) < 50
    assert 80 < max(leans) < 92
    for posture in made(stances.bend):
        assert lean(posture.pelvis) < lean(posture.chest)
        for side in ("left", "right"):
            assert posture.limb(f"{side}_upper_arm") @ UP < -0.3
            assert posture.limb(f"{side}_thigh") @ UP < -0.7


def test_leaning():
    everybody = made(stances.lean, 200)
    tilts = [between(posture.chest @ UP, UP) for posture in everybody]
    assert 15 <= min(tilts) < 20
    assert 75 < max(tilts) < 80.001
    sideways = [(posture.chest @ UP)[0] for posture in everybody]
    assert min(sideways) < -0.6
    assert max(sideways) > 0.6
    # a foot on the ground points ahead and a little down; nobody has both in the air
    feet = np.array([[p.limb(f"{side}_foot") @ UP for side in SIDES] for p in everybody])
    lifted = np.abs(feet + 0.245) > 0.03
    assert not lifted.all(axis=1).any()
    assert 0.3 < lifted.any(axis=1).mean() < 0.7
    standing = [p.limb(f"{side}_thigh") @ UP for p in everybody for side in SIDES]
    assert np.mean(np.array(standing) < -0.8) > 0.6


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("direction", [[0, -1, 0], [0.3, -2, 1], [-0.4, -1, -1.5], [0.2, -1, 1.2]])
def test_reaching_and_pointing_go_where_they_are_told(direction, side):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        for make, bend in ((stances.reach, (15, 75)), (stances.point, (0, 12))):
            posture = make(captured(seed), rng, np.array(direction), side)
            upper_arm, forearm = posture.limb(f"{side}_upper_arm"), posture.limb(f"{side}_forearm")
            assert between(upper_arm + forearm, direction) < 1e-3
            assert bend[0] - 1e-6 <= between(upper_arm, forearm) <= bend[1] + 1e-6
            elbow = upper_arm - forearm
            assert elbow @ posture.chest @ [0, 0, 1] < 1e-9  # not above the line to the hand
            other = "right" if side == "left" else "left"
            np.testing.assert_array_equal(
                posture.limb(f"{other}_forearm"), captured(seed).limb(f"{other}_forearm")
            )


def test_the_nearer_side_is_the_direction_s_and_either_when_it_is_ahead():
    for direction, expected in (
        ([0.8, -1, 0], {"left"}),
        ([-8, -10, 0], {"right"}),
        (FRONT, {"left", "right"}),
    ):
        rngs = (np.random.default_rng(seed) for seed in range(20))
        assert {stances.nearer_side(np.array(direction), rng) for rng in rngs} == expected


@pytest.mark.parametrize(
    ("wanted", "possible"),
    [(-30, -30), (90, 90), (150, 110), (180, 110), (-155, 110), (-145, -50), (-90, -50)],
)
def test_an_arm_goes_behind_or_across_no_further_than_it_can(wanted, possible):
    upright = Posture(np.eye(3), np.eye(3), np.eye(3), captured().limbs)
    turn = np.radians(wanted)
    direction = np.array([np.sin(turn), -np.cos(turn), 0])
    for side, x in (("left", 1), ("right", -1)):
        rng = np.random.default_rng(0)
        posture = stances.reach(upright, rng, direction * [x, 1, 1], side)
        arm = posture.limb(f"{side}_upper_arm") + posture.limb(f"{side}_forearm")
        assert np.degrees(np.arctan2(x * arm[0], -arm[1])) == pytest.approx(possible)


@pytest.mark.parametrize("make", [stances.reach, stances.point])
def test_the_mirrored_person_reaches_to_the_mirrored_direction(make):
    direction, mirror = np.array([0.7, -1, 0.2]), np.array([-1, 1, 1])
    for seed in range(10):
        first = make(captured(seed), np.random.default_rng(seed), direction, "left")
        turned = direction * mirror
        second = make(captured(seed).mirrored(), np.random.default_rng(seed), turned, "right")
        assert_same(first.mirrored(), second)


def test_the_mirrored_person_waves_the_other_hand():
    first = stances.wave(captured(), np.random.default_rng(1), "left")
    second = stances.wave(captured().mirrored(), np.random.default_rng(1), "right")
    assert_same(first.mirrored(), second)


def test_where_hands_are():
    for seed in range(40):
        before, rng = captured(seed), np.random.default_rng(seed)
        for side, x in (("left", 1), ("right", -1)):
            assert hand(stances.raise_hands(before, rng), side)[2] > 0.3
            assert hand(stances.wave(before, rng, side), side)[2] > 0.15
            held = hand(stances.hold(before, rng), side)
            assert held[1] < -0.2
            assert -0.4 < held[2] < -0.1
            on_hips = stances.hands_on_hips(before, rng)
            elbow = x * (on_hips.chest.T @ on_hips.limb(f"{side}_upper_arm"))[0]
            assert elbow > 0.3
            assert -0.45 < hand(on_hips, side)[2] < -0.2
            assert abs(hand(on_hips, side)[0]) < 0.15  # back at the trunk
            crossed = hand(stances.cross_arms(before, rng), side)
            assert x * crossed[0] < -0.08  # from the shoulder to the middle
            assert crossed[1] < -0.1


@pytest.mark.parametrize(("yaw", "pitch"), [(0.6, 0), (-0.9, 0.2), (0.2, -0.5)])
def test_the_head_turns_to_the_left_and_down(yaw, pitch):
    for seed in range(10):
        ahead = stances.turn_head(captured(seed), yaw, pitch).head @ FRONT
        assert np.arctan2(ahead[0], -ahead[1]) == pytest.approx(yaw)
        assert -np.arcsin(ahead[2]) == pytest.approx(pitch)


def test_a_neck_turns_no_further_than_70_degrees_from_the_chest():
    upright = Posture(np.eye(3), np.eye(3), np.eye(3), captured().limbs)
    ahead = stances.turn_head(upright, 2.5, 0).head @ FRONT
    assert np.degrees(np.arctan2(ahead[0], -ahead[1])) == pytest.approx(70)


def test_jitter_turns_arms_and_legs_by_its_sigma_alone():
    before = captured(7)  # with both knees bent, so that none is held back
    assert min(knee_bends(before)) > 0.4
    angles = {limb: [] for limb in LIMBS}
    for seed in range(400):
        after = stances.jitter(before, np.random.default_rng(seed), 0.05)
        for limb in LIMBS:
            angles[limb].append(np.radians(between(after.limb(limb), before.limb(limb))))
    for limb, turns in angles.items():
        moved = 0 if limb.endswith(("clavicle", "foot")) else np.sqrt(2) * 0.05  # two of 3 axes
        assert np.sqrt(np.mean(np.square(turns))) == pytest.approx(moved, rel=0.1, abs=1e-6), limb


def test_jitter_straightens_a_knee_that_bends_the_wrong_way():
    wrong = captured().with_limbs({"left_thigh": [0, 0.2, -1], "left_shin": [0.1, -0.3, -1]})
    assert knee_bends(wrong)[0] < -0.3
    after = stances.jitter(wrong, np.random.default_rng(0), 0.0)
    assert knee_bends(after)[0] == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(after.limb("left_thigh"), wrong.limb("left_thigh"))
