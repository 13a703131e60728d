"""Loss of PI-Net."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pinet_ros.geometry.rotations import rotation_to_ray
from pinet_ros.refinement.formulation import Formulation
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.runs.deviation_losses import deviation_losses

_OF_DEVIATIONS = 0.1  # weight of their loss: poses decide what the network learns


def pose_loss(
    formulation: Formulation,
    network: nn.Module,
    sequences: Tensor,
    truth: Tensor,
    present: Tensor,
    deviations: Tensor | None = None,
    up: Tensor | None = None,
) -> Tensor:
    """Compute the L1 distance between standardised poses, for all people of each sequence.

    A network with deviations has their loss besides, see `runs.deviation_losses`.

    Source: section 3.3 of the paper.

    Args:
        formulation: what the network's inputs and outputs mean.
        network: PINet or PairGraph, possibly wrapped for several GPUs.
        sequences, truth: (B,N,J,3) metres, camera frame.
        present: (B,N) bool, false for padding.
        deviations: (B,N,J+1) those of the sequences, see `deviations_of`; None for unknown ones.
        up: (B,3) unit vectors that point up, camera frame; None or NaN for unknown ones.

    Returns:
        (B,N) mean over the values of each person, zero for padding.
    """
    standardised = formulation.standardise(sequences, present, deviations, up)
    values = network(standardised.tokens, present)
    poses, logarithms = formulation.predicted(values, sequences, standardised)
    errors = (poses - standardised.encode(truth)).abs().mean(dim=2)
    if logarithms is not None:
        refined = standardised.decode(poses.detach())
        losses = _deviation_losses(refined, truth, logarithms).mean(dim=2)
        errors = errors + _OF_DEVIATIONS * losses
    return errors.masked_fill(~present, 0.0)


def _deviation_losses(joints: Tensor, truth: Tensor, logarithms: Tensor) -> Tensor:
    """Losses (B,N,J+1) of the deviations of poses (B,N,J,3), whose truth is (B,N,J,3) too."""
    roots, true_roots = joints[:, :, MUPOTS_17.root], truth[:, :, MUPOTS_17.root]  # (B,N,3)
    offsets = (joints - roots[:, :, None]) - (truth - true_roots[:, :, None])
    distances, true_distances = roots.norm(dim=-1), true_roots.norm(dim=-1)
    ratios = (distances / true_distances.clamp_min(torch.finfo().tiny)).log()
    rays = nn.functional.normalize(roots, dim=-1)  # (B,N,3)
    turned = rotation_to_ray(rays.flatten(end_dim=1)).unflatten(0, rays.shape[:2])
    across = (true_roots[:, :, None] @ turned)[:, :, 0, :2]
    return deviation_losses(offsets, ratios, across, logarithms)
