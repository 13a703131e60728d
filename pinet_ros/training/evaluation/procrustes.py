"""Procrustes alignment: the transform that lays one set of points onto another best."""

from __future__ import annotations

import numpy as np


def procrustes(points: np.ndarray, onto: np.ndarray, *, scale: bool = True) -> np.ndarray:
    """Rotate, shift and scale each set of points (N,P,3) to fit another best; no reflection.

    Args:
        points, onto: (N,P,3), any unit.
        scale: whether the fit may change the size.

    Returns:
        (N,P,3), NaN for a set that has a point which is not finite.

    Source: Umeyama, Least-squares estimation of transformation parameters, PAMI 1991.
    """
    fitted = np.full(points.shape, np.nan)
    complete = np.isfinite(points).all(axis=(1, 2)) & np.isfinite(onto).all(axis=(1, 2))
    fitted[complete] = _fit(points[complete], onto[complete], scale)
    return fitted


def _fit(points: np.ndarray, onto: np.ndarray, scale: bool) -> np.ndarray:
    mean, mean_onto = points.mean(axis=1, keepdims=True), onto.mean(axis=1, keepdims=True)
    source, target = points - mean, onto - mean_onto
    left, singular, right = np.linalg.svd(source.swapaxes(1, 2) @ target)
    # the weakest direction is turned round where the best fit would be a mirror image
    sign = np.sign(np.linalg.det(left @ right))
    singular[:, 2] *= sign
    left[:, :, 2] *= sign[:, None]
    rotated = source @ (left @ right)
    if scale:
        size = np.square(source).sum(axis=(1, 2))
        # a set that is but one point has no size to change
        rotated *= (singular.sum(axis=1) / np.where(size > 0, size, 1.0))[:, None, None]
    return rotated + mean_onto
