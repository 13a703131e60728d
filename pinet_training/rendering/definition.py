"""Where an estimator defines its joints on a body, so that truth and estimates are comparable.

The joints of a rendered body are the heads of its bones. An estimator has learned its joints from
annotated images, where they are defined differently: BlazePose's ankle is 3 cm above the bone's.
A refiner should not correct such a difference in definition, so the truth is moved to where the
estimator has the joint on average over many people. Only the estimator's joints in the image are
used, over people in all orientations; its depth is not used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.posture import OTHER_SIDE, SIDES

_MIDDLES = ("head_top", "thorax", "pelvis", "spine", "head")
# Vectors along which each kind of joint may be moved: a bone that ends there, and the axes of the
# trunk. With both of its bones, an elbow or a knee would move most when it is bent most. That
# would fit the estimator's error at bent joints, not its definition of the joint.
_DIRECTIONS: dict[str, tuple[str, ...]] = {
    "head_top": ("neck", "up", "back"),
    "head": ("neck", "up", "back"),
    "thorax": ("neck", "up", "back"),
    "spine": ("up", "back"),
    "pelvis": ("up", "back"),
    "shoulder": ("across", "up", "back"),
    "elbow": ("forearm",),
    "wrist": ("forearm",),
    "hip": ("across", "up", "back"),
    "knee": ("shin", "back"),
    "ankle": ("shin", "back"),
}
_ROBUST = 0.03  # metres: beyond it a residual counts linearly (Huber)
_ITERATIONS = 20
_MIN_PEOPLE = 100


@dataclass(frozen=True)
class JointDefinition:
    """An estimator's definition of the joints of MUPOTS_17, relative to those of rendered bodies.

    Attributes:
        offsets: for each kind of joint, the same for both sides, the multiple (V,) of each of its
            vectors in _DIRECTIONS that is added. The vectors have the length of the body parts
            that they span; `back` has a length of 1 m.
    """

    offsets: Mapping[str, np.ndarray]

    @classmethod
    def fit(cls, joints: np.ndarray, seen: np.ndarray) -> JointDefinition | None:
        """Fit the definition so that joints are where the estimator has them, on average.

        Args:
            joints: (P,17,3) metres, camera frame, of fully visible rendered people.
            seen: (P,17,2) the estimator's joints: x/z and y/z of their viewing rays. NaN if
                unknown.

        Returns:
            The definition, or None if there are fewer than 100 people.
        """
        if len(joints) < _MIN_PEOPLE:
            return None
        joints = joints.astype(float)
        return cls({kind: _fit_kind(kind, joints, seen) for kind in _DIRECTIONS})

    def apply(self, joints: np.ndarray) -> np.ndarray:
        """Move the joints of rendered bodies to where this definition has them.

        Args:
            joints: (P,17,3) metres, camera frame.

        Returns:
            (P,17,3) of the same type, metres, camera frame.
        """
        moved = joints.astype(float)
        for kind, offsets in self.offsets.items():
            for side in _sides_of(kind):
                vectors = _vectors(joints.astype(float), kind, side)  # (P,3,V)
                moved[:, _index(kind, side)] += vectors @ offsets
        return moved.astype(joints.dtype)


def _fit_kind(kind: str, joints: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The offsets (V,) of one kind of joint, by robust least squares (Huber) in metres."""
    rows, targets = [], []
    for side in _sides_of(kind):
        index = _index(kind, side)
        vectors = _vectors(joints, kind, side)  # (P,3,V)
        place, depth = joints[:, index], joints[:, index, 2:]
        flat = place[:, :2] / depth
        # change in the image per step along each vector, in metres at the joint's depth
        rows.append(vectors[:, :2] - vectors[:, 2:] * flat[..., None])
        targets.append((seen[:, index] - flat) * depth)
    matrix, target = np.concatenate(rows), np.concatenate(targets)  # (2P,2,V), (2P,2)
    known = np.isfinite(target).all(axis=1)
    matrix, target = matrix[known], target[known]
    weights = np.ones(len(target))
    for _ in range(_ITERATIONS):
        weighted = matrix * weights[:, None, None]
        offsets = np.linalg.lstsq(
            weighted.reshape(-1, matrix.shape[2]), (target * weights[:, None]).ravel(), rcond=None
        )[0]
        residuals = np.linalg.norm(target - matrix @ offsets, axis=1)
        weights = np.sqrt(_ROBUST / np.maximum(residuals, _ROBUST))
    return offsets


def _vectors(joints: np.ndarray, kind: str, side: str | None) -> np.ndarray:
    """The vectors (P,3,V) that _DIRECTIONS lists for this kind of joint, of people (P,17,3)."""

    def of(name: str) -> np.ndarray:
        return joints[:, MUPOTS_17.index(name)]

    across = of("left_hip") - of("right_hip")
    up = (of("left_shoulder") + of("right_shoulder") - of("left_hip") - of("right_hip")) / 2
    back = np.cross(up, across)
    vectors = {
        "neck": of("head_top") - of("thorax"),
        "up": up,
        "back": back / np.linalg.norm(back, axis=1, keepdims=True),
    }
    if side is not None:
        other = OTHER_SIDE[side]
        own = {part: of(f"{side}_{part}") for part in ("elbow", "knee")}
        vectors |= {
            "forearm": of(f"{side}_wrist") - own["elbow"],
            "shin": of(f"{side}_ankle") - own["knee"],
        }
        if "across" in _DIRECTIONS[kind]:
            vectors["across"] = of(f"{side}_{kind}") - of(f"{other}_{kind}")
    return np.stack([vectors[name] for name in _DIRECTIONS[kind]], axis=-1)


def _sides_of(kind: str) -> tuple[str | None, ...]:
    return (None,) if kind in _MIDDLES else SIDES


def _index(kind: str, side: str | None) -> int:
    return MUPOTS_17.index(kind if side is None else f"{side}_{kind}")
