"""A posture: how somebody holds trunk, head and limbs, whatever the build of the body.

Body frame: x to the person's left, y to the back, z up; whoever is turned nowhere faces -y.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

SIDES = ("left", "right")
OTHER_SIDE = {"left": "right", "right": "left"}
_LIMBS_OF_A_SIDE = ("clavicle", "upper_arm", "forearm", "thigh", "shin", "foot")
LIMBS: tuple[str, ...] = tuple(f"{side}_{limb}" for side in SIDES for limb in _LIMBS_OF_A_SIDE)

_MIRROR = np.diag([-1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Posture:
    """A posture in the body frame.

    Attributes:
        pelvis, chest, head: (3,3) rotations from standing upright and facing -y; each is of the
            body frame itself, not relative to the one before.
        limbs: (12,3) unit directions of LIMBS: a clavicle from the upper chest to the shoulder, a
            foot from the ankle to the toes, the others from the joint nearer to the trunk.
    """

    pelvis: np.ndarray
    chest: np.ndarray
    head: np.ndarray
    limbs: np.ndarray

    def limb(self, name: str) -> np.ndarray:
        """Direction (3,) of one of LIMBS."""
        return self.limbs[LIMBS.index(name)]

    def with_limbs(self, directions: Mapping[str, np.ndarray]) -> Posture:
        """The same with other directions (3,) of some of LIMBS, which need not be of length 1."""
        limbs = self.limbs.copy()
        for name, direction in directions.items():
            limbs[LIMBS.index(name)] = unit(direction)
        return replace(self, limbs=limbs)

    def mirrored(self) -> Posture:
        """What a mirror shows: left and right exchanged."""
        left, right = np.split(self.limbs @ _MIRROR, 2)
        torso = (_MIRROR @ rotation @ _MIRROR for rotation in (self.pelvis, self.chest, self.head))
        return Posture(*torso, limbs=np.concatenate([right, left]))

    def turned(self, yaw: float) -> Posture:
        """The same after a turn of the whole person to the left by `yaw` radians."""
        turn = yaw_rotation(yaw)
        return Posture(
            turn @ self.pelvis, turn @ self.chest, turn @ self.head, self.limbs @ turn.T
        )

    def facing_front(self) -> Posture:
        """The same turned about the vertical until the pelvis faces -y."""
        return self.turned(-heading(-self.pelvis[:2, 1]))


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (...,3), none of them zero, at length 1."""
    vectors = np.asarray(vectors, float)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def yaw_rotation(yaw: float) -> np.ndarray:
    """(3,3) rotation about the vertical by `yaw` radians, positive to the person's left."""
    cosine, sine = np.cos(yaw), np.sin(yaw)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])


def heading(direction: np.ndarray) -> float:
    """The yaw, radians, of somebody who looks along (2,) in x and y, of any length."""
    x, y = direction
    return float(np.arctan2(x, -y))


def ahead(yaw: float) -> np.ndarray:
    """Unit vector (2,) in x and y along which somebody of that yaw, radians, looks."""
    return np.array([np.sin(yaw), -np.cos(yaw)])


def axes_to_body(left: np.ndarray, up: np.ndarray) -> np.ndarray:
    """The rotation (3,3) that takes vectors of another space to the body frame.

    Args:
        left, up: (3,) roughly where somebody's left and above are in that space; the axes nearest
            to them are taken.
    """
    x, z = (_nearest_axis(np.asarray(vector, float)) for vector in (left, up))
    return np.stack([x, np.cross(z, x), z])


def _nearest_axis(vector: np.ndarray) -> np.ndarray:
    axis = np.argmax(np.abs(vector))
    return np.sign(vector[axis]) * np.eye(3)[axis]
