"""The camera of a scene: its position, direction, intrinsics and lens distortion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pinet_ros.geometry.camera import Camera

LEVEL, STEEP = "level", "steep"
_STEEP_PITCH = np.radians(15)  # a camera that looks down by this much or more is STEEP
_STEEP_SHARE = 0.5  # share of the cameras that are mounted high
_TILTED_SHARE = 0.2  # share of the cameras that are mounted or held tilted
_TILT = (-35, 35)  # degrees: roll of these

_STATURE = 1.7  # metres: height of the person that the distance is chosen for
_FOCAL = (0.6, 1.6)  # focal length as a fraction of the image's width
_SIZE = (0.3, 1.35)  # height of a standing person as a fraction of the image's height
_DISTANCE = (1.3, 12.0)  # metres
# Close-ups: of the nearest person only a part is in the image, such as the head or the legs.
_CLOSE_SHARE = 0.2
_CLOSE_DISTANCE = (0.6, 1.7)  # metres
_CLOSE_TARGET = (0.2, 1.65)  # metres: height of what they are aimed at
_CLOSE_ASIDE = 0.35  # radians: standard deviation of the angle by which they are aimed aside
_DISTORTED = 0.7  # share of the lenses
# Limits of the two radial distortion terms at the image's corner, as fractions of the distance
# from the centre. With both at their lowest, r becomes r (1 - 0.1 r^2 - 0.008 r^4), where r is 1
# in the corner. This grows up to r = 1.107, so no lens folds the image, even if its centre is 6
# standard deviations off the middle.
_LOWEST_BEND = (-0.1, -0.008)
_HIGHEST_BEND = (0.08, 0.08)


@dataclass(frozen=True, eq=False)
class Viewpoint:
    """A camera in the world frame (x right, y forward, z up, ground at z = 0).

    Attributes:
        camera: intrinsics and lens distortion.
        rotation: (3,3) world frame to camera optical frame.
        position: (3,) metres, of the camera in the world frame.
        target: (3,) metres, world frame, the point that the camera was aimed at.
        pitch: radians, positive looks down.
        roll: radians, positive rotates the image clockwise.
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
        """Translation (3,), metres: p_camera = rotation @ p_world + translation."""
        return -self.rotation @ self.position

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """Transform points (...,3), metres, from the world to the camera optical frame."""
        return (np.asarray(points) - self.position) @ self.rotation.T

    def project(self, points: np.ndarray) -> np.ndarray:
        """Project world points (...,3), metres, to pixels (...,2); NaN behind the camera."""
        return self.camera.project(self.to_camera(points))


def random_viewpoint(rng: np.random.Generator, width: int, height: int) -> Viewpoint:
    """Choose a camera above the world's origin that looks along +y at where people will stand.

    Args:
        rng: source of the randomness.
        width, height: of the image, pixels.
    """
    camera = _random_camera(rng, width, height)
    close = rng.random() < _CLOSE_SHARE
    if close:
        distance = float(rng.uniform(*_CLOSE_DISTANCE))
        aside = distance * np.tan(rng.normal(0, _CLOSE_ASIDE))
        target = np.array([aside, distance, rng.uniform(*_CLOSE_TARGET)])
    else:
        size = height * _log_uniform(rng, *_SIZE)
        distance = float(np.clip(camera.matrix[0, 0] * _STATURE / size, *_DISTANCE))
        target = np.array([0.0, distance, rng.uniform(0.6, 1.2)])
    steep = rng.random() < _STEEP_SHARE
    # high cameras are mounted on ceilings and masts, low ones on robots
    raised = target[2] + distance * np.tan(np.radians(rng.uniform(12, 48)))
    lowest = 0.4 if close else 1.6
    elevation = float(np.clip(raised, lowest, 4.5)) if steep else rng.uniform(0.3, 1.9)
    position = np.array([0.0, 0.0, elevation])
    pitch = np.arctan2(elevation - target[2], distance) + np.radians(rng.normal(0, 4))
    tilted = rng.random() < _TILTED_SHARE
    roll = np.radians(rng.uniform(*_TILT) if tilted else rng.normal(0, 5 if steep else 2))
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
    """(3,3) world to camera optical frame: the camera looks along +y, is pitched, then rolled."""
    forward = np.array([0.0, np.cos(pitch), -np.sin(pitch)])
    right = np.array([1.0, 0.0, 0.0])
    level = np.stack([right, np.cross(forward, right), forward])
    cosine, sine = np.cos(roll), np.sin(roll)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]) @ level


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
