"""From a pose about its own root, as seen by a crop, to a pose in the camera frame."""

from __future__ import annotations

import numpy as np

NEAREST = 0.3  # metres: a root closer than this is a failed fit, not a person


def rotation_to_ray(rays: np.ndarray) -> np.ndarray:
    """Smallest rotations (N,3,3) that take the optical axis to unit rays (N,3), z > 0.

    A network that sees only a crop gives poses relative to the crop's viewing ray.
    """
    x, y, z = rays.T
    zero = np.zeros_like(x)
    cross = np.array([[zero, zero, x], [zero, zero, y], [-x, -y, zero]]).transpose(2, 0, 1)
    return np.eye(3) + cross + cross @ cross / (1 + z)[:, None, None]


def translation_to_camera(
    points: np.ndarray, normalised: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Translations that make points project where they are seen: weighted linear least squares.

    Each point gives (X + tx) = u (Z + tz) and (Y + ty) = v (Z + tz).

    Args:
        points: (N,K,3) metres, camera axes, any origin.
        normalised: (N,K,2) undistorted image points x/z, y/z.
        weights: (N,K), of the points' equations.

    Returns:
        (N,3) metres.
    """
    zero, one = np.zeros_like(weights), np.ones_like(weights)
    u, v = normalised[..., 0], normalised[..., 1]
    left = np.concatenate([np.stack([one, zero, -u], -1), np.stack([zero, one, -v], -1)], axis=1)
    right = (normalised * points[..., 2:] - points[..., :2]).transpose(0, 2, 1)  # (N,2,K)
    right = right.reshape(len(points), -1)
    weights = np.concatenate([weights, weights], axis=1)
    return (np.linalg.pinv(weights[..., None] * left) @ (weights * right)[..., None])[..., 0]
