"""Rotations in the image plane, and from the optical axis to a viewing ray."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_BEHIND = 1e-6  # 1 + z of a ray behind the camera, which nothing is divided by


def rotate_planar(x: Tensor, y: Tensor, angles: Tensor | float) -> tuple[Tensor, Tensor]:
    """Rotate 2D vectors (x, y) from x towards y: clockwise in an image, where y points down.

    Args:
        x, y: components, any shape.
        angles: radians, broadcast with x and y.

    Returns:
        The rotated x and y, in the broadcast shape.
    """
    if isinstance(angles, Tensor):
        cosine, sine = angles.cos(), angles.sin()
        return cosine * x - sine * y, sine * x + cosine * y
    return (
        math.cos(angles) * x - math.sin(angles) * y,
        math.sin(angles) * x + math.cos(angles) * y,
    )


def rotation_to_ray(rays: Tensor) -> Tensor:
    """Smallest rotations (N,3,3) that map the optical axis to unit rays (N,3).

    A ray that points right behind the camera is not reached: there no rotation is the smallest.

    A network that sees only a crop predicts poses relative to the crop's viewing ray; these
    rotations bring them into the camera frame.
    """
    x, y, z = rays.unbind(-1)
    zero = torch.zeros_like(x)
    rows = ((zero, zero, x), (zero, zero, y), (-x, -y, zero))
    cross = torch.stack([torch.stack(row, -1) for row in rows], -2)
    eye = torch.eye(3, dtype=rays.dtype, device=rays.device)
    return eye + cross + cross @ cross / (1 + z).clamp_min(_BEHIND)[:, None, None]
