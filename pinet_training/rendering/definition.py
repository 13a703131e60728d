"""Where an estimator puts its joints on a body, so that truth and estimates mean the same points.

The joints of a rendered body are the heads of its bones. An estimator learnt its joints from
people's marks in pictures, and these lie elsewhere: BlazePose's ankle is 3 cm above the bone's.
Such a difference of definitions is no error that a refiner should undo, so the truth is moved to
where the estimator has the joint on the average of many people. Only the estimator's joints in the
image are used for that, over people who turn every way: its depth has no part in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.posture import OTHER_SIDE, SIDES

_MIDDLES = ("head_top", "thorax", "pelvis", "spine", "head")
# Along which vectors a kind of joint may be moved: a bone that ends there, and the trunk's axes.
# An elbow or a knee along both of its bones would move most when it is bent most: that is how far
# off an estimator is there, not where it takes the joint to be.
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
_FEWEST = 100  # people


@dataclass(frozen=True)
class JointDefinition:
    """Where the joints of MUPOTS_17 lie, relative to those of rendered bodies.

    Attributes:
        offsets: for each kind of joint (both sides are alike) the part of each vector of
            _DIRECTIONS that is added; the vectors are as long as the bones, `back` is 1 m.
    """

    offsets: Mapping[str, np.ndarray]

    @classmethod
    def fit(cls, joints: np.ndarray, seen: np.ndarray) -> JointDefinition | None:
        """The definition by which people's joints are where an estimator sees them, on average.

        Args:
            joints: (P,17,3) metres, camera frame, of rendered people who are seen whole.
            seen: (P,17,2) where the estimator has them: x/z and y/z of their viewing rays.

        Returns:
            None where there are too few people to tell.
        """
        if len(joints) < _FEWEST:
            return None
        joints = joints.astype(float)
        return cls({kind: _fit_kind(kind, joints, seen) for kind in _DIRECTIONS})

    def apply(self, joints: np.ndarray) -> np.ndarray:
        """Joints (P,17,3) of rendered bodies to where they lie by this definition, metres."""
        moved = joints.astype(float)
        for kind, offsets in self.offsets.items():
            for side in _sides_of(kind):
                vectors = _vectors(joints.astype(float), kind, side)  # (P,3,V)
                moved[:, _index(kind, side)] += vectors @ offsets
        return moved.astype(joints.dtype)


def _fit_kind(kind: str, joints: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The offsets (V,) of one kind of joint, by robust least squares of metres on the body."""
    rows, targets = [], []
    for side in _sides_of(kind):
        index = _index(kind, side)
        vectors = _vectors(joints, kind, side)  # (P,3,V)
        place, depth = joints[:, index], joints[:, index, 2:]
        flat = place[:, :2] / depth
        # what a small step changes in the image, as metres at the joint's depth
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
    """(P,3,V) the vectors of _DIRECTIONS for people (P,17,3)."""

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
