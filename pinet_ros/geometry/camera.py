"""Camera: pinhole intrinsics with the lens distortion of sensor_msgs/CameraInfo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from pinet_ros.errors import PinetError

_DISTORTION_MODELS = ("plumb_bob", "rational_polynomial")  # sensor_msgs/distortion_models.hpp
_COEFFICIENTS = (4, 5, 8, 12, 14)  # numbers of coefficients that OpenCV's models have
_NEWTON_STEPS = 20
_NEWTON_TOLERANCE = 1e-10  # of the focal length: far below a thousandth of a pixel
_WIDEST = 10.0  # x/z of the widest ray that a lens is assumed to see, 84 degrees
_MIN_SLOPE = 0.05  # of the distorted radius as a function of the undistorted one


class CameraError(PinetError):
    """The camera is unknown, or its intrinsics or calibration cannot be used."""


def no_distortion() -> np.ndarray:
    """The coefficients (8,) of a lens without distortion."""
    return np.zeros(8)


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera with lens distortion.

    Attributes:
        width: width of the image, pixels.
        height: height of the image, pixels.
        matrix: (3,3) intrinsics, pixels.
        distortion: (8,) k1 k2 p1 p2 k3 k4 k5 k6 of OpenCV's rational model; plumb_bob is the case
            k4 = k5 = k6 = 0.

    Raises:
        CameraError: the intrinsics or the distortion cannot be used.

    Source: REP 104; sensor_msgs/CameraInfo; OpenCV's camera model.
    """

    width: int
    height: int
    matrix: np.ndarray
    distortion: np.ndarray = field(default_factory=no_distortion)

    def __post_init__(self) -> None:
        matrix = np.asarray(self.matrix, float).reshape(3, 3)
        if not np.isfinite(matrix).all() or matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
            raise CameraError(
                "the intrinsics must be finite with positive focal lengths, got "
                f"fx={matrix[0, 0]:g}, fy={matrix[1, 1]:g}; calibrate the camera or give a field "
                "of view"
            )
        coefficients = np.asarray(self.distortion, float).ravel()
        if not np.isfinite(coefficients).all():
            raise CameraError(
                f"the distortion must be finite, got {coefficients.tolist()}; calibrate the camera"
            )
        if len(coefficients) > 8 and coefficients[8:].any():
            raise CameraError(
                "thin-prism and tilt distortion (coefficients 9 to 14) are not supported; "
                "calibrate with plumb_bob or rational_polynomial"
            )
        padded = np.zeros(8)
        padded[: min(len(coefficients), 8)] = coefficients[:8]
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "distortion", padded)

    @classmethod
    def from_intrinsics(
        cls,
        width: int,
        height: int,
        fx: float,
        fy: float,
        cx: float,
        cy: float,
        distortion: Sequence[float] = (),
    ) -> Camera:
        """Create a camera from focal lengths and principal point in pixels.

        `distortion` is as the attribute; without it there is none.
        """
        matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
        return cls(width, height, matrix, np.asarray(distortion, float))

    @classmethod
    def from_focal(cls, focal: float, width: int, height: int) -> Camera:
        """Create an undistorted camera from a focal length in pixels.

        The principal point is the image centre.
        """
        center = (width - 1) / 2, (height - 1) / 2
        return cls.from_intrinsics(width, height, focal, focal, *center)

    @classmethod
    def from_field_of_view(cls, degrees: float, width: int, height: int) -> Camera:
        """Create an undistorted camera from a horizontal field of view in degrees."""
        return cls.from_focal(width / 2 / np.tan(np.radians(degrees) / 2), width, height)

    @classmethod
    def from_info(
        cls,
        *,
        width: int,
        height: int,
        k: Sequence[float],
        d: Sequence[float],
        distortion_model: str,
        binning: tuple[int, int] = (1, 1),
        roi_offset: tuple[int, int] = (0, 0),
    ) -> Camera:
        """Create a camera from the fields of a CameraInfo that describe the raw image.

        Args:
            width, height: size of the image in use, pixels.
            k: 9 numbers, row by row, for the full resolution.
            d: distortion coefficients; empty for none.
            distortion_model: plumb_bob, rational_polynomial, or empty if d is empty.
            binning: full-resolution pixels per pixel in x and y; 0 means 1, as in CameraInfo.
            roi_offset: x and y of the region of interest, full-resolution pixels.

        Raises:
            CameraError: K is zero or not finite, or the distortion is not supported.
        """
        coefficients = np.asarray(d, float)
        if coefficients.any() and distortion_model not in _DISTORTION_MODELS:
            raise CameraError(
                f"distortion model {distortion_model!r} is not supported; use one of "
                f"{', '.join(_DISTORTION_MODELS)}, or publish a rectified image"
            )
        if coefficients.any() and len(coefficients) not in _COEFFICIENTS:
            raise CameraError(
                f"the distortion must have one of {_COEFFICIENTS} coefficients (5 for plumb_bob, "
                f"8 for rational_polynomial), got {len(coefficients)}; calibrate the camera again"
            )
        matrix = np.asarray(k, float).reshape(3, 3).copy()
        matrix[0, 2] -= roi_offset[0]
        matrix[1, 2] -= roi_offset[1]
        matrix[0] /= binning[0] or 1
        matrix[1] /= binning[1] or 1
        return cls(width, height, matrix, coefficients)

    def undistort(self, pixels: np.ndarray) -> np.ndarray:
        """Undistort image points (...,2), pixels, to (x/z, y/z) (...,2) of their viewing rays."""
        focal, center = self._focal_and_center
        flat = (np.asarray(pixels, float) - center) / focal
        return self._lens.invert(flat) if self.distortion.any() else flat

    def project(self, points: np.ndarray) -> np.ndarray:
        """Project camera-frame points (...,3), metres, to pixels (...,2); NaN if behind."""
        points = np.asarray(points, float)
        flat = points[..., :2] / np.where(points[..., 2:] > 0, points[..., 2:], np.nan)
        if self.distortion.any():
            flat, _ = self._lens.apply(flat)
        focal, center = self._focal_and_center
        return flat * focal + center

    def rays(self, pixels: np.ndarray) -> np.ndarray:
        """Unit viewing rays (...,3) in the camera frame of image points (...,2) in pixels."""
        flat = self.undistort(pixels)
        rays = np.concatenate([flat, np.ones_like(flat[..., :1])], axis=-1)
        return rays / np.linalg.norm(rays, axis=-1, keepdims=True)

    def unproject(self, pixels: np.ndarray, depths: np.ndarray) -> np.ndarray:
        """Camera-frame points (...,3) in metres.

        Args:
            pixels: (...,2) image points, pixels.
            depths: (...,) their z, metres.
        """
        depths = np.asarray(depths, float)[..., None]
        return np.concatenate([self.undistort(pixels) * depths, depths], axis=-1)

    @property
    def _focal_and_center(self) -> tuple[np.ndarray, np.ndarray]:
        return self.matrix[[0, 1], [0, 1]], self.matrix[:2, 2]

    @cached_property
    def _lens(self) -> Distortion:
        focal, center = self._focal_and_center
        corner = np.maximum(center, [self.width, self.height] - center) / focal
        return Distortion(self.distortion, float(np.linalg.norm(corner)))


