"""Two-bone inverse kinematics: bends an arm so that its palm comes to a point."""

from __future__ import annotations

import numpy as np

from pinet_training.rendering.limbs import sign_of
from pinet_training.rendering.posture import Posture, unit
from pinet_training.rendering.rig import Pose, Rig

_REPEATS = 3  # the palm is not exactly in line with the forearm
_LONGEST = 0.985  # of the arm's length: an arm is never quite straight
_HAND = ("wrist", "finger3-1")  # bones between whose heads the palm is
_ELBOW = np.array([0.8, 0.35, -1.0])  # outwards, back, up: where an elbow goes to by default


def palm(rig: Rig, pose: Pose, side: str) -> np.ndarray:
    """Return the middle of a palm (3,), metres, in the pose's frame."""
    wrist, knuckle = (pose.positions[rig.bone(f"{b}.{side[0].upper()}")] for b in _HAND)
    return wrist + 0.75 * (knuckle - wrist)


def reach_point(
    rig: Rig,
    body: int,
    posture: Posture,
    side: str,
    target: np.ndarray,
    elbow: np.ndarray = _ELBOW,
) -> Posture:
    """Bend an arm so that its palm is at a point, or as near to it as the arm can come.

    Args:
        rig: of the body.
        body: index in the rig's bodies.
        posture: in the body frame.
        side: one of SIDES, of the arm.
        target: (3,) metres, in the frame of `rig.pose`.
        elbow: (3,) where the elbow goes to, of any length: outwards, back and up in the chest's
            frame.
    """
    target = np.asarray(target, float)
    aim = target.copy()
    for _ in range(_REPEATS):
        pose = rig.pose(body, posture)
        posture = _bent(rig, pose, posture, side, aim, elbow)
        missed = target - palm(rig, rig.pose(body, posture), side)
        aim = aim + missed
    return posture


def _bent(
    rig: Rig, pose: Pose, posture: Posture, side: str, aim: np.ndarray, elbow: np.ndarray
) -> Posture:
    """One step: the arm in the plane of shoulder, aim and the elbow's direction."""
    letter = side[0].upper()
    shoulder, joint = (
        pose.positions[rig.bone(f"{b}.{letter}")] for b in ("upperarm01", "lowerarm01")
    )
    upper = float(np.linalg.norm(joint - shoulder))
    lower = float(np.linalg.norm(palm(rig, pose, side) - joint))
    line = aim - shoulder
    distance = float(np.linalg.norm(line))
    reach = np.clip(distance, abs(upper - lower) + 0.03, _LONGEST * (upper + lower))
    along = line / max(distance, 1e-6)
    aside = posture.chest @ (np.asarray(elbow, float) * [sign_of(side), 1, 1])
    aside = unit(aside - along * (aside @ along) + 1e-6)
    cosine = np.clip((upper**2 + reach**2 - lower**2) / (2 * upper * reach), -1, 1)
    bend = upper * (cosine * along + np.sqrt(1 - cosine**2) * aside)
    return posture.with_limbs({f"{side}_upper_arm": bend, f"{side}_forearm": reach * along - bend})
