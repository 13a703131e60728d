"""Augmentation: the same scene in a mirror, farther off, and seen by a camera that is turned."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from pinet_ros.refinement.refiner import mirror_image
from pinet_ros.skeleton import MUPOTS_17

# Positive angles turn the scene about x (right), y (down) and z (forward) of the camera.
_AXES = torch.eye(3)


@dataclass(frozen=True)
class Augmentation:
    """How far samples are changed, the same for everybody in a scene, estimates and truth.

    Attributes:
        pitch, yaw, roll: largest rotation of the camera about its own centre, degrees.
        mirror: probability that left and right are swapped.
        distance: largest factor by which people are moved away, or nearer by its inverse. Their
            poses stay, and so does their picture but for its scale; an estimate that fits it
            moves by the same factor.
        moved: probability of that; the others keep the distances that scenes have.
    """

    pitch: float = 25.0
    yaw: float = 20.0
    roll: float = 35.0
    mirror: float = 0.5
    distance: float = 3.0
    moved: float = 0.2

    def __call__(self, joints: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Change samples (B,P,J,3), each of P poses in metres in the camera frame."""
        count = len(joints)
        chosen = torch.rand(count, generator=generator) < self.mirror
        logarithms = (2 * torch.rand(count, generator=generator) - 1) * math.log(self.distance)
        stays = torch.rand(count, generator=generator) >= self.moved
        factors = logarithms.exp().masked_fill(stays, 1.0).to(joints.device)
        limits = torch.tensor([self.pitch, self.yaw, self.roll]) * (math.pi / 180)
        angles = (2 * torch.rand(count, 3, generator=generator) - 1) * limits
        turns = rotations(angles).to(joints.device)
        joints = moved_away(mirrored(joints, chosen.to(joints.device)), factors)
        return joints @ turns[:, None].mT


def mirrored(joints: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Put the chosen (B,) of the samples (B,P,J,3) in a mirror."""
    return torch.where(chosen[:, None, None, None], mirror_image(joints), joints)


def moved_away(joints: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """Scale the distances of the roots of (B,P,J,3) from the camera by factors (B,)."""
    roots = joints[:, :, MUPOTS_17.root, None]  # (B,P,1,3)
    return joints + (factors - 1)[:, None, None, None] * roots


def rotations(angles: torch.Tensor) -> torch.Tensor:
    """Rotation matrices (B,3,3) for angles (B,3) in radians about x, y and z: Rx Ry Rz."""
    generators = torch.linalg.cross(_AXES[:, None], torch.eye(3)[None], dim=-1).mT  # (3,3,3)
    turn = torch.linalg.matrix_exp(angles[:, :, None, None] * generators)  # (B,3,3,3)
    return turn[:, 0] @ turn[:, 1] @ turn[:, 2]
