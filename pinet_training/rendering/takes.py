"""Takes: clips at the rate of a sequence, with what carries a person over the floor.

Lengths are in legs: the distance from hip to ankle of the person whom a take is put on. Points and
directions on the floor are complex numbers, x + iy, so that a turn by `yaw` multiplies by
exp(i yaw).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from pinet_training.rendering.clips import Clip
from pinet_training.rendering.posture import LIMBS, SIDES, unit

# A generic body, in legs; people's proportions differ little. MakeHuman's base mesh.
_HALF_HIPS, _THIGH, _SHIN, _FOOT = 0.12, 0.5, 0.5, 0.27
_ANKLE_HEIGHT, _TOE_HEIGHT = 0.08, 0.02  # of a foot that stands on the floor

_LOW = 0.03  # legs: a point so much higher than the lowest one hardly carries any more
_BACK = 0.1  # legs per second: the same for a point that moves so much slower to the back
_SMOOTH = 0.03  # seconds: of the carrying speed
_COURSE = 0.3  # seconds: over which the direction of travel is taken
_PASSES = 3  # of guessing which foot carries, and which way the person goes
_AIRBORNE = 0.05  # legs: less is not told from the error of the capture
_ON_THE_SPOT = 0.5  # of the feet's speed: slower roots belong to a walk on the spot


@dataclass(frozen=True, eq=False)
class Take:
    """G frames of a clip.

    Attributes:
        clip: name of the clip.
        activity: what the person does.
        torso: (G,3,3,3) as in Clip.
        limbs: (G,12,3) as in Clip.
        moves: (G,) complex, legs: by how much the person moves until the next frame.
        planted: (G,) complex, legs: where the foot that carries stands, from the pelvis.
        courses: (G,) radians: direction of travel, the angle of `moves` over a while.
        lifts: (G,) legs: height of the lowest point above the floor, as in a jump.
        heights: (G,) legs: height of the pelvis above the lowest point of the feet.
    """

    clip: str
    activity: str
    torso: np.ndarray
    limbs: np.ndarray
    moves: np.ndarray
    planted: np.ndarray
    courses: np.ndarray
    lifts: np.ndarray
    heights: np.ndarray

    def __len__(self) -> int:
        return len(self.limbs)

    @classmethod
    def of(cls, clip: Clip, rate: float) -> Take:
        """Resample a clip.

        Args:
            clip: the clip.
            rate: frames per second.
        """
        torso, limbs, roots = _resampled(clip, rate)
        feet = _feet(torso[:, 0], limbs)
        grounds = np.array([_ANKLE_HEIGHT, _TOE_HEIGHT] * 2)
        clearances = feet[..., 2] - grounds  # (G,4), from the pelvis
        heights = -clearances.min(axis=1)
        points = feet[..., 0] + 1j * feet[..., 1]
        speeds, shares = _carrying(points, clearances, rate)
        lifts = np.zeros(len(limbs))
        if roots is not None:
            scale = float(np.median(heights / np.maximum(roots[:, 2], 1e-3)))
            speeds = _better_speeds(
                speeds, _gradient(roots[:, 0] + 1j * roots[:, 1]) * scale * rate
            )
            lifts = np.maximum(0, roots[:, 2] * scale - heights - _AIRBORNE)
        return cls(
            clip=clip.name,
            activity=clip.activity,
            torso=torso,
            limbs=limbs,
            moves=speeds / rate,
            planted=(shares * points).sum(axis=1),
            courses=np.angle(_smoothed(speeds, _COURSE * rate)),
            lifts=lifts,
            heights=heights,
        )


def _resampled(clip: Clip, rate: float) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Torso, limbs and roots of a clip at another rate, between the frames interpolated."""
    times = np.arange(0, (len(clip) - 1) * rate / clip.rate + 1e-6) * clip.rate / rate
    first = np.minimum(times.astype(int), len(clip) - 1)
    second = np.minimum(first + 1, len(clip) - 1)
    part = times - first
    roots = clip.roots
    if roots is not None:
        roots = roots[first] + part[:, None] * (roots[second] - roots[first])
    return (
        between_rotations(clip.torso[first], clip.torso[second], part[:, None]),
        between_directions(clip.limbs[first], clip.limbs[second], part[:, None]),
        roots,
    )


def between_rotations(first: np.ndarray, second: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Interpolate rotations (...,3,3); `part` (...), 0 to 1, is how much of the second."""
    start = Rotation.from_matrix(first.reshape(-1, 3, 3))
    turns = (Rotation.from_matrix(second.reshape(-1, 3, 3)) * start.inv()).as_rotvec()
    parts = np.broadcast_to(part, first.shape[:-2]).reshape(-1, 1)
    return (Rotation.from_rotvec(parts * turns) * start).as_matrix().reshape(first.shape)


def between_directions(first: np.ndarray, second: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Interpolate unit directions (...,3); `part` (...), 0 to 1, is how much of the second."""
    return unit(first + part[..., None] * (second - first) + 1e-9)


def _feet(pelvis: np.ndarray, limbs: np.ndarray) -> np.ndarray:
    """(G,4,3) legs: left ankle and toes, right ankle and toes, from the pelvis."""
    feet = []
    for side, sign in zip(SIDES, (1, -1), strict=True):
        thigh, shin, foot = (
            limbs[:, LIMBS.index(f"{side}_{limb}")] for limb in ("thigh", "shin", "foot")
        )
        ankle = sign * _HALF_HIPS * pelvis[:, :, 0] + _THIGH * thigh + _SHIN * shin
        feet += [ankle, ankle + _FOOT * foot]
    return np.stack(feet, axis=1)


def _carrying(points: np.ndarray, heights: np.ndarray, rate: float) -> tuple[np.ndarray, ...]:
    """The person's speed if the foot that carries does not slide, and how much each point carries.

    A point carries if it is low and moves to the back of the direction of travel.

    Args:
        points: (G,4) complex, legs, from the pelvis.
        heights: (G,4) legs, up to the same constant.
        rate: frames per second.

    Returns:
        (G,) complex, legs per second; and (G,4) shares whose sum is 1.
    """
    velocities = _gradient(points) * rate
    low = -(heights - heights.min(axis=1, keepdims=True)) / _LOW
    back = np.zeros_like(low)
    for _ in range(_PASSES):
        shares = np.exp(low + back - (low + back).max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        speeds = -(shares * velocities).sum(axis=1)
        courses = _smoothed(speeds, _COURSE * rate)
        courses /= np.maximum(np.abs(courses), 0.3)  # of a person who stands, none
        back = -(velocities * courses[:, None].conj()).real / _BACK
    return _smoothed(speeds, _SMOOTH * rate), shares


def _better_speeds(of_feet: np.ndarray, of_roots: np.ndarray) -> np.ndarray:
    """The captured speeds, which also know flights, unless they are of a walk on the spot."""
    on_the_spot = np.abs(of_roots).mean() < _ON_THE_SPOT * np.abs(of_feet).mean()
    return of_feet if on_the_spot else of_roots


def _gradient(values: np.ndarray) -> np.ndarray:
    """Change (G,...) from frame to frame, 0 for a single one."""
    return np.gradient(values, axis=0) if len(values) > 1 else np.zeros_like(values)


def _smoothed(values: np.ndarray, frames: float) -> np.ndarray:
    """Complex values (G,) averaged over so many frames."""
    return gaussian_filter1d(values, frames, mode="nearest")
