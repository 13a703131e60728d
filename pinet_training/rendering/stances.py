"""Stances that captures of walking people lack, made from a captured posture that faces the front.

For the angles of a leg see `limbs`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from pinet_training.rendering.limbs import (
    FLAT_FOOT,
    lean_rotation,
    leg_direction,
    sign_of,
    with_arm,
    with_arm_towards,
    with_arms,
    with_head,
    with_leg,
    with_possible_knees,
    with_torso,
)
from pinet_training.rendering.posture import SIDES, Posture, heading, unit, yaw_rotation

_AHEAD = 0.2  # a unit direction whose sideways component is smaller counts as ahead
_JITTERED = ("upper_arm", "forearm", "thigh", "shin")


def sit(posture: Posture, rng: np.random.Generator) -> Posture:
    """Sit on a seat at knee height, hands in the lap, on a table, or as in the given posture."""
    lean = rng.uniform(-5, 25)
    seated = with_torso(posture, rng, (lean / 2 - rng.uniform(0, 12), lean, 0.3 * lean))
    swing, flexion, spread = rng.uniform(80, 95), rng.uniform(60, 115), rng.uniform(0.03, 0.4)
    for side in SIDES:
        thigh, knee = rng.normal(swing, 4), rng.normal(flexion, 6)
        seated = with_leg(seated, side, thigh, knee, rng.normal(FLAT_FOOT, 8), spread)
    arms = str(rng.choice(["lap", "table", "as they were"], p=[0.4, 0.3, 0.3]))
    if arms != "as they were":
        left_x, left_y, _ = seated.chest[:, 0]
        facing = heading(np.array([left_y, -left_x]))
        return with_arms(seated, rng, arms, frame=yaw_rotation(facing))
    return seated


def crouch(posture: Posture, rng: np.random.Generator) -> Posture:
    """Crouch with deeply bent knees, anywhere from half way down to sitting on the heels."""
    depth = rng.uniform()
    lean = rng.uniform(20, 55)
    low = with_torso(posture, rng, (0.6 * lean, lean, 0.3 * lean))
    swing, flexion, spread = 60 + 55 * depth, 90 + 55 * depth, rng.uniform(0.1, 0.6)
    heel = rng.uniform(20, 45) if rng.random() < 0.5 else 0  # degrees off the ground
    for side in SIDES:
        thigh, knee = rng.normal(swing, 6), rng.normal(flexion, 5)
        low = with_leg(low, side, thigh, knee, rng.normal(FLAT_FOOT - heel, 5), spread)
    return with_arms(low, rng, "lap") if rng.random() < 0.4 else low


def kneel(posture: Posture, rng: np.random.Generator) -> Posture:
    """Kneel on one knee or on both, shins on the ground; on both, perhaps sitting on the heels."""
    lean = rng.uniform(-5, 30)
    kneeling = with_torso(posture, rng, (lean / 2, lean, 0.3 * lean))
    on_both = rng.random() < 0.5
    raised = None if on_both else SIDES[rng.integers(2)]
    swing = rng.uniform(0, 65) if on_both else rng.uniform(-5, 20)
    spread = rng.uniform(0.05, 0.3)
    for side in SIDES:
        if side == raised:
            thigh, shin, foot = rng.uniform(80, 100), rng.normal(0, 8), FLAT_FOOT
        else:  # toes tucked under, or foot flat on the ground
            thigh, shin = rng.normal(swing, 3), rng.uniform(-92, -80)
            foot = rng.choice([10, -85])
        foot = rng.normal(foot, 6)
        kneeling = with_leg(kneeling, side, thigh, thigh - shin, foot, spread)
    return kneeling


def bend(posture: Posture, rng: np.random.Generator) -> Posture:
    """Bend forward at the hips by 40 to 90 degrees, arms hanging or reaching down and ahead."""
    lean = rng.uniform(40, 90)
    bent = with_torso(posture, rng, (0.65 * lean, lean, 0.5 * lean))
    flexion, spread = rng.uniform(2, 45), rng.uniform(0.02, 0.25)
    swing, lift = rng.uniform(0.5, 0.8) * flexion + 5, rng.uniform(0, 40)
    for side in SIDES:
        bent = with_leg(bent, side, swing, flexion, rng.normal(FLAT_FOOT, 4), spread)
        upper_arm = leg_direction(side, rng.normal(lift, 8), rng.normal(0.1, 0.08))
        forearm = leg_direction(side, lift + rng.uniform(5, 40), rng.normal(0, 0.1))
        bent = with_arm(bent, side, upper_arm, forearm)
    return bent


def lean(posture: Posture, rng: np.random.Generator) -> Posture:
    """Lean far to any side, on one leg or with legs apart, arms anywhere, as in sports."""
    tilt, azimuth = np.radians(rng.uniform(15, 80)), rng.normal(0, np.radians(70))
    axis = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])  # azimuth 0 leans to the front
    pelvis, chest, head = (
        Rotation.from_rotvec(part * tilt * axis).as_matrix()
        for part in (rng.uniform(0.4, 0.9), 1.0, rng.uniform(0.0, 1.0))
    )
    chest = chest @ yaw_rotation(rng.normal(0, 0.35))
    leaning = with_head(replace(posture, pelvis=pelvis, chest=chest), head)
    lifted = SIDES[rng.integers(2)] if rng.random() < 0.6 else None
    spread = rng.uniform(0.1, 0.6) if lifted is None else rng.uniform(0.0, 0.2)
    for side in SIDES:
        if side == lifted:
            leaning = _with_lifted_leg(leaning, side, rng)
        else:
            flexion = rng.uniform(0, 40)
            leaning = with_leg(leaning, side, 0.5 * flexion, flexion, FLAT_FOOT, spread)
        aim = np.array([sign_of(side), -1, 1]) * rng.uniform([-0.3, -0.3, -1], 1)
        flexion = np.radians(rng.uniform(0, 110))
        leaning = with_arm_towards(leaning, chest @ aim, side, flexion)
    return with_possible_knees(leaning).facing_front()


def nearer_side(direction: np.ndarray, rng: np.random.Generator) -> str:
    """Return the side that a direction (3,), body frame, is on; a random one if it is ahead."""
    leftwards = unit(direction)[0]
    return SIDES[rng.integers(2)] if abs(leftwards) < _AHEAD else SIDES[int(leftwards < 0)]


def reach(posture: Posture, rng: np.random.Generator, direction: np.ndarray, side: str) -> Posture:
    """Reach with one arm, its elbow slightly bent, as close to a direction as the arm can go.

    Args:
        direction: (3,) in the body frame.
        side: one of SIDES, of the arm.
    """
    return with_arm_towards(posture, direction, side, np.radians(rng.uniform(15, 75)))


def point(posture: Posture, rng: np.random.Generator, direction: np.ndarray, side: str) -> Posture:
    """Point with one straight arm towards a direction; for the arguments see `reach`."""
    return with_arm_towards(posture, direction, side, np.radians(rng.uniform(0, 12)))


def stand(posture: Posture, rng: np.random.Generator) -> Posture:
    """Stand or walk upright, the chest above the feet, arms hanging or as in the given posture."""
    lean = rng.uniform(-4, 8)
    standing = with_torso(posture, rng, (0.5 * lean, lean, rng.uniform(-5, 20)))
    stride = rng.choice([0.0, rng.uniform(5, 24)])
    ahead = SIDES[rng.integers(2)]
    for side in SIDES:
        thigh = stride if side == ahead else -0.7 * stride
        flexion = rng.uniform(0, 9) + (0.0 if side == ahead else 0.6 * stride)
        foot = FLAT_FOOT - (0.0 if side == ahead else 0.8 * stride)
        standing = with_leg(standing, side, thigh, flexion, foot, rng.uniform(0.02, 0.15))
    return with_arms(standing, rng, "down") if rng.random() < 0.6 else standing


def hold(posture: Posture, rng: np.random.Generator) -> Posture:
    """Hold both hands in front of the body, as if holding a box or a phone."""
    return with_arms(posture, rng, "hold")


def carry(posture: Posture, rng: np.random.Generator) -> Posture:
    """Stand or walk upright, both hands in front of the body."""
    return hold(stand(posture, rng), rng)


def raise_hands(posture: Posture, rng: np.random.Generator) -> Posture:
    """Raise both hands above the head."""
    return with_arms(posture, rng, "up")


def wave(posture: Posture, rng: np.random.Generator, side: str | None = None) -> Posture:
    """Raise one hand beside the head; by default that of a random side."""
    return with_arms(posture, rng, "wave", sides=(side or SIDES[rng.integers(2)],))


def hands_on_hips(posture: Posture, rng: np.random.Generator) -> Posture:
    """Put both hands on the hips, elbows outwards."""
    return with_arms(posture, rng, "hips")


def cross_arms(posture: Posture, rng: np.random.Generator) -> Posture:
    """Cross the forearms in front of the chest."""
    return with_arms(posture, rng, "crossed")


def turn_head(posture: Posture, yaw: float, pitch: float) -> Posture:
    """Turn the head towards a direction, as far as the neck allows.

    Args:
        yaw: radians from the front (-y) to the person's left.
        pitch: radians, positive looks down.
    """
    return with_head(posture, yaw_rotation(yaw) @ lean_rotation(pitch))


def jitter(posture: Posture, rng: np.random.Generator, sigma: float = 0.12) -> Posture:
    """Rotate arms and legs about random axes, by `sigma` radians (standard deviation) per axis."""
    names = [f"{side}_{limb}" for side in SIDES for limb in _JITTERED]
    rotations = Rotation.from_rotvec(rng.normal(0, sigma, (len(names), 3)))
    limbs = np.stack([posture.limb(name) for name in names])
    moved = posture.with_limbs(dict(zip(names, rotations.apply(limbs), strict=True)))
    return with_possible_knees(moved)


def _with_lifted_leg(posture: Posture, side: str, rng: np.random.Generator) -> Posture:
    """Lift a leg off the ground: its direction is random, relative to the pelvis."""
    thigh, flexion = rng.uniform(-25, 45), rng.uniform(0, 80)
    foot, spread = rng.uniform(0, FLAT_FOOT), rng.uniform(0, 0.6)
    lifted = with_leg(posture, side, thigh, flexion, foot, spread)
    parts = [f"{side}_{part}" for part in ("thigh", "shin", "foot")]
    return lifted.with_limbs({part: posture.pelvis @ lifted.limb(part) for part in parts})
