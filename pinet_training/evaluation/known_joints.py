"""Errors of poses over those joints whose true place is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from pinet_ros.geometry.alignment import kabsch, procrustes
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.evaluation.metrics import (
    ALL_JOINTS,
    JOINT_GROUPS,
    ROOT_METRIC,
    Alignment,
    joint_distances,
)

_MILLIMETRES = 1000.0
_NEEDED = 12  # known joints of the limbs and the trunk, without which a pose says too little

# The joints that data sets and estimators agree on; the trunk's and the head's are made up.
LIMBS = tuple(MUPOTS_17.limbs)
_LIMBS_AND_TRUNK = (*LIMBS, *MUPOTS_17.indices("thorax", "spine", "pelvis"))


def well_known(truth: np.ndarray) -> np.ndarray:
    """(N,) whose true pose (N,17,3) has its pelvis and 12 or more joints of limbs and trunk."""
    known = np.isfinite(truth).all(axis=-1)
    return known[:, MUPOTS_17.root] & (known[:, _LIMBS_AND_TRUNK].sum(axis=1) >= _NEEDED)


def known_joint_errors(predicted: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    """Millimetres (N,) over the joints that are known of each person.

    Args:
        predicted: (N,17,3) metres, camera frame.
        truth: (N,17,3) metres, NaN for a joint that is not known.

    Returns:
        `mpjpe_mm`, centred at the pelvis, `pa_mpjpe_mm`, rotated, shifted and scaled to fit best,
        both again over the 12 joints of the limbs alone with `limbs_` in front, and `root_mm`.
    """
    absolute = joint_distances(predicted, truth, Alignment.NONE)
    return {
        **_mean_errors(predicted, truth, ALL_JOINTS),
        **{f"limbs_{k}": v for k, v in _mean_errors(predicted, truth, LIMBS).items()},
        ROOT_METRIC: absolute[:, MUPOTS_17.root],
    }


def orientation_errors(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Degrees (N,) by which a pose must be turned about its pelvis to fit the true one best.

    Args:
        predicted: (N,17,3) metres, camera frame.
        truth: (N,17,3) metres, NaN for a joint that is not known; the pelvis is known.
    """
    root = MUPOTS_17.root
    angles = np.full(len(truth), np.nan)
    for person, (pose, true) in enumerate(zip(predicted, truth, strict=True)):
        known = np.isfinite(true).all(axis=-1)
        rotation = kabsch(*(_centred(each[known], each[root]) for each in (pose, true)))[0].numpy()
        angles[person] = np.degrees(np.arccos(np.clip((rotation.trace() - 1) / 2, -1, 1)))
    return angles


def _centred(joints: np.ndarray, root: np.ndarray) -> torch.Tensor:
    return torch.from_numpy((joints - root).astype(float))[None]


def joint_group_errors(
    predicted: np.ndarray, truth: np.ndarray
) -> dict[str, dict[str, np.ndarray]]:
    """Millimetres (N,) over each of JOINT_GROUPS: `mpjpe_mm` and `pa_mpjpe_mm`.

    The whole pose is aligned; NaN where no joint of a group is known.
    """
    centred = joint_distances(predicted, truth)
    fitted = _fitted_distances(predicted, truth, ALL_JOINTS)
    return {
        name: {
            "mpjpe_mm": mean_of_known(centred[:, joints]),
            "pa_mpjpe_mm": mean_of_known(fitted[:, joints]),
        }
        for name, joints in JOINT_GROUPS.items()
    }


def _mean_errors(
    predicted: np.ndarray, truth: np.ndarray, joints: Sequence[int]
) -> dict[str, np.ndarray]:
    return {
        "mpjpe_mm": mean_of_known(joint_distances(predicted, truth)[:, list(joints)]),
        "pa_mpjpe_mm": mean_of_known(_fitted_distances(predicted, truth, joints)),
    }


def _fitted_distances(
    predicted: np.ndarray, truth: np.ndarray, joints: Sequence[int]
) -> np.ndarray:
    """(N,17) millimetres after a similarity that fits those of the joints that are known best."""
    distances = np.full(truth.shape[:2], np.nan)
    for person, (pose, true) in enumerate(zip(predicted, truth, strict=True)):
        known = [joint for joint in joints if np.isfinite(true[joint]).all()]
        fitted = procrustes(pose[None, known], true[None, known])[0]
        distances[person, known] = _MILLIMETRES * np.linalg.norm(fitted - true[known], axis=-1)
    return distances


def mean_of_known(distances: np.ndarray) -> np.ndarray:
    """(...,) mean of the known among (...,J), NaN where there is none."""
    known = np.isfinite(distances)
    total = np.where(known, distances, 0.0).sum(axis=-1)
    return np.where(known.any(axis=-1), total / np.maximum(known.sum(axis=-1), 1), np.nan)
