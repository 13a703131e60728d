"""The last step of a BlazePose training: the head of deviations is fitted once more, alone.

Beside the poses it learns slowly, as it follows errors that still change. When they do not change
any more, what is left is a quantile regression of their sizes on the features of each crop, which
has one minimum.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from pinet_ros.lifting.blazepose_network import BlazePoseNetwork
from pinet_training.lifter.blazepose_losses import PoseErrors, pose_errors
from pinet_training.lifter.pose_crops import Batch

_HIDDEN = 3.0  # weight of a joint that cannot be seen, over that of a visible one
_STEPS, _RATE = 400, 0.02  # of Adam
_FAINT = 0.05  # of the features' spread: what varies less is not scaled up
_DECAY = 1e-3  # weight of the squared coefficients of standardised features


def fit_deviations(
    network: BlazePoseNetwork, batches: Iterable[Batch], device: torch.device
) -> None:
    """Fit the head of deviations of a trained network in place; all else stays.

    Joints that cannot be seen count more than others. They are fewer, and a robot must know above
    all of them how far they may be off.

    Args:
        network: a trained network, in evaluation mode.
        batches: of PoseCrops; crops around nobody are left out.
        device: of the network.
    """
    features, errors, visible = _look(network, batches, device)
    mean, scale = features.mean(0), features.std(0, correction=0)
    # what hardly varies says nothing, and would get huge coefficients
    scale = scale.clamp_min(_FAINT * scale.square().mean().sqrt().clamp_min(1e-6))
    features = (features - mean) / scale
    joints = torch.where(visible > 0, 1.0, _HIDDEN)
    weights = torch.cat([joints, torch.ones_like(joints[:, :1])], dim=1)
    head = network.deviations
    start = head.weight.detach().flatten(1)
    coefficients = nn.Parameter(start * scale)
    constants = nn.Parameter(head.bias.detach() + start @ mean)
    optimiser = torch.optim.Adam([coefficients, constants], lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, _STEPS)
    with torch.enable_grad():
        for _ in range(_STEPS):
            each = errors.deviation_losses(features @ coefficients.T + constants)
            loss = (weights * each).sum() / weights.sum()
            loss = loss + _DECAY * coefficients.square().sum(1).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    with torch.no_grad():
        fitted = coefficients / scale
        head.weight.copy_(fitted.view_as(head.weight))
        head.bias.copy_(constants - fitted @ mean)


@torch.no_grad()
def _look(
    network: BlazePoseNetwork, batches: Iterable[Batch], device: torch.device
) -> tuple[Tensor, PoseErrors, Tensor]:
    """What the head gets (N,F), the errors of N people, and which joints are visible (N,17)."""
    taken: list[Tensor] = []
    hook = network.deviations.register_forward_pre_hook(
        lambda _, inputs: taken.append(inputs[0].flatten(1))
    )
    features, errors, visible = [], [], []
    try:
        for batch in batches:
            on_device = {name: each.to(device) for name, each in batch.items()}
            outputs = network(on_device["crop"].float() / 255)
            person = on_device["is_person"] > 0
            people = {name: each[person] for name, each in on_device.items() if name != "crop"}
            features.append(taken.pop()[person])
            errors.append(pose_errors(tuple(each[person] for each in outputs[:3]), people))
            visible.append(people["visible"])
    finally:
        hook.remove()
    names = ("joints", "points", "distance", "across")
    together = {name: torch.cat([getattr(each, name) for each in errors]) for name in names}
    return torch.cat(features), PoseErrors(**together), torch.cat(visible)
