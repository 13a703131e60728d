"""Images turned by quarter turns, for cameras that are not mounted upright."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pinet_ros.geometry.camera import Camera
from pinet_ros.people import People
from pinet_ros.util.options import option

ROTATIONS = (0, 90, 180, 270)


def image_rotation_option() -> Any:
    """The option `image_rotation`."""
    return option(
        0,
        "degrees by which the image must be turned clockwise for people to be upright; for a "
        "camera that is not mounted upright",
        choices=ROTATIONS,
    )


def turn_image(image: np.ndarray, degrees: int) -> np.ndarray:
    """Turn an image (H,W,C) clockwise; at 0 degrees it is not copied."""
    return np.ascontiguousarray(np.rot90(image, -degrees // 90)) if degrees else image


def turn_points(points: np.ndarray, degrees: int) -> np.ndarray:
    """Turn points (...,2) or (...,3) about the optical axis, clockwise as the image shows them."""
    if not degrees:
        return points
    turned = points.copy()
    turned[..., :2] = points[..., :2] @ _matrix(degrees).T.astype(points.dtype)
    return turned


def turn_camera(camera: Camera, degrees: int) -> Camera:
    """Create the camera of an image that was turned clockwise."""
    if not degrees:
        return camera
    width, height = _turned_size(camera.width, camera.height, degrees)
    before = np.array([camera.width - 1, camera.height - 1]) / 2
    after = np.array([width - 1, height - 1]) / 2
    focal = np.abs(_matrix(degrees) @ camera.matrix[[0, 1], [0, 1]])
    center = turn_points(camera.matrix[:2, 2] - before, degrees) + after
    matrix = np.array([[focal[0], 0, center[0]], [0, focal[1], center[1]], [0, 0, 1]])
    distortion = camera.distortion.copy()
    if not camera.fisheye:  # (p2, p1) is a vector in the image; the other terms are radial
        distortion[[3, 2]] = turn_points(distortion[[3, 2]], degrees)
    return Camera(width, height, matrix, distortion, camera.fisheye)


def turn_people_back(people: People, camera: Camera, degrees: int) -> People:
    """Convert people found in the image of `turn_camera(camera, degrees)` to the camera's own."""
    if not degrees:
        return people
    width, height = _turned_size(camera.width, camera.height, degrees)

    def back(points: np.ndarray, last: int) -> np.ndarray:
        after = np.array([width - last, height - last], points.dtype) / 2
        before = np.array([camera.width - last, camera.height - last], points.dtype) / 2
        return turn_points(points - after, -degrees) + before

    corners = back(people.boxes.reshape(-1, 2, 2), 0)  # in pixels from the image's edge
    return replace(
        people,
        joints=turn_points(people.joints, -degrees),
        joints_image=back(people.joints_image, 1),  # in pixels from the first one's centre
        boxes=np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1),
        up=turn_points(people.up, -degrees),
    )


def _turned_size(width: int, height: int, degrees: int) -> tuple[int, int]:
    return (height, width) if degrees % 180 else (width, height)


def _matrix(degrees: int) -> np.ndarray:
    """(2,2) rotation of image points."""
    angle = np.radians(degrees)
    cosine, sine = np.cos(angle).round(), np.sin(angle).round()
    return np.array([[cosine, -sine], [sine, cosine]])
