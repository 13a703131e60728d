"""Where the camera of a scene stands, what lens it has, and where it looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pinet_ros.geometry.camera import Camera

LEVEL, STEEP = "level", "steep"
_STEEP_PITCH = np.radians(15)  # from here on a camera that looks down is called steep
_STEEP_PART = 0.5  # of the cameras are hung high
_ASKEW_PART = 0.2  # of the cameras are mounted or held askew
_ASKEW = (-35, 35)  # degrees that these are rolled by

_STATURE = 1.7  # metres, by which the distance is chosen
_FOCAL = (0.6, 1.6)  # of the image's width
_SIZE = (0.3, 1.35)  # of a standing person, part of the image's height
_DISTANCE = (1.3, 12.0)  # metres
_DISTORTED = 0.7  # of the lenses
# Each radial term in the image's corner, part of the distance from the centre. At the lowest of
# both, r (1 - 0.1 r^2 - 0.008 r^4) with 1 in the corner, the radius grows up to 1.107 corners, so
# that no lens folds the image even where its centre is 6 standard deviations off the middle.
_LOWEST_BEND = (-0.1, -0.008)
_HIGHEST_BEND = (0.08, 0.08)


@dataclass(frozen=True, eq=False)
class Viewpoint:
    """A camera in the world (x right, y forward, z up, ground at z = 0).

    Attributes:
        camera: intrinsics and lens distortion.
        rotation: (3,3) world to camera optical frame.
        position: (3,) metres, of the camera in the world.
        target: (3,) metres, what the camera was pointed at.
        pitch: radians, positive looks down.
        roll: radians, positive turns the image clockwise.
    """

    camera: Camera
    rotation: np.ndarray
    position: np.ndarray
    target: np.ndarray
    pitch: float
    roll: float

    @property
    def kind(self) -> str:
        """STEEP or LEVEL."""
        return STEEP if self.pitch >= _STEEP_PITCH else LEVEL

    @property
    def translation(self) -> np.ndarray:
        """(3,) of the transformation world to camera: p_camera = rotation @ p_world + this."""
        return -self.rotation @ self.position

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """World points (...,3) to the camera optical frame (...,3), metres."""
        return (np.asarray(points) - self.position) @ self.rotation.T

    def project(self, points: np.ndarray) -> np.ndarray:
        """World points (...,3) metres to pixels (...,2); NaN behind the camera."""
        return self.camera.project(self.to_camera(points))


def random_viewpoint(rng: np.random.Generator, width: int, height: int) -> Viewpoint:
    """A camera that looks along +y at a place where people are to stand."""
    camera = _random_camera(rng, width, height)
    size = height * _log_uniform(rng, *_SIZE)
    distance = float(np.clip(camera.matrix[0, 0] * _STATURE / size, *_DISTANCE))
    steep = rng.random() < _STEEP_PART
    target = np.array([0.0, distance, rng.uniform(0.6, 1.2)])
    # high cameras hang under ceilings and stand on masts; low ones ride on robots
    lift = target[2] + distance * np.tan(np.radians(rng.uniform(12, 48)))
    stands = float(np.clip(lift, 1.6, 4.5)) if steep else rng.uniform(0.4, 1.9)
    position = np.array([0.0, 0.0, stands])
    pitch = np.arctan2(stands - target[2], distance) + np.radians(rng.normal(0, 4))
    askew = rng.random() < _ASKEW_PART
    roll = np.radians(rng.uniform(*_ASKEW) if askew else rng.normal(0, 5 if steep else 2))
    return Viewpoint(camera, _rotation(pitch, roll), position, target, float(pitch), float(roll))


def _random_camera(rng: np.random.Generator, width: int, height: int) -> Camera:
    focal = width * _log_uniform(rng, *_FOCAL)
    center = np.array([width - 1, height - 1]) / 2 + rng.normal(0, 0.01, 2) * width
    aspect = rng.normal(1, 0.003)
    matrix = [[focal, 0, center[0]], [0, focal * aspect, center[1]], [0, 0, 1]]
    distortion = np.zeros(8)
    if rng.random() < _DISTORTED:
        corner = np.hypot(width, height) / 2 / focal
        first, second = rng.normal(-0.06, 0.06), rng.normal(0, 0.015)
        distortion[:2] = np.clip(
            [first, second], _LOWEST_BEND, _HIGHEST_BEND
        ) / corner ** np.array([2, 4])
        distortion[2:4] = rng.normal(0, 0.0008, 2)
    return Camera(width, height, np.array(matrix), distortion)


def _rotation(pitch: float, roll: float) -> np.ndarray:
    """World to camera optical frame, for a camera that looks along +y, then down, then rolls."""
    forward = np.array([0.0, np.cos(pitch), -np.sin(pitch)])
    right = np.array([1.0, 0.0, 0.0])
    level = np.stack([right, np.cross(forward, right), forward])
    cosine, sine = np.cos(roll), np.sin(roll)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]) @ level


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
