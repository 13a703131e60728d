"""Snapshots released by other projects: torch files with the weights under `network`."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor, nn

from pinet_ros.models.catalog import ModelError

_WRAPPER = "module."  # prefix from torch's DataParallel, which wrapped the saved networks


def load_released_state(path: str | Path) -> dict[str, Tensor]:
    """Read the weights of a released snapshot of PI-Net, PoseNet or RootNet.

    Raises:
        ModelError: the file is missing, is not a torch file of plain tensors, or lacks `network`.
    """
    try:
        snapshot = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ModelError(f"{path} cannot be read as a torch snapshot: {error}") from error
    state = snapshot.get("network") if isinstance(snapshot, dict) else None
    if not isinstance(state, dict):
        found = ", ".join(map(str, snapshot)) if isinstance(snapshot, dict) else type(snapshot)
        raise ModelError(f"{path} must hold its weights under the key 'network', got {found}")
    return {name.removeprefix(_WRAPPER): value for name, value in state.items()}


def load_state_strict(module: nn.Module, state: dict[str, Tensor], source: str) -> None:
    """Load weights that must fit a network exactly.

    Args:
        module: the network.
        state: weights by name.
        source: where the weights come from, for the error message.

    Raises:
        ModelError: a name is missing or unexpected, or a shape differs; the message has the first
            of each.
    """
    own = module.state_dict()
    missing = [name for name in own if name not in state]
    unexpected = [name for name in state if name not in own]
    differing = [
        f"{name} is {tuple(state[name].shape)} instead of {tuple(own[name].shape)}"
        for name in own
        if name in state and state[name].shape != own[name].shape
    ]
    problems = {"missing": missing, "unexpected": unexpected, "of another shape": differing}
    found = [f"{len(names)} {kind}, first {names[0]}" for kind, names in problems.items() if names]
    if found:
        kind = type(module).__name__
        raise ModelError(f"{source} does not fit the network {kind}: weights {'; '.join(found)}")
    module.load_state_dict(state)
