"""Augmentation of scenes: other cameras, and more or less that is known of the people."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch

from pinet_ros.refinement.refiner import MIRROR_AXES, MIRRORED, mirror_image
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.refiner.samples import Batch

# Positive angles rotate the scene about the camera's axes x (right), y (down) and z (forward).
_AXES = torch.eye(3)

_PLACED = (0.01, 0.1)  # deviations of known distances


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
        placed: probability that distances are known better than from the size of people, as a
            floor tells them. These estimates are scaled about the camera, so that their
            distances err by random deviations of 1 to 10 %, which they state.
        untold: probability that the estimator's deviations are unknown.
        unlevelled: probability that it is unknown which way is up.
        level_error: radians, the largest standard deviation of a known one about either axis;
            drawn for each sample.
    """

    pitch: float = 25.0
    yaw: float = 20.0
    roll: float = 35.0
    mirror: float = 0.5
    distance: float = 3.0
    moved: float = 0.2
    placed: float = 0.3
    untold: float = 0.2
    unlevelled: float = 0.4
    level_error: float = 0.05

    def __call__(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Change the samples."""
        count, device = len(batch.present), batch.estimates.device

        def chosen(probability: float) -> torch.Tensor:
            return (torch.rand(count, generator=generator) < probability).to(device)

        logarithms = (2 * torch.rand(count, generator=generator) - 1) * math.log(self.distance)
        factors = torch.where(chosen(self.moved), logarithms.exp().to(device), 1.0)
        limits = torch.tensor([self.pitch, self.yaw, self.roll]) * (math.pi / 180)
        angles = (2 * torch.rand(count, 3, generator=generator) - 1) * limits
        matrices = rotations(angles).to(device)
        unknown = chosen(self.untold)[:, None, None]
        told = replace(batch, deviations=batch.deviations.masked_fill(unknown, torch.nan))
        estimates, deviations = placed(told, chosen(self.placed), generator)
        swapped = chosen(self.mirror)
        both = torch.cat([estimates, batch.truth], dim=1)  # (B,2N,17,3)
        both = moved_away(mirrored(both, swapped), factors) @ matrices[:, None].mT
        up = torch.where(swapped[:, None], batch.up * batch.up.new_tensor(MIRROR_AXES), batch.up)
        up = (up[:, None] @ matrices.mT)[:, 0]
        error = self.level_error * torch.rand(count, 1, generator=generator)
        up = up + error.to(up) * torch.randn(count, 3, generator=generator).to(up)
        up = torch.nn.functional.normalize(up, dim=1)
        up = up.masked_fill(chosen(self.unlevelled)[:, None], torch.nan)
        estimates, truth = both.chunk(2, dim=1)
        deviations = torch.where(swapped[:, None, None], deviations[..., MIRRORED], deviations)
        deviations[..., MUPOTS_17.root] *= factors[:, None]
        return replace(batch, estimates=estimates, truth=truth, deviations=deviations, up=up)


def placed(
    batch: Batch, chosen: torch.Tensor, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Estimates and deviations of the batch, of which the chosen (B,) are at known distances.

    Whose truth is not known is placed as the estimate says.
    """
    people = batch.present.shape
    least, most = (math.log(deviation) for deviation in _PLACED)
    deviation = (least + (most - least) * torch.rand(people, generator=generator)).exp()
    errors = (deviation * torch.randn(people, generator=generator)).exp()
    truth, estimate = (
        poses[:, :, MUPOTS_17.root].norm(dim=-1) for poses in (batch.truth, batch.estimates)
    )
    factors = torch.where(batch.known, truth / estimate, 1.0) * errors.to(truth)
    factors = torch.where(chosen[:, None], factors, 1.0)[..., None]
    deviations = batch.deviations * factors
    told = batch.deviations[..., -1]
    deviations[..., -1] = torch.where(chosen[:, None], deviation.to(truth), told)
    return batch.estimates * factors[..., None], deviations


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
