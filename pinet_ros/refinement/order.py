"""The order in which the people of an image enter the network."""

from __future__ import annotations

from enum import Enum

import torch


class Order(str, Enum):
    """How the others follow the person of interest (section 3.2 and table 4 of the paper)."""

    NEAR_TO_FAR = "near_to_far"
    FAR_TO_NEAR = "far_to_near"  # the paper's "reverse"
    RANDOM = "random"


def interaction_order(
    positions: torch.Tensor,
    order: Order = Order.NEAR_TO_FAR,
    present: torch.Tensor | None = None,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """For each person: the person itself, then the others in their order, then who is absent.

    Ties keep the order of the index, also among people at the very same place.

    Args:
        positions: (...,N,D) where the people are; the distance between two is Euclidean.
        present: (...,N) bool, false for padding; None when everybody is there.
        generator: of the random order, on the CPU.

    Returns:
        (...,N,N) int64, row n being the order for person n.
    """
    if order is Order.RANDOM:
        keys = torch.rand((*positions.shape[:-1], positions.shape[-2]), generator=generator)
        keys = keys.to(positions.device)
    else:
        offsets = positions[..., :, None, :] - positions[..., None, :, :]  # (...,N,N,D)
        keys = sum(offset.square() for offset in offsets.unbind(dim=-1))
        keys = -keys if order is Order.FAR_TO_NEAR else keys
    if present is not None:
        keys = keys.masked_fill(~present[..., None, :], torch.inf)
    # below every key, so that a duplicate at distance zero does not come before the person
    itself = torch.eye(positions.shape[-2], dtype=torch.bool, device=positions.device)
    return keys.masked_fill(itself, -torch.inf).argsort(dim=-1, stable=True)
