"""Postures: the orientation of trunk, head and limbs, independent of the size of the body.

Body frame: x to the person's left, y to the back, z up. A person with yaw 0 faces -y.
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
        pelvis, chest, head: (3,3) rotations from standing upright and facing -y. Each is relative
            to the body frame, not to the part before it.
        limbs: (12,3) unit directions of LIMBS: a clavicle from the upper chest to the shoulder, a
            foot from the ankle to the toes, the others from the joint nearer to the trunk to the
            next one.
    """

    pelvis: np.ndarray
    chest: np.ndarray
    head: np.ndarray
    limbs: np.ndarray

    def limb(self, name: str) -> np.ndarray:
        """Return the unit direction (3,) of one of LIMBS."""
        return self.limbs[LIMBS.index(name)]

    def with_limbs(self, directions: Mapping[str, np.ndarray]) -> Posture:
        """Return the posture with other directions of some limbs.

        Args:
            directions: vectors (3,) of any length but 0, by the names of LIMBS.
        """
        limbs = self.limbs.copy()
        for name, direction in directions.items():
            limbs[LIMBS.index(name)] = unit(direction)
        return replace(self, limbs=limbs)

    def mirrored(self) -> Posture:
        """Return the mirror image: left and right exchanged."""
        left, right = np.split(self.limbs @ _MIRROR, 2)
        torso = (_MIRROR @ rotation @ _MIRROR for rotation in (self.pelvis, self.chest, self.head))
        return Posture(*torso, limbs=np.concatenate([right, left]))

    def turned(self, yaw: float) -> Posture:
        """Return the posture of the whole person rotated to the left by `yaw` radians."""
        rotation = yaw_rotation(yaw)
        return Posture(
            rotation @ self.pelvis,
            rotation @ self.chest,
            rotation @ self.head,
            self.limbs @ rotation.T,
        )

    def tilted(self, angle: float) -> Posture:
        """Return the posture with trunk, head and arms tilted to the left by `angle` radians."""
        cosine, sine = np.cos(angle), np.sin(angle)
        whole = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
        arms = {
            f"{side}_{limb}": whole @ self.limb(f"{side}_{limb}")
            for side in SIDES
            for limb in ("clavicle", "upper_arm", "forearm")
        }
        turned = replace(self, chest=whole @ self.chest, head=whole @ self.head)
        return turned.with_limbs(arms)

    def facing_front(self) -> Posture:
        """Return the posture rotated about the vertical so that the pelvis faces -y."""
        return self.turned(-heading(-self.pelvis[:2, 1]))


def unit(vectors: np.ndarray) -> np.ndarray:
    """Scale vectors (...,3), none of them zero, to length 1."""
    vectors = np.asarray(vectors, float)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def yaw_rotation(yaw: float) -> np.ndarray:
    """Return the rotation (3,3) about the vertical by `yaw` radians, positive to the left."""
    cosine, sine = np.cos(yaw), np.sin(yaw)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])


def heading(direction: np.ndarray) -> float:
    """Return the yaw, in radians, of a person facing a direction (2,) in x and y, any length."""
    x, y = direction
    return float(np.arctan2(x, -y))


def ahead(yaw: float) -> np.ndarray:
    """Return the unit vector (2,) in x and y that a person with this yaw, in radians, faces."""
    return np.array([np.sin(yaw), -np.cos(yaw)])


def axes_to_body(left: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Return the rotation (3,3) from the axes of another frame to the body frame.

    Args:
        left, up: (3,) approximate directions of the person's left and of up in the other frame,
            of any length. The coordinate axes nearest to them are used.
    """
    x, z = (_nearest_axis(np.asarray(vector, float)) for vector in (left, up))
    return np.stack([x, np.cross(z, x), z])


def _nearest_axis(vector: np.ndarray) -> np.ndarray:
    axis = np.argmax(np.abs(vector))
    return np.sign(vector[axis]) * np.eye(3)[axis]
