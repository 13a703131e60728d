"""Soft-argmax: the centre of mass of a heat map's softmax (Sun et al., ECCV 2018).

Sums in half precision would be off by a twentieth of a cell, so they are computed in single
precision, whatever the precision of the heat maps.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_TILE = 512  # pixels at a time, few enough for their heat maps to fit a CPU's cache


def soft_argmax_plain(volumes: Tensor) -> Tensor:
    """Compute the soft-argmax in a plain way; the reference for the fast implementations.

    Args:
        volumes: (N,J,D,H,W) heat maps before the softmax.

    Returns:
        (N,J,3) x y z in cells, starting at 0, of the volumes' type.
    """
    shares = volumes.flatten(2).softmax(dim=2).view(volumes.shape)
    sums = [shares.sum(others) for others in ((2, 3), (2, 4), (3, 4))]  # along x, y and z
    return torch.stack([(each * _cells(each)).sum(2) for each in sums], dim=2)


def soft_argmax(volumes: Tensor) -> Tensor:
    """Compute the soft-argmax.

    On a CPU, only one joint per thread is processed at a time, so that its heat maps fit the
    cache.

    Args:
        volumes: (N,J,D,H,W) heat maps before the softmax.

    Returns:
        (N,J,3) x y z in cells, starting at 0, float32.
    """
    count, joints, depth, _, width = volumes.shape
    heatmaps = volumes.flatten(3)
    if not _part_by_part(volumes):
        return _center(*_masses(_softmax(heatmaps)), width)
    threads = torch.get_num_threads()
    workspace = _workspace(threads * depth * heatmaps.shape[3], torch.float32, volumes)
    parts = heatmaps.flatten(0, 1)[None].split(threads, dim=1)  # of (1,NJ,D,HW)
    masses = [_masses(_softmax(part, workspace)) for part in parts]
    depths, pixels = (torch.cat(each, dim=1) for each in zip(*masses, strict=True))
    return _center(depths, pixels, width).view(count, joints, 3)


def fused_soft_argmax(features: Tensor, weight: Tensor, bias: Tensor, depth: int) -> Tensor:
    """Compute the soft-argmax of the heat maps that a 1 x 1 convolution gives.

    The heat maps exist only for one tile of pixels at a time. Each tile has its own softmax; its
    share of the softmax over all tiles is multiplied in at the end.

    Args:
        features: (N,C,H,W), in half or single precision.
        weight: (J D,C,1,1) of the convolution.
        bias: (J D,) of the convolution.
        depth: D.

    Returns:
        (N,J,3) x y z in cells, starting at 0, float32.
    """
    # (1,JD,C), as matmul would transpose a matrix (JD,C)
    kernel, offset = weight.flatten(1)[None], bias[:, None]
    inputs = (features, weight, bias)
    products = _workspace(len(bias) * _TILE, features.dtype, *inputs)
    softmaxes = _workspace(len(bias) * _TILE, torch.float32, *inputs)
    coordinates = []
    for part in features.split(1) if _part_by_part(features) else [features]:
        sums, masses = [], []
        for pixels in part.flatten(2).split(_TILE, dim=2):  # (N,C,P)
            product = _view(products, (1, len(bias), pixels.shape[2]))
            heatmaps = torch.matmul(kernel, pixels, out=product).add_(offset)
            heatmaps = heatmaps.unflatten(1, (-1, depth))
            shares = _softmax(heatmaps, softmaxes)
            # the logarithm of the sum of exp(heatmaps)
            sums.append(_highest(heatmaps) - _highest(shares).log())
            masses.append(_masses(shares))
        parts = torch.stack(sums, dim=2).softmax(dim=2).unbind(2)  # T of (N,J)
        pairs = [(*mass, part[..., None]) for mass, part in zip(masses, parts, strict=True)]
        depths = torch.stack([depths * part for depths, _, part in pairs]).sum(dim=0)
        pixels = torch.cat([pixels * part for _, pixels, part in pairs], dim=2)
        coordinates.append(_center(depths, pixels, features.shape[3]))
    return torch.cat(coordinates)


def _part_by_part(batch: Tensor) -> bool:
    """Whether to process a batch in parts, so that the heat maps fit a CPU's cache."""
    return batch.device.type == "cpu" and not torch.jit.is_tracing()  # type: ignore[attr-defined]


def _workspace(size: int, dtype: torch.dtype, *inputs: Tensor) -> Tensor | None:
    """Memory reused for all parts, as allocating new memory takes longer than the computation.

    None if the batch is not processed in parts, or if gradients are needed, as these need the
    values of every part.
    """
    gradients = torch.is_grad_enabled() and any(each.requires_grad for each in inputs)
    if gradients or not _part_by_part(inputs[0]):
        return None
    return torch.empty(size, dtype=dtype)


def _view(workspace: Tensor | None, shape: tuple[int, ...]) -> Tensor | None:
    """The start of a workspace as a tensor of a given shape."""
    return None if workspace is None else workspace[: math.prod(shape)].view(shape)


def _highest(heatmaps: Tensor) -> Tensor:
    """The maxima (N,J) of heat maps (N,J,D,P), float32."""
    return heatmaps.amax(dim=(2, 3)).float()


def _softmax(heatmaps: Tensor, workspace: Tensor | None = None) -> Tensor:
    """Softmax over all of each joint's heat maps (N,J,D,P), float32."""
    joints, depth, pixels = heatmaps.shape[1:]
    flat = heatmaps.reshape(-1, joints, depth * pixels)
    out = _view(workspace, flat.shape)
    shares = torch.softmax(flat, dim=2, dtype=torch.float32, out=out)
    return shares.view(-1, joints, depth, pixels)  # -1, as the ONNX export would fix N


def _masses(shares: Tensor) -> tuple[Tensor, Tensor]:
    """Sums of shares (N,J,D,P): (N,J,D) over the pixels, (N,J,P) over the depths."""
    return shares.sum(dim=3), shares.sum(dim=2)


def _center(depths: Tensor, pixels: Tensor, width: int) -> Tensor:
    """The centre of mass (N,J,3) x y z of masses (N,J,D) and (N,J,HW), see `_masses`."""
    pixels = pixels.unflatten(2, (-1, width))
    rows, columns = pixels.sum(dim=3), pixels.sum(dim=2)
    moments = [each @ _cells(each) for each in (columns, rows, depths)]
    return torch.stack(moments, dim=2) / rows.sum(dim=2, keepdim=True)


def _cells(masses: Tensor) -> Tensor:
    return torch.arange(masses.shape[-1], device=masses.device, dtype=torch.float32)
