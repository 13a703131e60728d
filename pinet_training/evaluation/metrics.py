"""The measures of 3D poses: MPJPE, PA-MPJPE, 3DPCK and its AUC, and the error of the root.

All take poses (N,17,3) in metres, joints of MUPOTS_17, predicted and true. A joint that is not
known (NaN) is wrong for 3DPCK, and leaves its person out of the means of distances.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple

import numpy as np

from pinet_ros.geometry.alignment import procrustes
from pinet_ros.skeleton import MUPOTS_17

_MILLIMETRES = 1000.0
_PCK_THRESHOLD = 150.0  # millimetres (Mehta et al., 3DV 2018)
_AUC_THRESHOLDS = np.arange(0.0, 151.0, 5.0)  # millimetres, 31 of them, as in MuPoTS-3D's script

ALL_JOINTS = tuple(range(len(MUPOTS_17)))

# The columns of the paper's table 3.
JOINT_GROUPS = {
    "head": MUPOTS_17.indices("head_top"),
    "neck": MUPOTS_17.indices("thorax"),
} | {
    f"{joint}s": MUPOTS_17.indices(f"right_{joint}", f"left_{joint}")
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
}

# The joints of 3DPCK and AUC on MuPoTS-3D, so that they compare with published numbers: its
# script leaves out the pelvis, at which poses are aligned, the spine and the middle of the head.
MUPOTS_PCK_JOINTS = tuple(sorted(joint for group in JOINT_GROUPS.values() for joint in group))


class Alignment(Enum):
    """How a predicted pose is laid onto the true one before joints are compared."""

    NONE = "as they are in the camera frame"
    ROOT = "both centred at the pelvis"
    RIGID = "rotated and shifted to fit best"
    SIMILARITY = "rotated, shifted and scaled to fit best"


def joint_distances(
    predicted: np.ndarray, truth: np.ndarray, alignment: Alignment = Alignment.ROOT
) -> np.ndarray:
    """(N,17) distance of each joint from the true one in millimetres."""
    predicted, truth = predicted.astype(np.float64), truth.astype(np.float64)
    if alignment is Alignment.ROOT:
        roots = slice(MUPOTS_17.root, MUPOTS_17.root + 1)
        predicted, truth = predicted - predicted[:, roots], truth - truth[:, roots]
    elif alignment is not Alignment.NONE:
        predicted = procrustes(predicted, truth, scale=alignment is Alignment.SIMILARITY)
    return _MILLIMETRES * np.linalg.norm(predicted - truth, axis=-1)


def mean_distance(distances: np.ndarray) -> np.ndarray:
    """(N,) mean over the joints of (N,J) millimetres."""
    return distances.mean(axis=1)


def pck(distances: np.ndarray, threshold: float = _PCK_THRESHOLD) -> np.ndarray:
    """(N,) percentage of the joints of (N,J) millimetres that are nearer than the threshold."""
    return 100.0 * (distances < threshold).mean(axis=1)


def auc(distances: np.ndarray) -> np.ndarray:
    """(N,) mean of 3DPCK over the thresholds 0, 5, ... 150 mm, percent.

    Nothing is nearer than 0, so that a perfect pose has 100 * 30/31.
    """
    return np.mean([pck(distances, threshold) for threshold in _AUC_THRESHOLDS], axis=0)


class Metric(NamedTuple):
    """How the distances of a person's joints become one value."""

    alignment: Alignment
    summary: Callable[[np.ndarray], np.ndarray]

    @property
    def counts_joints(self) -> bool:
        """Whether the metric counts joints, rather than averaging their distances."""
        return self.summary is not mean_distance


METRICS = {
    "mpjpe_mm": Metric(Alignment.ROOT, mean_distance),
    "pa_mpjpe_mm": Metric(Alignment.SIMILARITY, mean_distance),
    "pa_mpjpe_rigid_mm": Metric(Alignment.RIGID, mean_distance),
    "pck150": Metric(Alignment.ROOT, pck),
    "auc": Metric(Alignment.ROOT, auc),
    "pck150_absolute": Metric(Alignment.NONE, pck),
    "auc_absolute": Metric(Alignment.NONE, auc),
}
ROOT_METRIC = "root_mm"  # distance of the pelvises in the camera frame


class PoseErrors:
    """How far N predicted poses are from the true ones, person by person.

    Args:
        predicted, truth: (N,17,3) metres.
        pck_joints: which joints 3DPCK and AUC are over. MPJPE and PA-MPJPE are over all 17.
    """

    def __init__(
        self, predicted: np.ndarray, truth: np.ndarray, *, pck_joints: Sequence[int] = ALL_JOINTS
    ) -> None:
        self._distances = {a: joint_distances(predicted, truth, a) for a in Alignment}
        self._pck_joints = pck_joints

    @property
    def whole(self) -> dict[str, np.ndarray]:
        """(N,) values of each of METRICS, and `root_mm`, the distance of the pelvis."""
        return {
            **self._values(ALL_JOINTS, self._pck_joints),
            ROOT_METRIC: self._distances[Alignment.NONE][:, MUPOTS_17.root],
        }

    def group(self, name: str) -> dict[str, np.ndarray]:
        """(N,) values of each of METRICS over a group of JOINT_GROUPS alone."""
        return self._values(JOINT_GROUPS[name], JOINT_GROUPS[name])

    def _values(self, joints: Sequence[int], pck_joints: Sequence[int]) -> dict[str, np.ndarray]:
        values = {}
        for name, metric in METRICS.items():
            chosen = pck_joints if metric.counts_joints else joints
            values[name] = metric.summary(self._distances[metric.alignment][:, list(chosen)])
        return values


def means(
    values: dict[str, np.ndarray], rows: np.ndarray | slice = slice(None)
) -> dict[str, float | None]:
    """The mean of each metric over people (N,); None if no value is known.

    Args:
        values: (N,) of each metric, NaN where it is not known.
        rows: (N,) bool, people to average over.
    """
    return {name: _mean(value[rows]) for name, value in values.items()}


def mean_metrics(predicted: np.ndarray, truth: np.ndarray) -> dict[str, float | None]:
    """The means over all people (N,17,3), 3DPCK and AUC over all 17 joints."""
    return means(PoseErrors(predicted, truth).whole)


def image_average(values: dict[str, np.ndarray], images: np.ndarray) -> dict[str, float | None]:
    """The mean over images of the mean over their people, each image counting alike.

    Args:
        values: (N,) of each metric, NaN where it is not known: these people are left out.
        images: (N,) number of the image that each person is in.
    """
    averages = {}
    for name, value in values.items():
        known = ~np.isnan(value)
        _, image = np.unique(images[known], return_inverse=True)
        averages[name] = _mean(np.bincount(image, value[known]) / np.bincount(image))
    return averages


def average(reports: Sequence[dict[str, float | None]]) -> dict[str, float | None]:
    """The mean of each metric over several means, each counting alike; counts are left out."""
    names = (*METRICS, ROOT_METRIC)
    return {name: _mean(np.array([report[name] for report in reports], float)) for name in names}


def _mean(values: np.ndarray) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
