"""Soft-argmax: where the centre of mass of a heat map's softmax lies (Sun et al., ECCV 2018).

Half precision would lose a twentieth of a cell in the sums, so that these are in single precision
whatever the heat maps are in.
"""

from __future__ import annotations

import torch
from torch import Tensor

_TILE = 512  # pixels of whose heat maps few enough exist at a time for a CPU's cache


def soft_argmax_plain(volumes: Tensor) -> Tensor:
    """As it is written down: what the fast forms are compared with.

    Args:
        volumes: (N,J,D,H,W) heat maps before the softmax.

    Returns:
        (N,J,3) x y z in cells, from 0 on, of the volumes' type.
    """
    shares = volumes.flatten(2).softmax(dim=2).view(volumes.shape)
    sums = [shares.sum(others) for others in ((2, 3), (2, 4), (3, 4))]  # along x, y and z
    return torch.stack([(each * _cells(each)).sum(2) for each in sums], dim=2)


def soft_argmax(volumes: Tensor) -> Tensor:
    """As `soft_argmax_plain`, joint by joint: one joint's heat maps stay in a CPU's cache.

    Returns:
        (N,J,3) x y z in cells, from 0 on, float32.
    """
    found = []
    workspace = _workspace((1, 1, *volumes.shape[2:]), torch.float32, volumes)
    for part in _parts(volumes):
        joints = part.split(1, dim=1)  # J of (N,1,D,H,W)
        masses = [_masses(torch.sub(j, _highest(j), out=workspace)) for j in joints]
        depths, pixels = (torch.cat(each, dim=1) for each in zip(*masses, strict=True))
        found.append(_center(depths, pixels))
    return torch.cat(found)


def fused_soft_argmax(features: Tensor, weight: Tensor, bias: Tensor, depth: int) -> Tensor:
    """Soft-argmax of a 1 x 1 convolution's heat maps, of which only a tile's exist at a time.

    Each tile's shares are of its own highest heat; what they are of the highest of all is
    multiplied in at the end.

    Args:
        features: (N,C,H,W), in half or single precision.
        weight: (J D,C,1,1) of the convolution.
        bias: (J D,) of the convolution.
        depth: D.

    Returns:
        (N,J,3) x y z in cells, from 0 on, float32.
    """
    kernel, offset = weight.flatten(1)[None], bias[:, None]  # (1,JD,C): a matrix would be turned
    width = features.shape[3]
    rows = max(1, _TILE // width)
    inputs = (features, weight, bias)
    workspace = _workspace((1, len(bias), rows * width), features.dtype, *inputs)
    found = []
    for part in _parts(features):
        highest, masses = [], []
        for tile in part.split(rows, dim=2):
            pixels = tile.flatten(2)
            out = None if workspace is None else workspace[:, :, : pixels.shape[2]]
            heatmaps = torch.matmul(kernel, pixels, out=out).add_(offset).float()  # (N,JD,RW)
            heatmaps = heatmaps.unflatten(1, (-1, depth)).unflatten(3, tile.shape[2:])
            highest.append(_highest(heatmaps))
            masses.append(_masses(heatmaps.sub_(highest[-1])))
        tops = torch.cat(highest, dim=2)  # (N,J,T,1,1)
        shares = (tops - tops.amax(dim=2, keepdim=True)).exp().unbind(2)  # T of (N,J,1,1)
        pairs = list(zip(masses, shares, strict=True))
        depths = sum(mass * share[..., 0] for (mass, _), share in pairs)
        pixels = torch.cat([mass * share for (_, mass), share in pairs], dim=2)
        found.append(_center(depths, pixels))
    return torch.cat(found)


def _parts(batch: Tensor) -> tuple[Tensor, ...]:
    """What is worked on at once: on the CPU one person, whose heat maps fit the cache."""
    return batch.split(1) if _one_by_one(batch) else (batch,)


def _workspace(shape: tuple[int, ...], dtype: torch.dtype, *inputs: Tensor) -> Tensor | None:
    """Memory to use again and again, as new memory costs more than what is computed in it.

    None where there is no one by one, and for gradients, which need what was computed.
    """
    gradients = torch.is_grad_enabled() and any(each.requires_grad for each in inputs)
    if gradients or not _one_by_one(inputs[0]):
        return None
    return torch.empty(shape, dtype=dtype)


def _one_by_one(batch: Tensor) -> bool:
    return batch.device.type == "cpu" and not torch.jit.is_tracing()


def _highest(heatmaps: Tensor) -> Tensor:
    """The highest values (N,J,1,1,1) of (N,J,D,H,W), which a softmax does not depend on."""
    return heatmaps.detach().amax(dim=(2, 3, 4), keepdim=True).float()


def _masses(heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    """Sums of a softmax's shares, which need not sum to one.

    Args:
        heatmaps: (N,J,D,H,W), at most 0, which are overwritten.

    Returns:
        (N,J,D) over the pixels, (N,J,H,W) over the depths.
    """
    shares = heatmaps.exp_()
    # axis by axis, as ONNX Runtime is a thousandth off in long sums
    return shares.sum(dim=4).sum(dim=3), shares.sum(dim=2)


def _center(depths: Tensor, pixels: Tensor) -> Tensor:
    """The centre of mass (N,J,3) x y z of masses (N,J,D) and (N,J,H,W), see `_masses`."""
    rows, columns = pixels.sum(dim=3), pixels.sum(dim=2)
    moments = [each @ _cells(each) for each in (columns, rows, depths)]
    return torch.stack(moments, dim=2) / rows.sum(dim=2, keepdim=True)


def _cells(masses: Tensor) -> Tensor:
    return torch.arange(masses.shape[-1], device=masses.device, dtype=torch.float32)
