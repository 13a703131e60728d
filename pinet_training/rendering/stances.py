"""Postures that captures of walking people lack, made from a captured one that faces the front.

A leg is given by angles in the plane of walking: 0 is straight down, a quarter turn straight
ahead. The shin's angle is the thigh's less the knee's flexion, so knees cannot bend the wrong way.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from pinet_training.rendering.posture import SIDES, Posture, unit, yaw_rotation

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
_AHEAD = 0.2  # to the left or right, of a direction's length, at most
_FLAT_FOOT = 75  # degrees: an ankle is higher than the toes
_NECK = np.radians(70)  # from the chest at most
# An arm goes so far to both sides of where it is held outwards a little: across the body and back.
_ARM_OUTWARDS, _ARM_RANGE = np.radians(30), np.radians(80)
_JITTERED = ("upper_arm", "forearm", "thigh", "shin")


def sit(posture: Posture, rng: np.random.Generator) -> Posture:
    """Sitting on a seat of knee height, hands in the lap, on a table, or as they were."""
    lean = rng.uniform(-5, 25)
    seated = _with_torso(posture, rng, (lean / 2 - rng.uniform(0, 12), lean, 0.3 * lean))
    swing, flexion, spread = rng.uniform(80, 95), rng.uniform(60, 115), rng.uniform(0.03, 0.4)
    for side in SIDES:
        thigh, knee = rng.normal(swing, 4), rng.normal(flexion, 6)
        seated = _with_leg(seated, side, thigh, knee, rng.normal(_FLAT_FOOT, 8), spread)
    arms = str(rng.choice(["lap", "table", "as they were"], p=[0.4, 0.3, 0.3]))
    if arms in _ARMS:
        return _with_arms(seated, rng, arms, frame=yaw_rotation(_heading(seated.chest)))
    return seated


def crouch(posture: Posture, rng: np.random.Generator) -> Posture:
    """Knees deeply bent, from half way down to sitting on the heels."""
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
    """On one knee or on both, the shins on the ground; on both also sitting on the heels."""
    lean = rng.uniform(-5, 30)
    kneeling = _with_torso(posture, rng, (lean / 2, lean, 0.3 * lean))
    on_both = rng.random() < 0.5
    raised = None if on_both else SIDES[rng.integers(2)]
    swing = rng.uniform(0, 65) if on_both else rng.uniform(-5, 20)
    spread = rng.uniform(0.05, 0.3)
    for side in SIDES:
        if side == raised:
            thigh, shin, foot = rng.uniform(80, 100), rng.normal(0, 8), _FLAT_FOOT
        else:  # toes tucked under, or lying flat
            thigh, shin = rng.normal(swing, 3), rng.uniform(-92, -80)
            foot = rng.choice([10, -85])
        foot = rng.normal(foot, 6)
        kneeling = _with_leg(kneeling, side, thigh, thigh - shin, foot, spread)
    return kneeling


def bend(posture: Posture, rng: np.random.Generator) -> Posture:
    """Bent forward at the hip by 40 to 90 degrees, arms hanging or reaching down and ahead."""
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
    """Leaning far to any side, on one leg or astride, arms anywhere, as in sports."""
    tilt, azimuth = np.radians(rng.uniform(15, 80)), rng.normal(0, np.radians(70))
    axis = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])  # of 0 it leans to the front
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
    """The one of SIDES that a direction (3,) in the body frame is on; either when it is ahead."""
    leftwards = unit(direction)[0]
    return SIDES[rng.integers(2)] if abs(leftwards) < _AHEAD else SIDES[int(leftwards < 0)]


def reach(posture: Posture, rng: np.random.Generator, direction: np.ndarray, side: str) -> Posture:
    """One arm stretched, its elbow bent, as far as it goes towards a direction.

    Args:
        direction: (3,) in the body frame.
        side: one of SIDES, whose arm it is.
    """
    return _with_arm_towards(posture, direction, side, np.radians(rng.uniform(15, 75)))


def point(posture: Posture, rng: np.random.Generator, direction: np.ndarray, side: str) -> Posture:
    """One straight arm towards a direction; arguments as of `reach`."""
    return _with_arm_towards(posture, direction, side, np.radians(rng.uniform(0, 12)))


def hold(posture: Posture, rng: np.random.Generator) -> Posture:
    """Both hands before the body, as somebody holds a box or a telephone."""
    return _with_arms(posture, rng, "hold")


def raise_hands(posture: Posture, rng: np.random.Generator) -> Posture:
    """Both hands above the head."""
    return _with_arms(posture, rng, "up")


def wave(posture: Posture, rng: np.random.Generator, side: str | None = None) -> Posture:
    """One hand beside the head; either of SIDES by default."""
    return _with_arms(posture, rng, "wave", sides=(side or SIDES[rng.integers(2)],))


def hands_on_hips(posture: Posture, rng: np.random.Generator) -> Posture:
    """Both hands on the hips, elbows outwards."""
    return _with_arms(posture, rng, "hips")


def cross_arms(posture: Posture, rng: np.random.Generator) -> Posture:
    """The forearms across the chest."""
    return _with_arms(posture, rng, "crossed")


def turn_head(posture: Posture, yaw: float, pitch: float) -> Posture:
    """The head facing elsewhere, as far as the neck lets it.

    Args:
        yaw: radians from the front (-y) to the person's left.
        pitch: radians, positive looks down.
    """
    return _with_head(posture, yaw_rotation(yaw) @ _lean(pitch))


def jitter(posture: Posture, rng: np.random.Generator, sigma: float = 0.12) -> Posture:
    """Arms and legs turned a little about random axes; `sigma` radians about each coordinate."""
    names = [f"{side}_{limb}" for side in SIDES for limb in _JITTERED]
    turns = Rotation.from_rotvec(rng.normal(0, sigma, (len(names), 3)))
    limbs = np.stack([posture.limb(name) for name in names])
    moved = posture.with_limbs(dict(zip(names, turns.apply(limbs), strict=True)))
    return _with_possible_knees(moved)


def _with_torso(
    posture: Posture, rng: np.random.Generator, leans: tuple[float, float, float]
) -> Posture:
    """Pelvis, chest and head leaning forward by so many degrees; the arms follow the chest."""
    pelvis, chest, head = (_lean(np.radians(angle)) for angle in leans)
    chest = Rotation.from_euler("zy", rng.normal(0, [0.12, 0.06])).as_matrix() @ chest
    turn = chest @ posture.chest.T
    names = [f"{side}_{limb}" for side in SIDES for limb in ("clavicle", "upper_arm", "forearm")]
    arms = {name: turn @ posture.limb(name) for name in names}
    leaning = replace(posture, pelvis=pelvis, chest=chest).with_limbs(arms)
    return _with_head(leaning, head @ posture.head)


def _with_head(posture: Posture, head: np.ndarray) -> Posture:
    relative = Rotation.from_matrix(posture.chest.T @ head).as_rotvec()
    relative *= min(1.0, _NECK / max(np.linalg.norm(relative), 1e-9))
    return replace(posture, head=posture.chest @ Rotation.from_rotvec(relative).as_matrix())


def _with_leg(
    posture: Posture, side: str, thigh: float, flexion: float, foot: float, spread: float
) -> Posture:
    """A leg by the angles of thigh and foot and the knee's flexion, degrees.

    `spread` is how far the knee is put outwards for each length of thigh.
    """
    return posture.with_limbs(
        {
            f"{side}_thigh": _ahead(side, thigh, spread),
            f"{side}_shin": _ahead(side, thigh - np.clip(flexion, 0, 155), 0),
            f"{side}_foot": _ahead(side, foot, spread),
        }
    )


def _with_lifted_leg(posture: Posture, side: str, rng: np.random.Generator) -> Posture:
    """A leg in the air that goes with the pelvis, from behind to ahead of it and outwards."""
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
    """Arms as _ARMS has them, in the chest's frame or another (3,3) of the body frame."""
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
    below = np.array([0.6 * _sign(side), 0.2, -1.0])  # where the elbow goes
    below = unit(below - aim * (aim @ below))
    along, across = np.cos(flexion / 2) * aim, np.sin(flexion / 2) * below
    arm = np.stack([along + across, along - across]) @ posture.chest.T
    return _with_arm(posture, side, *arm)


