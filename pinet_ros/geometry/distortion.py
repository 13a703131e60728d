"""Distortion: the lens distortion that sensor_msgs/CameraInfo describes."""

from __future__ import annotations

from functools import cached_property

import numpy as np

_NEWTON_STEPS = 20
_NEWTON_TOLERANCE = 1e-10  # of the focal length: far below a thousandth of a pixel


class Distortion:
    """Maps undistorted image points (x/z, y/z) to distorted ones, and back.

    This class is OpenCV's rational model, of which plumb_bob is a case. Beyond the image's corners
    the lens is not calibrated, and the polynomial may decrease. It is continued linearly there, so
    that joints outside the image still have a sensible viewing ray.

    Attributes:
        coefficients: (8,) k1 k2 p1 p2 k3 k4 k5 k6.
    """

    # Of the distorted radius as a function of the undistorted one: how far the function is used,
    # if its slope is not less; and the least growth beyond, as a part of the mean one. With a real
    # lens the radius grows at half its mean rate or faster.
    WIDEST = 10.0  # 84 degrees
    MIN_SLOPE = 0.05
    MIN_GROWTH = 0.5

    def __init__(self, coefficients: np.ndarray, corner: float) -> None:
        """Set the model.

        Args:
            coefficients: (8,), see the class.
            corner: distorted radius of the image corner farthest from the principal point.
        """
        self.coefficients = coefficients
        self._corner = corner

    def apply(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distort points (...,2); returns the distorted points and the Jacobian (...,2,2)."""
        reach, growth = self._edge
        radius = np.maximum(np.linalg.norm(points, axis=-1, keepdims=True), 1e-9)
        scale = np.minimum(1, reach / radius)
        distorted, jacobian = self.polynomial(points * scale)
        stretch = 1 + growth * np.maximum(0, radius - reach)
        outward = (points / radius)[..., None, :]  # (...,1,2)
        along = jacobian @ outward.swapaxes(-2, -1) @ outward
        outer = (stretch * scale)[..., None] * (jacobian - along)
        outer += growth * distorted[..., None] @ outward
        return stretch * distorted, np.where(scale[..., None] < 1, outer, jacobian)

    def invert(self, distorted: np.ndarray) -> np.ndarray:
        """Undistort points (...,2) by Newton's method, to within 1e-10."""
        points = distorted.copy()
        for _ in range(_NEWTON_STEPS):
            reached, jacobian = self.apply(points)
            step = np.linalg.solve(jacobian, (reached - distorted)[..., None])[..., 0]
            points -= step
            if np.abs(step).max(initial=0) < _NEWTON_TOLERANCE:
                break
        return points

    @cached_property
    def _edge(self) -> tuple[float, float]:
        """Undistorted radius up to which the polynomial is used, and relative growth beyond."""
        radii = np.linspace(0.01, self.WIDEST, 1000)
        distorted, jacobian = self.polynomial(np.stack([radii, 0 * radii], axis=-1))
        slope = jacobian[:, 0, 0]
        beyond = (distorted[:, 0] > 1.1 * self._corner) | (slope < self.MIN_SLOPE)
        edge = max(1, int(np.append(beyond, True).argmax())) - 1
        least = self.MIN_GROWTH / radii[edge]
        return radii[edge], max(slope[edge] / distorted[edge, 0], least)

    def polynomial(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distort points (...,2) by the model: (...,2) and the Jacobian (...,2,2)."""
        k1, k2, p1, p2, k3, k4, k5, k6 = self.coefficients
        x, y = points[..., 0], points[..., 1]
        r2 = x * x + y * y
        over = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        under = 1 + r2 * (k4 + r2 * (k5 + r2 * k6))
        radial = over / under
        over_slope = k1 + r2 * (2 * k2 + 3 * k3 * r2)
        under_slope = k4 + r2 * (2 * k5 + 3 * k6 * r2)
        slope = (over_slope - radial * under_slope) / under  # d radial / d r2
        distorted = [
            x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        ]
        cross = 2 * x * y * slope + 2 * p1 * x + 2 * p2 * y
        jacobian = [
            [radial + 2 * x * x * slope + 2 * p1 * y + 6 * p2 * x, cross],
            [cross, radial + 2 * y * y * slope + 6 * p1 * y + 2 * p2 * x],
        ]
        return np.stack(distorted, -1), np.moveaxis(np.array(jacobian), (0, 1), (-2, -1))
