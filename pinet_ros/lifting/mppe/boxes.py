"""Boxes of people as 3DMPPE's networks expect them, and the distance that their size implies."""

from __future__ import annotations

import numpy as np

from pinet_ros.geometry.camera import Camera

_SCALE = 1.25  # of the square relative to the box
_BODY = 2.0  # metres: side of the square that a person is assumed to fill
_SMALLEST = 1.0  # pixels: smallest box


def to_squares(boxes: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Turn boxes into squares: clip them to the image, make them square, enlarge them 1.25 times.

    As in 3DMPPE, a box extends from the centre of its first pixel to the centre of its last.

    Args:
        boxes: (N,4) x_min y_min x_max y_max in pixels; must overlap the image.
        width, height: size of the image in pixels.

    Returns:
        Centres (N,2) and sides (N,) in pixels.
    """
    corners = np.asarray(boxes, float).reshape(-1, 2, 2) - [[0.0, 0.0], [1.0, 1.0]]
    low, high = corners.clip(0, (width - 1, height - 1)).swapaxes(0, 1)
    sides = (high - low).max(axis=1).clip(_SMALLEST) * _SCALE
    return (low + high) / 2, sides


def distance_measure(sides: np.ndarray, camera: Camera) -> np.ndarray:
    """Compute the distance at which a person of 2 m x 2 m fills a square.

    This is k, which RootNet's output corrects.

    Source: Moon et al., "Camera Distance-aware Top-down Approach for 3D Multi-person Pose
    Estimation", ICCV 2019, section 4.2.

    Args:
        sides: (N,) sides of the squares in pixels.
        camera: camera of the image.

    Returns:
        (N,) metres.
    """
    fx, fy = camera.matrix[[0, 1], [0, 1]]
    return _BODY * np.sqrt(fx * fy) / np.asarray(sides, float)