def _within_reach(aim: np.ndarray, side: str) -> np.ndarray:
    """The nearest that an arm can point to a direction (3,), both in the chest's frame."""
    azimuth = np.arctan2(_sign(side) * aim[0], -aim[1]) - _ARM_OUTWARDS
    azimuth = (azimuth + np.pi) % (2 * np.pi) - np.pi
    azimuth = _ARM_OUTWARDS + np.clip(azimuth, -_ARM_RANGE, _ARM_RANGE)
    level = np.hypot(aim[0], aim[1])
    return np.array([_sign(side) * level * np.sin(azimuth), -level * np.cos(azimuth), aim[2]])


def _with_arm(posture: Posture, side: str, upper_arm: np.ndarray, forearm: np.ndarray) -> Posture:
    """An arm, whose shoulder is drawn a little after it from where it is when the arm hangs."""
    raised = unit(upper_arm + 0.5 * forearm) + posture.chest[:, 2]
    return posture.with_limbs(
        {
            f"{side}_clavicle": posture.chest @ [_sign(side), 0.05, 0.25] + 0.2 * raised,
            f"{side}_upper_arm": upper_arm,
            f"{side}_forearm": forearm,
        }
    )


def _with_possible_knees(posture: Posture) -> Posture:
    """Shins that point ahead of their thighs brought in line with these."""
    shins = {}
    for side in SIDES:
        thigh, shin = posture.limb(f"{side}_thigh"), posture.limb(f"{side}_shin")
        back = unit(np.cross(posture.pelvis[:, 0], thigh))
        shins[f"{side}_shin"] = shin - min(0.0, shin @ back) * back
    return posture.with_limbs(shins)


def _ahead(side: str, angle: float, outwards: float) -> np.ndarray:
    """Direction (3,) at so many degrees from straight down to straight ahead."""
    radians = np.radians(angle)
    return unit([_sign(side) * outwards, -np.sin(radians), -np.cos(radians)])


def _lean(angle: float) -> np.ndarray:
    """(3,3) rotation forward by radians."""
    return Rotation.from_euler("x", angle).as_matrix()


def _heading(rotation: np.ndarray) -> float:
    """Yaw in radians of something that leans to the front, by where its left is."""
    return float(np.arctan2(rotation[1, 0], rotation[0, 0]))


def _sign(side: str) -> int:
    return 1 if side == "left" else -1
