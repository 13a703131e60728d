"""Boxes of people as 3DMPPE's networks look at them, and what their size says of the distance."""

from __future__ import annotations

import numpy as np

from pinet_ros.geometry.camera import Camera

_SCALE = 1.25  # of the square over the box
_BODY = 2.0  # metres: side of the square that a person is taken to fill
_SMALLEST = 1.0  # pixels


def to_squares(boxes: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """The squares about boxes: clipped to the image, made square, 1.25 times as large.

    As in 3DMPPE a box reaches from the middle of its first pixel to that of its last.

    Args:
        boxes: (N,4) x_min y_min x_max y_max in pixels, with a part in the image.
        width, height: of the image in pixels.

    Returns:
        Middles (N,2) and sides (N,) in pixels.
    """
    corners = np.asarray(boxes, float).reshape(-1, 2, 2) - [[0.0, 0.0], [1.0, 1.0]]
    low, high = corners.clip(0, (width - 1, height - 1)).swapaxes(0, 1)
    sides = (high - low).max(axis=1).clip(_SMALLEST) * _SCALE
    return (low + high) / 2, sides


def distance_measure(sides: np.ndarray, camera: Camera) -> np.ndarray:
    """How far away a person of 2 m x 2 m is who fills squares of sides (N,) pixels: (N,) metres.

    It is k of Moon et al., "Camera Distance-aware Top-down Approach for 3D Multi-person Pose
    Estimation", ICCV 2019, section 4.2, which RootNet's output corrects.
    """
    fx, fy = camera.matrix[[0, 1], [0, 1]]
    return _BODY * np.sqrt(fx * fy) / np.asarray(sides, float)
