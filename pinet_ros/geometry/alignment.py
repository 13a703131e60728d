"""Alignment: the transforms that best fit one set of points to another, or to the image."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def kabsch(points: Tensor, targets: Tensor) -> Tensor:
    """Rotations (B,3,3) about the origin that best fit points (B,P,3) to targets (B,P,3).

    Rotated points are `points @ rotations.mT`. Reflections are excluded. A set of points with a
    value that is not finite gets the identity.

    Source: Kabsch, "A solution for the best rotation to relate two sets of vectors", 1976.
    """
    covariances = targets.mT @ points
    # a value that is not finite would make the SVD fail for the whole batch
    finite = covariances.isfinite().all(dim=(1, 2), keepdim=True)
    identity = torch.eye(3, dtype=points.dtype, device=points.device)
    left, _, right = torch.linalg.svd(torch.where(finite, covariances, identity))
    # if a reflection fits best, flip the direction of the smallest singular value
    sign = torch.linalg.det(left @ right).sign()
    left = torch.cat([left[..., :2], left[..., 2:] * sign[:, None, None]], dim=-1)
    return left @ right


def procrustes(points: np.ndarray, targets: np.ndarray, *, scale: bool = True) -> np.ndarray:
    """Rotate, shift and scale each set of points to best fit its target, without reflection.

    Args:
        points, targets: (N,P,3), any unit.
        scale: whether the fit may change the size.

    Returns:
        (N,P,3) fitted points; NaN for a set with a value that is not finite.

    Source: Umeyama, "Least-squares estimation of transformation parameters", PAMI 1991.
    """
    fitted = np.full(points.shape, np.nan)
    complete = np.isfinite(points).all(axis=(1, 2)) & np.isfinite(targets).all(axis=(1, 2))
    fitted[complete] = _fit(points[complete], targets[complete], scale)
    return fitted


def _fit(points: np.ndarray, targets: np.ndarray, scale: bool) -> np.ndarray:
    mean = targets.mean(axis=1, keepdims=True)
    source = torch.as_tensor(points - points.mean(axis=1, keepdims=True), dtype=torch.float64)
    target = torch.as_tensor(targets - mean, dtype=torch.float64)
    rotated = source @ kabsch(source, target).mT
    if scale:
        size = source.square().sum(dim=(1, 2), keepdim=True)
        size = torch.where(size > 0, size, 1.0)  # coincident points have no size to change
        rotated *= (rotated * target).sum(dim=(1, 2), keepdim=True) / size
    return rotated.numpy() + mean


def translation_to_camera(points: Tensor, normalised: Tensor, weights: Tensor) -> Tensor:
    """Translations that make points project to where they are seen, by weighted least squares.

    Each point gives the equations (X + tx) = u (Z + tz) and (Y + ty) = v (Z + tz).

    Args:
        points: (N,K,3) metres, camera axes, any origin.
        normalised: (N,K,2) undistorted image points x/z, y/z.
        weights: (N,K) weight of each point's equations.

    Returns:
        (N,3) metres, camera axes.
    """
    zero, one = torch.zeros_like(weights), torch.ones_like(weights)
    u, v = normalised.unbind(-1)
    left = torch.cat([torch.stack([one, zero, -u], -1), torch.stack([zero, one, -v], -1)], dim=1)
    right = (normalised * points[..., 2:] - points[..., :2]).mT.flatten(1)  # (N,2K)
    weights = torch.cat([weights, weights], dim=1)
    return (torch.linalg.pinv(weights[..., None] * left) @ (weights * right)[..., None])[..., 0]
