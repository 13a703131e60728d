"""Camera: pinhole intrinsics with the lens distortion of sensor_msgs/CameraInfo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from pinet_ros.errors import PinetError
from pinet_ros.geometry.distortion import Distortion
from pinet_ros.geometry.fisheye import COEFFICIENTS as FISHEYE_COEFFICIENTS
from pinet_ros.geometry.fisheye import Fisheye

# Numbers of coefficients of each model in sensor_msgs/distortion_models.hpp; calibration files
# call the last one fisheye.
_OPENCV = (4, 5, 8, 12, 14)
_COEFFICIENTS = {
    "plumb_bob": _OPENCV,
    "rational_polynomial": _OPENCV,
    "equidistant": (FISHEYE_COEFFICIENTS,),
    "fisheye": (FISHEYE_COEFFICIENTS,),
}


# Beyond these no lens is described, and squares of what follows from it may overflow.
_SHORTEST = 1e-3  # focal length, pixels
_LARGEST = 1e7  # of all intrinsics, pixels
_STRONGEST = 1e6  # of all distortion coefficients


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
            k4 = k5 = k6 = 0. Of a fisheye lens k1 k2 k3 k4 0 0 0 0.
        fisheye: whether the distortion is that of OpenCV's fisheye model.

    Raises:
        CameraError: the intrinsics or the distortion cannot be used.

    Source: REP 104; sensor_msgs/CameraInfo; OpenCV's camera model.
    """

    width: int
    height: int
    matrix: np.ndarray
    distortion: np.ndarray = field(default_factory=no_distortion)
    fisheye: bool = False

    def __post_init__(self) -> None:
        matrix = np.asarray(self.matrix, float).reshape(3, 3)
        if not np.isfinite(matrix).all() or matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
            raise CameraError(
                "the intrinsics must be finite with positive focal lengths, got "
                f"fx={matrix[0, 0]:g}, fy={matrix[1, 1]:g}; calibrate the camera or give a field "
                "of view"
            )
        if matrix[[0, 1], [0, 1]].min() < _SHORTEST or np.abs(matrix).max() > _LARGEST:
            raise CameraError(
                f"no camera has focal lengths below {_SHORTEST:g} pixels or other intrinsics "
                f"beyond {_LARGEST:g}, got {' '.join(f'{v:g}' for v in matrix.ravel())}; check "
                "its calibration, binning and region of interest"
            )
        coefficients = np.asarray(self.distortion, float).ravel()
        if not (np.abs(coefficients) <= _STRONGEST).all():  # NaN is not, either
            raise CameraError(
                f"the distortion must be finite and within {_STRONGEST:g}, got "
                f"{' '.join(f'{v:g}' for v in coefficients)}; calibrate the camera"
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
            distortion_model: plumb_bob, rational_polynomial, equidistant (fisheye), or empty if
                there is no distortion.
            binning: full-resolution pixels per pixel in x and y; 0 means 1, as in CameraInfo.
            roi_offset: x and y of the region of interest, full-resolution pixels.

        Raises:
            CameraError: K is zero or not finite, or the distortion is not supported.
        """
        coefficients = np.asarray(d, float)
        counts = _COEFFICIENTS.get(distortion_model)
        if counts is None and coefficients.any():
            raise CameraError(
                f"distortion model {distortion_model!r} is not supported; use one of "
                f"{', '.join(_COEFFICIENTS)}, or publish a rectified image"
            )
        if counts is not None and coefficients.any() and len(coefficients) not in counts:
            raise CameraError(
                f"the distortion {distortion_model} must have {' or '.join(map(str, counts))} "
                f"coefficients, got {len(coefficients)}; calibrate the camera again"
            )
        matrix = np.asarray(k, float).reshape(3, 3).copy()
        matrix[0, 2] -= roi_offset[0]
        matrix[1, 2] -= roi_offset[1]
        matrix[0] /= binning[0] or 1
        matrix[1] /= binning[1] or 1
        fisheye = counts == (FISHEYE_COEFFICIENTS,)  # also if all its coefficients are 0
        return cls(width, height, matrix, coefficients, fisheye)

    def undistort(self, pixels: np.ndarray) -> np.ndarray:
        """Undistort image points (...,2), pixels, to (x/z, y/z) (...,2) of their viewing rays."""
        focal, center = self._focal_and_center
        flat = (np.asarray(pixels, float) - center) / focal
        return self._lens.invert(flat) if self._is_distorted else flat

    def project(self, points: np.ndarray) -> np.ndarray:
        """Project camera-frame points (...,3), metres, to pixels (...,2); NaN if behind."""
        points = np.asarray(points, float)
        flat = points[..., :2] / np.where(points[..., 2:] > 0, points[..., 2:], np.nan)
        if self._is_distorted:
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
    def _is_distorted(self) -> bool:
        return self.fisheye or bool(self.distortion.any())

    @property
    def _focal_and_center(self) -> tuple[np.ndarray, np.ndarray]:
        return self.matrix[[0, 1], [0, 1]], self.matrix[:2, 2]

    @cached_property
    def _lens(self) -> Distortion:
        focal, center = self._focal_and_center
        corner = np.maximum(center, [self.width, self.height] - center) / focal
        kind = Fisheye if self.fisheye else Distortion
        return kind(self.distortion, float(np.linalg.norm(corner)))
