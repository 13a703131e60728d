"""Stances that captures of walking people lack, made from a captured posture that faces the front.

The angles of a leg are in the sagittal plane: 0 degrees is straight down, 90 degrees straight
ahead. The shin's angle is the thigh's minus the knee's flexion, so knees cannot bend forward.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from pinet_training.rendering.posture import SIDES, Posture, heading, unit, yaw_rotation

# Directions of upper arm and forearm in the chest's frame: outwards, ahead, up.
_ARMS = {
    "lap": ((0.15, 0.35, -1), (-0.2, 1, -0.3)),
    "table": ((0.25, 0.7, -0.8), (-0.35, 1, 0)),
    "hold": ((0.1, 0.25, -1), (-0.15, 1, 0.1)),
    "up": ((0.6, 0.1, 0.9), (0.1, 0.15, 1)),
    "wave": ((0.9, 0.2, 0.1), (0.2, 0.3, 1)),
    "hips": ((0.75, -0.35, -0.8), (-0.85, 0.45, -0.55)),
    "crossed": ((0.1, 0.45, -1), (-1, 0.6, 0.1)),
}
_ARM_SPREAD = 0.1  # standard deviation of each component above
_AHEAD = 0.2  # a unit direction whose sideways component is smaller counts as ahead
_FLAT_FOOT = 75  # degrees: the ankle is higher than the toes
_NECK = np.radians(70)  # largest rotation of the head from the chest
# Horizontal range of an arm: this far to both sides of a direction that points slightly outwards.
_ARM_OUTWARDS, _ARM_RANGE = np.radians(30), np.radians(80)
_JITTERED = ("upper_arm", "forearm", "thigh", "shin")


def sit(posture: Posture, rng: np.random.Generator) -> Posture:
    """Sit on a seat at knee height, hands in the lap, on a table, or as in the given posture."""
    lean = rng.uniform(-5, 25)
    seated = _with_torso(posture, rng, (lean / 2 - rng.uniform(0, 12), lean, 0.3 * lean))
    swing, flexion, spread = rng.uniform(80, 95), rng.uniform(60, 115), rng.uniform(0.03, 0.4)
    for side in SIDES:
        thigh, knee = rng.normal(swing, 4), rng.normal(flexion, 6)
        seated = _with_leg(seated, side, thigh, knee, rng.normal(_FLAT_FOOT, 8), spread)
    arms = str(rng.choice(["lap", "table", "as they were"], p=[0.4, 0.3, 0.3]))
    if arms in _ARMS:
        left_x, left_y, _ = seated.chest[:, 0]
        facing = heading(np.array([left_y, -left_x]))
        return _with_arms(seated, rng, arms, frame=yaw_rotation(facing))
    return seated


def crouch(posture: Posture, rng: np.random.Generator) -> Posture:
    """Crouch with deeply bent knees, anywhere from half way down to sitting on the heels."""
    depth = rng.uniform()
    lean = rng.uniform(20, 55)
    low = _with_torso(posture, rng, (0.6 * lean, lean, 0.3 * lean))
    swing, flexion, spread = 60 + 55 * depth, 90 + 55 * depth, rng.uniform(0.1, 0.6)
    heel = rng.uniform(20, 45) if rng.random() < 0.5 else 0  # degrees off the ground
    for side in SIDES:
        thigh, knee = rng.normal(swing, 6), rng.normal(flexion, 5)
        low = _with_leg(low, side, thigh, knee, rng.normal(_FLAT_FOOT - heel, 5), spread)
    return _with_arms(low, rng, "lap") if rng.random() < 0.4 else low


def kneel(posture: Posture, rng: np.random.Generator) -> Posture:
    """Kneel on one knee or on both, shins on the ground; on both, perhaps sitting on the heels."""
    lean = rng.uniform(-5, 30)
    kneeling = _with_torso(posture, rng, (lean / 2, lean, 0.3 * lean))
    on_both = rng.random() < 0.5
    raised = None if on_both else SIDES[rng.integers(2)]
    swing = rng.uniform(0, 65) if on_both else rng.uniform(-5, 20)
    spread = rng.uniform(0.05, 0.3)
    for side in SIDES:
        if side == raised:
            thigh, shin, foot = rng.uniform(80, 100), rng.normal(0, 8), _FLAT_FOOT
        else:  # toes tucked under, or foot flat on the ground
            thigh, shin = rng.normal(swing, 3), rng.uniform(-92, -80)
            foot = rng.choice([10, -85])
        foot = rng.normal(foot, 6)
        kneeling = _with_leg(kneeling, side, thigh, thigh - shin, foot, spread)
    return kneeling


def bend(posture: Posture, rng: np.random.Generator) -> Posture:
    """Bend forward at the hips by 40 to 90 degrees, arms hanging or reaching down and ahead."""
    lean = rng.uniform(40, 90)
    bent = _with_torso(posture, rng, (0.65 * lean, lean, 0.5 * lean))
    flexion, spread = rng.uniform(2, 45), rng.uniform(0.02, 0.25)
    swing, lift = rng.uniform(0.5, 0.8) * flexion + 5, rng.uniform(0, 40)
    for side in SIDES:
        bent = _with_leg(bent, side, swing, flexion, rng.normal(_FLAT_FOOT, 4), spread)
        upper_arm = _ahead(side, rng.normal(lift, 8), rng.normal(0.1, 0.08))
        forearm = _ahead(side, lift + rng.uniform(5, 40), rng.normal(0, 0.1))
        bent = _with_arm(bent, side, upper_arm, forearm)
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
    leaning = _with_head(replace(posture, pelvis=pelvis, chest=chest), head)
    lifted = SIDES[rng.integers(2)] if rng.random() < 0.6 else None
    spread = rng.uniform(0.1, 0.6) if lifted is None else rng.uniform(0.0, 0.2)
    for side in SIDES:
        if side == lifted:
            leaning = _with_lifted_leg(leaning, side, rng)
        else:
            flexion = rng.uniform(0, 40)
            leaning = _with_leg(leaning, side, 0.5 * flexion, flexion, _FLAT_FOOT, spread)
        aim = np.array([_sign(side), -1, 1]) * rng.uniform([-0.3, -0.3, -1], 1)
        flexion = np.radians(rng.uniform(0, 110))
        leaning = _with_arm_towards(leaning, chest @ aim, side, flexion)
    return _with_possible_knees(leaning).facing_front()


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
    return _with_arm_towards(posture, direction, side, np.radians(rng.uniform(15, 75)))


def point(posture: Posture, rng: np.random.Generator, direction: np.ndarray, side: str) -> Posture:
    """Point with one straight arm towards a direction; for the arguments see `reach`."""
    return _with_arm_towards(posture, direction, side, np.radians(rng.uniform(0, 12)))


def hold(posture: Posture, rng: np.random.Generator) -> Posture:
    """Hold both hands in front of the body, as if holding a box or a phone."""
    return _with_arms(posture, rng, "hold")


def raise_hands(posture: Posture, rng: np.random.Generator) -> Posture:
    """Raise both hands above the head."""
    return _with_arms(posture, rng, "up")


def wave(posture: Posture, rng: np.random.Generator, side: str | None = None) -> Posture:
    """Raise one hand beside the head; by default that of a random side."""
    return _with_arms(posture, rng, "wave", sides=(side or SIDES[rng.integers(2)],))


def hands_on_hips(posture: Posture, rng: np.random.Generator) -> Posture:
    """Put both hands on the hips, elbows outwards."""
    return _with_arms(posture, rng, "hips")


def cross_arms(posture: Posture, rng: np.random.Generator) -> Posture:
    """Cross the forearms in front of the chest."""
    return _with_arms(posture, rng, "crossed")


def turn_head(posture: Posture, yaw: float, pitch: float) -> Posture:
    """Turn the head towards a direction, as far as the neck allows.

    Args:
        yaw: radians from the front (-y) to the person's left.
        pitch: radians, positive looks down.
    """
    return _with_head(posture, yaw_rotation(yaw) @ _lean(pitch))


def jitter(posture: Posture, rng: np.random.Generator, sigma: float = 0.12) -> Posture:
    """Rotate arms and legs about random axes, by `sigma` radians (standard deviation) per axis."""
    names = [f"{side}_{limb}" for side in SIDES for limb in _JITTERED]
    rotations = Rotation.from_rotvec(rng.normal(0, sigma, (len(names), 3)))
    limbs = np.stack([posture.limb(name) for name in names])
    moved = posture.with_limbs(dict(zip(names, rotations.apply(limbs), strict=True)))
    return _with_possible_knees(moved)


def _with_torso(
    posture: Posture, rng: np.random.Generator, leans: tuple[float, float, float]
) -> Posture:
    """Lean pelvis, chest and head forward by `leans`, degrees; the arms follow the chest."""
    pelvis, chest, head = (_lean(np.radians(angle)) for angle in leans)
    chest = Rotation.from_euler("zy", rng.normal(0, [0.12, 0.06])).as_matrix() @ chest
    rotation = chest @ posture.chest.T
    names = [f"{side}_{limb}" for side in SIDES for limb in ("clavicle", "upper_arm", "forearm")]
    arms = {name: rotation @ posture.limb(name) for name in names}
    leaning = replace(posture, pelvis=pelvis, chest=chest).with_limbs(arms)
    return _with_head(leaning, head @ posture.head)


def _with_head(posture: Posture, head: np.ndarray) -> Posture:
    relative = Rotation.from_matrix(posture.chest.T @ head).as_rotvec()
    relative *= min(1.0, _NECK / max(np.linalg.norm(relative), 1e-9))
    return replace(posture, head=posture.chest @ Rotation.from_rotvec(relative).as_matrix())


def _with_leg(
    posture: Posture, side: str, thigh: float, flexion: float, foot: float, spread: float
) -> Posture:
    """Set a leg by the angles of thigh and foot and the knee's flexion, in degrees.

    `spread` is the outward component of thigh and foot relative to that in the sagittal plane.
    """
    return posture.with_limbs(
        {
            f"{side}_thigh": _ahead(side, thigh, spread),
            f"{side}_shin": _ahead(side, thigh - np.clip(flexion, 0, 155), 0),
            f"{side}_foot": _ahead(side, foot, spread),
        }
    )


def _with_lifted_leg(posture: Posture, side: str, rng: np.random.Generator) -> Posture:
    """Lift a leg off the ground: its direction is random, relative to the pelvis."""
    thigh, flexion = rng.uniform(-25, 45), rng.uniform(0, 80)
    foot, spread = rng.uniform(0, _FLAT_FOOT), rng.uniform(0, 0.6)
    lifted = _with_leg(posture, side, thigh, flexion, foot, spread)
    parts = [f"{side}_{part}" for part in ("thigh", "shin", "foot")]
    return lifted.with_limbs({part: posture.pelvis @ lifted.limb(part) for part in parts})


def _with_arms(
    posture: Posture,
    rng: np.random.Generator,
    kind: str,
    sides: tuple[str, ...] = SIDES,
    frame: np.ndarray | None = None,
) -> Posture:
    """Set arms to an entry of _ARMS, in the chest's frame or in another one (3,3) instead."""
    frame = posture.chest if frame is None else frame
    for side in sides:
        directions = np.array(_ARMS[kind]) + rng.normal(0, _ARM_SPREAD, (2, 3))
        arm = directions * [_sign(side), -1, 1] @ frame.T
        posture = _with_arm(posture, side, *arm)
    return posture


