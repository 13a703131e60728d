"""The measures of 3D poses: MPJPE, PA-MPJPE, 3DPCK150 and the error of the root.

All take poses (N,17,3) in metres, joints of MUPOTS_17, predicted and true, and give one value per
person (N,).
"""

from __future__ import annotations

import numpy as np

from pinet_ros.skeleton import MUPOTS_17

_PELVIS = MUPOTS_17.index("pelvis")
_MILLIMETRES = 1000.0
_PCK_THRESHOLD = 150.0  # millimetres (Mehta et al., 3DV 2018)


def mpjpe(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Mean distance of the joints in millimetres, both poses centred at the pelvis."""
    return _centred_distances(predicted, truth).mean(axis=1)


def pck150(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Percentage of joints within 150 mm, both poses centred at the pelvis."""
    return 100.0 * (_centred_distances(predicted, truth) < _PCK_THRESHOLD).mean(axis=1)


def pa_mpjpe(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Mean distance of the joints in millimetres after the best similarity transform."""
    return _distances(procrustes(predicted, truth), truth).mean(axis=1)


def root_error(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Distance of the pelvises in the camera frame, millimetres."""
    return _distances(predicted, truth)[:, _PELVIS]


def procrustes(points: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """Rotate, scale and shift each set of points (N,P,3) to fit another best; no reflection.

    Source: Umeyama, Least-squares estimation of transformation parameters, PAMI 1991.
    """
    mean, mean_onto = points.mean(axis=1, keepdims=True), onto.mean(axis=1, keepdims=True)
    source, target = points - mean, onto - mean_onto
    left, singular, right = np.linalg.svd(source.swapaxes(1, 2) @ target)
    # the weakest direction is turned round where the best fit would be a mirror image
    sign = np.sign(np.linalg.det(left @ right))
    singular[:, 2] *= sign
    left[:, :, 2] *= sign[:, None]
    scale = singular.sum(axis=1) / np.square(source).sum(axis=(1, 2))
    return scale[:, None, None] * (source @ (left @ right)) + mean_onto


METRICS = {
    "mpjpe_mm": mpjpe,
    "pa_mpjpe_mm": pa_mpjpe,
    "pck150": pck150,
    "root_mm": root_error,
}


def mean_metrics(predicted: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """The mean over all people of each of METRICS."""
    predicted, truth = predicted.astype(np.float64), truth.astype(np.float64)
    return {name: float(metric(predicted, truth).mean()) for name, metric in METRICS.items()}


def _distances(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return _MILLIMETRES * np.linalg.norm(predicted - truth, axis=-1)  # (N,17)


def _centred_distances(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    roots = slice(_PELVIS, _PELVIS + 1)
    return _distances(predicted - predicted[:, roots], truth - truth[:, roots])
