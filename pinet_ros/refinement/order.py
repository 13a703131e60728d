"""The order in which the people of an image enter the network."""

from __future__ import annotations

import torch


def near_to_far(roots: torch.Tensor) -> torch.Tensor:
    """For each person: the person itself, then the others by the 3D distance of their roots.

    Ties keep the order of the index, also among people at the very same place.

    Args:
        roots: (...,N,3) root joints in the camera frame, any unit.

    Returns:
        (...,N,N) int64, row n being the order for person n.

    Source: section 3.2 of the paper; distance in space replaces the release's distance of box
    centres in the image, which cannot tell people apart who stand behind each other.
    """
    offsets = roots[..., :, None, :] - roots[..., None, :, :]  # (...,N,N,3)
    distances = sum(offset.square() for offset in offsets.unbind(dim=-1))
    # below every distance, so that a duplicate at distance zero does not come before the person
    itself = torch.eye(roots.shape[-2], dtype=torch.bool, device=roots.device)
    return distances.masked_fill(itself, -1.0).argsort(dim=-1, stable=True)