class Distortion:
    """Maps undistorted image points (x/z, y/z) to distorted ones, and back.

    Beyond the image's corners the lens is not calibrated, and the polynomial may decrease. It is
    continued linearly there, so that joints outside the image still have a sensible viewing ray.
    """

    def __init__(self, coefficients: np.ndarray, corner: float) -> None:
        """Set the model.

        Args:
            coefficients: (8,) k1 k2 p1 p2 k3 k4 k5 k6.
            corner: distorted radius of the image corner farthest from the principal point.
        """
        self._coefficients = coefficients
        self._corner = corner

    def apply(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distort points (...,2); returns the distorted points and the Jacobian (...,2,2)."""
        reach, growth = self._edge
        radius = np.maximum(np.linalg.norm(points, axis=-1, keepdims=True), 1e-9)
        scale = np.minimum(1, reach / radius)
        distorted, jacobian = self._polynomial(points * scale)
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
        radii = np.linspace(0.01, _WIDEST, 1000)
        distorted, jacobian = self._polynomial(np.stack([radii, 0 * radii], axis=-1))
        slope = jacobian[:, 0, 0]
        beyond = (distorted[:, 0] > 1.1 * self._corner) | (slope < _MIN_SLOPE)
        edge = max(1, int(np.append(beyond, True).argmax())) - 1
        # With a real lens the radius grows at half its mean rate or faster.
        return radii[edge], max(slope[edge] / distorted[edge, 0], 0.5 / radii[edge])

    def _polynomial(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """OpenCV's rational model: distorted points (...,2) and the Jacobian (...,2,2)."""
        k1, k2, p1, p2, k3, k4, k5, k6 = self._coefficients
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