def _with_arm_towards(
    posture: Posture, direction: np.ndarray, side: str, flexion: float
) -> Posture:
    aim = _within_reach(posture.chest.T @ unit(direction), side)
    below = np.array([0.6 * _sign(side), 0.2, -1.0])  # where the elbow bends to
    below = unit(below - aim * (aim @ below))
    along, across = np.cos(flexion / 2) * aim, np.sin(flexion / 2) * below
    arm = np.stack([along + across, along - across]) @ posture.chest.T
    return _with_arm(posture, side, *arm)


def _within_reach(aim: np.ndarray, side: str) -> np.ndarray:
    """The direction within an arm's range that is nearest to `aim` (3,), in the chest's frame."""
    azimuth = np.arctan2(_sign(side) * aim[0], -aim[1]) - _ARM_OUTWARDS
    azimuth = (azimuth + np.pi) % (2 * np.pi) - np.pi
    azimuth = _ARM_OUTWARDS + np.clip(azimuth, -_ARM_RANGE, _ARM_RANGE)
    level = np.hypot(aim[0], aim[1])
    return np.array([_sign(side) * level * np.sin(azimuth), -level * np.cos(azimuth), aim[2]])


def _with_arm(posture: Posture, side: str, upper_arm: np.ndarray, forearm: np.ndarray) -> Posture:
    """Set an arm; its shoulder moves with it a little from where it is when the arm hangs."""
    raised = unit(upper_arm + 0.5 * forearm) + posture.chest[:, 2]
    return posture.with_limbs(
        {
            f"{side}_clavicle": posture.chest @ [_sign(side), 0.05, 0.25] + 0.2 * raised,
            f"{side}_upper_arm": upper_arm,
            f"{side}_forearm": forearm,
        }
    )


def _with_possible_knees(posture: Posture) -> Posture:
    """Move shins that point ahead of their thighs in line with these."""
    shins = {}
    for side in SIDES:
        thigh, shin = posture.limb(f"{side}_thigh"), posture.limb(f"{side}_shin")
        back = unit(np.cross(posture.pelvis[:, 0], thigh))
        shins[f"{side}_shin"] = shin - min(0.0, shin @ back) * back
    return posture.with_limbs(shins)


def _ahead(side: str, angle: float, outwards: float) -> np.ndarray:
    """Unit direction (3,) at an angle, in degrees, from straight down towards straight ahead."""
    radians = np.radians(angle)
    return unit([_sign(side) * outwards, -np.sin(radians), -np.cos(radians)])


def _lean(angle: float) -> np.ndarray:
    """(3,3) rotation forward by an angle in radians."""
    return Rotation.from_euler("x", angle).as_matrix()


def _sign(side: str) -> int:
    return 1 if side == "left" else -1
