"""Fisheye: the lens distortion `equidistant` of sensor_msgs/CameraInfo."""

from __future__ import annotations

import numpy as np

from pinet_ros.geometry.distortion import Distortion

COEFFICIENTS = 4


class Fisheye(Distortion):
    """Distortion of the angle between a ray and the optical axis.

    A ray at the angle a is at the radius a (1 + k1 a^2 + k2 a^4 + k3 a^6 + k4 a^8), in units of
    the focal length. Rays are given by x/z and y/z, so those beyond 89 degrees are continued.

    Source: OpenCV's fisheye model.
    """

    WIDEST = 57.0  # 89 degrees
    MIN_SLOPE = 1e-5  # without distortion it is 0.0003 there
    MIN_GROWTH = 0.0

    def polynomial(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See Distortion."""
        k1, k2, k3, k4 = self.coefficients[:COEFFICIENTS]
        radius = np.maximum(np.linalg.norm(points, axis=-1), 1e-9)
        angle = np.arctan(radius)
        a2 = angle * angle
        factor = 1 + a2 * (k1 + a2 * (k2 + a2 * (k3 + a2 * k4)))
        slope = 1 + a2 * (3 * k1 + a2 * (5 * k2 + a2 * (7 * k3 + a2 * 9 * k4)))
        scale = angle * factor / radius
        outward = points / radius[..., None]
        radial = slope / (1 + radius * radius)  # d distorted / d radius
        along = outward[..., :, None] * outward[..., None, :]
        jacobian = scale[..., None, None] * np.eye(2)
        jacobian = jacobian + (radial - scale)[..., None, None] * along
        return points * scale[..., None], jacobian
