"""Rotations in the image plane, about an axis, and from the optical axis to a viewing ray."""

from __future__ import annotations

import math

import torch
from torch import Tensor


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


def rotate_about_axes(points: Tensor, axes: Tensor, angles: Tensor) -> Tensor:
    """Rotate points (B,J,3) about axes through the origin by Rodrigues' formula.

    Args:
        points: (B,J,3), any unit.
        axes: (B,3) unit vectors.
        angles: (B,) radians.

    Returns:
        (B,J,3) rotated points.
    """
    axes = axes[:, None].expand_as(points)
    cosine, sine = angles.cos()[:, None, None], angles.sin()[:, None, None]
    along = (axes * points).sum(dim=-1, keepdim=True) * axes
    return cosine * points + sine * torch.linalg.cross(axes, points) + (1 - cosine) * along


def axes_and_angles(rotations: Tensor) -> tuple[Tensor, Tensor]:
    """Unit axes (B,3) and angles (B,), 0 to pi radians, of rotation matrices (B,3,3).

    For rotations by 0 and pi the axis is returned as zero.
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


def rotation_to_ray(rays: Tensor) -> Tensor:
    """Smallest rotations (N,3,3) that map the optical axis to unit rays (N,3) with z > 0.

    A network that sees only a crop predicts poses relative to the crop's viewing ray; these
    rotations bring them into the camera frame.
    """
    x, y, z = rays.unbind(-1)
    zero = torch.zeros_like(x)
    rows = ((zero, zero, x), (zero, zero, y), (-x, -y, zero))
    cross = torch.stack([torch.stack(row, -1) for row in rows], -2)
    eye = torch.eye(3, dtype=rays.dtype, device=rays.device)
    return eye + cross + cross @ cross / (1 + z)[:, None, None]
