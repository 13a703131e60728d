"""Rotations: in the image plane, about an axis, and from the optical axis to a viewing ray."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor


def rotate_planar(x: Tensor, y: Tensor, angles: Tensor | float) -> tuple[Tensor, Tensor]:
    """Rotate plane vectors (x, y), x towards y: clockwise in an image, whose y points down.

    Args:
        x, y: components, any shape.
        angles: radians, broadcast with x and y.
    """
    if isinstance(angles, Tensor):
        cosine, sine = angles.cos(), angles.sin()
        return cosine * x - sine * y, sine * x + cosine * y
    return (
        math.cos(angles) * x - math.sin(angles) * y,
        math.sin(angles) * x + math.cos(angles) * y,
    )


def rotate_about_axes(points: Tensor, axes: Tensor, angles: Tensor) -> Tensor:
    """Rotate points (B,J,3) about the origin, by angles (B,) about unit axes (B,3) (Rodrigues)."""
    axes = axes[:, None].expand_as(points)
    cosine, sine = angles.cos()[:, None, None], angles.sin()[:, None, None]
    along = (axes * points).sum(dim=-1, keepdim=True) * axes
    return cosine * points + sine * torch.linalg.cross(axes, points) + (1 - cosine) * along


def axes_and_angles(rotations: Tensor) -> tuple[Tensor, Tensor]:
    """Unit axes (B,3) and angles (B,) in radians, 0 to pi, of rotations (B,3,3).

    The axis of a half turn is undefined, and returned as zero.
    """
    twice_axis = torch.stack(
        [
            rotations[:, 2, 1] - rotations[:, 1, 2],
            rotations[:, 0, 2] - rotations[:, 2, 0],
            rotations[:, 1, 0] - rotations[:, 0, 1],
        ],
        dim=-1,
    )
    twice_sine = twice_axis.norm(dim=-1)
    twice_cosine = rotations.diagonal(dim1=-2, dim2=-1).sum(dim=-1) - 1
    angles = torch.atan2(twice_sine, twice_cosine)
    return torch.nn.functional.normalize(twice_axis, dim=-1), angles


def rotation_to_ray(rays: np.ndarray) -> np.ndarray:
    """Smallest rotations (N,3,3) that take the optical axis to unit rays (N,3), z > 0.

    A network that sees only a crop predicts poses relative to the crop's viewing ray.
    """
    x, y, z = rays.T
    zero = np.zeros_like(x)
    cross = np.array([[zero, zero, x], [zero, zero, y], [-x, -y, zero]]).transpose(2, 0, 1)
    return np.eye(3) + cross + cross @ cross / (1 + z)[:, None, None]
