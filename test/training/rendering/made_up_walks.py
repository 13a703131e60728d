"""Clips of a person who walks straight ahead without sliding, and of one who stands and waves."""

from __future__ import annotations

import numpy as np

from pinet_training.rendering.clips import Clip
from pinet_training.rendering.motion import Motions
from pinet_training.rendering.posture import LIMBS, unit

STEP_TIME = 0.5  # seconds that each foot stands
# hips are at the middle of the body, thigh and shin half as long as the leg, which is 1
ANKLE, PELVIS = 0.08, 1.02  # heights


def walk(speed=1.3, seconds=3.0, rate=60.0, name="walking_1", roots=None, phase=0.0) -> Clip:
    """A walk to the front (-y), with so many leg lengths per second."""
    times = np.arange(0, seconds, 1 / rate)
    limbs = np.zeros((len(times), len(LIMBS), 3))
    limbs[..., 2] = -1
    for side, sign, offset in (("left", 1, 0.0), ("right", -1, STEP_TIME)):
        ankle = _ankle(times + phase + offset, speed)
        ankle[:, 1] += speed * offset  # back: both begin at the same place
        pelvis = np.outer(times + phase, [0, -speed, 0]) + np.array([0, 0, PELVIS])
        leg = ankle - pelvis  # of this side: hip and ankle are as far from the middle
        length = np.linalg.norm(leg, axis=1)
        bend = np.sqrt(np.maximum(0.25 - length**2 / 4, 0))  # of the knee, to the front
        ahead = np.stack([0 * length, leg[:, 2] / length, -leg[:, 1] / length], axis=1)
        knee = leg / 2 + bend[:, None] * ahead
        limbs[:, LIMBS.index(f"{side}_thigh")] = unit(knee)
        limbs[:, LIMBS.index(f"{side}_shin")] = unit(leg - knee)
        limbs[:, LIMBS.index(f"{side}_foot")] = unit([0, -1, -0.2])
        limbs[:, LIMBS.index(f"{side}_clavicle")] = [sign, 0, 0]
    torso = np.tile(np.eye(3), (len(times), 3, 1, 1))
    return Clip(name, "walking", "train", torso, limbs, rate, roots)


def _ankle(times: np.ndarray, speed: float) -> np.ndarray:
    """(F,3) an ankle that stands for STEP_TIME, then swings for as long, and so on."""
    cycle, part = np.divmod(times / STEP_TIME, 2)
    swing = np.clip(part - 1, 0, 1)
    step = 2 * STEP_TIME * speed
    along = cycle * step + step * swing**2 * (3 - 2 * swing) + STEP_TIME * speed / 2
    height = ANKLE + 0.15 * np.sin(np.pi * swing) ** 2
    return np.stack([0 * along, -along, height], axis=1)


def wave(name="waving_1") -> Clip:
    """Three seconds on the spot with a waving arm."""
    still = walk(speed=0.0, seconds=3.0)
    for_arm = LIMBS.index("left_forearm")
    limbs = np.tile(still.limbs[:1], (len(still), 1, 1))
    angles = 3 * np.arange(len(still)) / still.rate
    limbs[:, for_arm] = np.stack([np.cos(angles) / 2, 0 * angles - 1, np.sin(angles)], axis=1)
    return Clip(name, "waving", "train", still.torso, unit(limbs), still.rate)


def motions() -> Motions:
    """Walks of several speeds, and somebody who waves."""
    walks = [walk(speed, name=f"walking_{n}") for n, speed in enumerate((1.0, 1.2, 1.4), 1)]
    return Motions([*walks, wave()])
