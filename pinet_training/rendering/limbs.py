"""Sets single limbs of a posture: legs by their angles, arms by a direction or a gesture.

The angles of a leg are in the sagittal plane: 0 degrees is straight down, 90 degrees straight
ahead. The shin's angle is the thigh's minus the knee's flexion, so knees cannot bend forward.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from pinet_training.rendering.posture import SIDES, Posture, unit

# Directions of upper arm and forearm in the chest's frame: outwards, ahead, up.
_ARMS = {
    "down": ((0.15, 0.05, -1), (0.0, 0.3, -1)),
    "lap": ((0.15, 0.35, -1), (-0.2, 1, -0.3)),
    "table": ((0.25, 0.7, -0.8), (-0.35, 1, 0)),
    "hold": ((0.1, 0.25, -1), (-0.15, 1, 0.1)),
    "up": ((0.6, 0.1, 0.9), (0.1, 0.15, 1)),
    "wave": ((0.9, 0.2, 0.1), (0.2, 0.3, 1)),
    "hips": ((0.75, -0.35, -0.8), (-0.85, 0.45, -0.55)),
    "crossed": ((0.1, 0.45, -1), (-1, 0.6, 0.1)),
}
_ARM_SPREAD = 0.1  # standard deviation of each component above
FLAT_FOOT = 75  # degrees: the ankle is higher than the toes
_NECK = np.radians(70)  # largest rotation of the head from the chest
# Horizontal range of an arm: this far to both sides of a direction that points slightly outwards.
_ARM_OUTWARDS, _ARM_RANGE = np.radians(30), np.radians(80)


def with_torso(
    posture: Posture, rng: np.random.Generator, leans: tuple[float, float, float]
) -> Posture:
    """Lean pelvis, chest and head forward by `leans`, degrees; the arms follow the chest."""
    pelvis, chest, head = (lean_rotation(np.radians(angle)) for angle in leans)
    chest = Rotation.from_euler("zy", rng.normal(0, [0.12, 0.06])).as_matrix() @ chest
    rotation = chest @ posture.chest.T
    names = [f"{side}_{limb}" for side in SIDES for limb in ("clavicle", "upper_arm", "forearm")]
    arms = {name: rotation @ posture.limb(name) for name in names}
    leaning = replace(posture, pelvis=pelvis, chest=chest).with_limbs(arms)
    return with_head(leaning, head @ posture.head)


def with_head(posture: Posture, head: np.ndarray) -> Posture:
    """Turn the head to a rotation (3,3), as far as the neck allows."""
    relative = Rotation.from_matrix(posture.chest.T @ head).as_rotvec()
    relative *= min(1.0, _NECK / max(np.linalg.norm(relative), 1e-9))
    return replace(posture, head=posture.chest @ Rotation.from_rotvec(relative).as_matrix())


def with_leg(
    posture: Posture, side: str, thigh: float, flexion: float, foot: float, spread: float
) -> Posture:
    """Set a leg by the angles of thigh and foot and the knee's flexion, in degrees.

    `spread` is the outward component of thigh and foot relative to that in the sagittal plane.
    """
    return posture.with_limbs(
        {
            f"{side}_thigh": leg_direction(side, thigh, spread),
            f"{side}_shin": leg_direction(side, thigh - np.clip(flexion, 0, 155), 0),
            f"{side}_foot": leg_direction(side, foot, spread),
        }
    )


def with_arms(
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
        arm = directions * [sign_of(side), -1, 1] @ frame.T
        posture = with_arm(posture, side, *arm)
    return posture


def with_arm_towards(
    posture: Posture, direction: np.ndarray, side: str, flexion: float
) -> Posture:
    """Stretch an arm towards a direction (3,), its elbow bent by `flexion`, radians."""
    aim = _within_reach(posture.chest.T @ unit(direction), side)
    below = np.array([0.6 * sign_of(side), 0.2, -1.0])  # where the elbow bends to
    below = unit(below - aim * (aim @ below))
    along, across = np.cos(flexion / 2) * aim, np.sin(flexion / 2) * below
    arm = np.stack([along + across, along - across]) @ posture.chest.T
    return with_arm(posture, side, *arm)


def _within_reach(aim: np.ndarray, side: str) -> np.ndarray:
    """The direction within an arm's range that is nearest to `aim` (3,), in the chest's frame."""
    azimuth = np.arctan2(sign_of(side) * aim[0], -aim[1]) - _ARM_OUTWARDS
    azimuth = (azimuth + np.pi) % (2 * np.pi) - np.pi
    azimuth = _ARM_OUTWARDS + np.clip(azimuth, -_ARM_RANGE, _ARM_RANGE)
    level = np.hypot(aim[0], aim[1])
    return np.array([sign_of(side) * level * np.sin(azimuth), -level * np.cos(azimuth), aim[2]])


def with_arm(posture: Posture, side: str, upper_arm: np.ndarray, forearm: np.ndarray) -> Posture:
    """Set an arm; its shoulder moves with it a little from where it is when the arm hangs."""
    raised = unit(upper_arm + 0.5 * forearm) + posture.chest[:, 2]
    return posture.with_limbs(
        {
            f"{side}_clavicle": posture.chest @ [sign_of(side), 0.05, 0.25] + 0.2 * raised,
            f"{side}_upper_arm": upper_arm,
            f"{side}_forearm": forearm,
        }
    )


def with_possible_knees(posture: Posture) -> Posture:
    """Move shins that point ahead of their thighs in line with these."""
    shins = {}
    for side in SIDES:
        thigh, shin = posture.limb(f"{side}_thigh"), posture.limb(f"{side}_shin")
        back = unit(np.cross(posture.pelvis[:, 0], thigh))
        shins[f"{side}_shin"] = shin - min(0.0, shin @ back) * back
    return posture.with_limbs(shins)


def leg_direction(side: str, angle: float, outwards: float) -> np.ndarray:
    """Unit direction (3,) at an angle, in degrees, from straight down towards straight ahead."""
    radians = np.radians(angle)
    return unit([sign_of(side) * outwards, -np.sin(radians), -np.cos(radians)])


def lean_rotation(angle: float) -> np.ndarray:
    """(3,3) rotation forward by an angle in radians."""
    return Rotation.from_euler("x", angle).as_matrix()


def sign_of(side: str) -> int:
    """Return 1 for the left side, -1 for the right one."""
    return 1 if side == "left" else -1
