"""Augmentation of scenes: mirroring, a change of distance, and a rotation of the camera."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from pinet_ros.refinement.refiner import mirror_image
from pinet_ros.skeleton import MUPOTS_17

# Positive angles rotate the scene about the camera's axes x (right), y (down) and z (forward).
_AXES = torch.eye(3)


@dataclass(frozen=True)
class Augmentation:
    """Ranges of random changes to samples, the same for all people of a scene and their truth.

    Attributes:
        pitch, yaw, roll: largest rotation of the camera about its own centre, degrees.
        mirror: probability that left and right are swapped.
        distance: largest factor by which people are moved away, or closer by its inverse. Their
            poses stay the same, and so does their image except for its scale; an estimate that
            fits the image moves by the same factor.
        moved: probability of a change of distance; otherwise scenes keep their distances.
    """

    pitch: float = 25.0
    yaw: float = 20.0
    roll: float = 35.0
    mirror: float = 0.5
    distance: float = 3.0
    moved: float = 0.2

    def __call__(self, joints: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Change samples (B,P,J,3) of P poses each, metres, camera frame."""
        count = len(joints)
        chosen = torch.rand(count, generator=generator) < self.mirror
        logarithms = (2 * torch.rand(count, generator=generator) - 1) * math.log(self.distance)
        stays = torch.rand(count, generator=generator) >= self.moved
        factors = logarithms.exp().masked_fill(stays, 1.0).to(joints.device)
        limits = torch.tensor([self.pitch, self.yaw, self.roll]) * (math.pi / 180)
        angles = (2 * torch.rand(count, 3, generator=generator) - 1) * limits
        matrices = rotations(angles).to(joints.device)
        joints = moved_away(mirrored(joints, chosen.to(joints.device)), factors)
        return joints @ matrices[:, None].mT


def mirrored(joints: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Mirror those of the samples (B,P,J,3) that are chosen (B,)."""
    return torch.where(chosen[:, None, None, None], mirror_image(joints), joints)


def moved_away(joints: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """Scale the roots' distances from the camera in samples (B,P,J,3) by factors (B,)."""
    roots = joints[:, :, MUPOTS_17.root, None]  # (B,P,1,3)
    return joints + (factors - 1)[:, None, None, None] * roots


def rotations(angles: torch.Tensor) -> torch.Tensor:
    """Return rotation matrices Rx Ry Rz (B,3,3) for angles (B,3) about x, y and z, radians."""
    generators = torch.linalg.cross(_AXES[:, None], torch.eye(3)[None], dim=-1).mT  # (3,3,3)
    matrices = torch.linalg.matrix_exp(angles[:, :, None, None] * generators)  # (B,3,3,3)
    return matrices[:, 0] @ matrices[:, 1] @ matrices[:, 2]
