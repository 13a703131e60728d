"""Soft-argmax: where the centre of mass of a heat map's softmax lies (Sun et al., ECCV 2018).

Half precision would lose a twentieth of a cell in the sums, so that these are in single precision
whatever the heat maps are in.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_CACHED = 64**3  # cells: a megabyte


def soft_argmax_plain(volumes: Tensor) -> Tensor:
    """As it is written down: what the fast forms are compared with.

    Args:
        volumes: (N,J,D,H,W) heat maps before the softmax.

    Returns:
        (N,J,3) x y z in cells, from 0 on, of the volumes' type.
    """
    shares = volumes.flatten(2).softmax(dim=2).view(volumes.shape)
    axes = ((2, 3), 4), ((2, 4), 3), ((3, 4), 2)
    return torch.stack(
        [(shares.sum(others) * _cells(volumes, axis)).sum(2) for others, axis in axes], dim=2
    )


def soft_argmax(volumes: Tensor) -> Tensor:
    """As `soft_argmax_plain`, joint by joint: one joint's heat maps stay in a CPU's cache.

    Returns:
        (N,J,3) x y z in cells, from 0 on, float32.
    """
    return torch.cat(
        [
            torch.stack([_center(joint - _highest(joint)) for joint in part.unbind(1)], dim=1)
            for part in _parts(volumes, math.prod(volumes.shape[2:]))
        ]
    )


def fused_soft_argmax(features: Tensor, weight: Tensor, bias: Tensor, depth: int) -> Tensor:
    """Soft-argmax of a 1 x 1 convolution's heat maps, of which only one joint's exist at a time.

    Args:
        features: (N,C,H,W), in half or single precision.
        weight: (J D,C,1,1) of the convolution.
        bias: (J D,) of the convolution.
        depth: D.

    Returns:
        (N,J,3) x y z in cells, from 0 on, float32.
    """
    height, width = features.shape[2:]
    kernels = [each.t().contiguous() for each in weight.flatten(1).split(depth)]  # J of (C,D)
    offsets = bias.split(depth)
    # With the channels last the products are twice as fast on a CPU.
    rows = features.flatten(2).transpose(1, 2).contiguous()  # (N,HW,C)
    found = []
    for part in _parts(rows, depth * height * width):
        joints = []
        for kernel, offset in zip(kernels, offsets, strict=True):
            heatmaps = torch.matmul(part, kernel).add_(offset).float()
            heatmaps = heatmaps.unflatten(1, (height, width))
            joints.append(_center(heatmaps.sub_(_highest(heatmaps))))
        found.append(torch.stack(joints, dim=1))
    return torch.cat(found).roll(-1, dims=2)  # of z x y


def _parts(batch: Tensor, cells: int) -> tuple[Tensor, ...]:
    """What is worked on at once: on the CPU people whose heat maps of a joint fit the cache.

    Args:
        cells: of the heat maps of one joint of one person.
    """
    whole = batch.device.type != "cpu" or torch.jit.is_tracing()
    return (batch,) if whole else batch.split(max(1, _CACHED // cells))


def _highest(heatmaps: Tensor) -> Tensor:
    """The highest values (N,1,1,1) of heat maps (N,A,B,C), which a softmax does not depend on."""
    return heatmaps.detach().amax(dim=(1, 2, 3), keepdim=True).float()


def _center(heatmaps: Tensor) -> Tensor:
    """Soft-argmax of heat maps (N,A,B,C), at most 0, which it overwrites.

    Returns:
        (N,3) along the last axis, the middle and the first.
    """
    shares = heatmaps.exp_()
    last = _cells(heatmaps, 3)
    # one product gives the sums along the last axis, and those weighted with the place on it
    sums = shares @ torch.stack([torch.ones_like(last), last], dim=1)  # (N,A,B,2)
    mass, moment = sums.unbind(-1)  # (N,A,B)
    # axis by axis, as ONNX Runtime is a thousandth off in long sums
    first, middle = mass.sum(dim=2), mass.sum(dim=1)
    moments = (
        moment.sum(dim=2).sum(dim=1),
        middle @ _cells(heatmaps, 2),
        first @ _cells(heatmaps, 1),
    )
    return torch.stack(moments, dim=1) / first.sum(dim=1)[:, None]


def _cells(heatmaps: Tensor, axis: int) -> Tensor:
    return torch.arange(heatmaps.shape[axis], device=heatmaps.device, dtype=torch.float32)
