"""Snapshots released by other projects: torch files with the weights under `network`."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pinet_ros.errors import ModelError, one_line

_WRAPPER = "module."  # prefix from torch's DataParallel, which wrapped the saved networks


def load_released_state(path: str | Path) -> dict[str, Tensor]:
    """Read the weights of a released snapshot of PI-Net, PoseNet or RootNet.

    Raises:
        ModelError: the file is missing, is not a torch file of plain tensors, or lacks `network`.
    """
    snapshot = read_torch_file(path)
    state = snapshot.get("network") if isinstance(snapshot, dict) else None
    if not isinstance(state, dict):
        names = ", ".join(map(str, snapshot)) if isinstance(snapshot, dict) else None
        found = names or type(snapshot).__name__
        raise ModelError(
            f"{path} must hold its weights under the key 'network', got {one_line(found)}"
        )
    state = require_tensors(state, path)
    return {name.removeprefix(_WRAPPER): value for name, value in state.items()}


def read_torch_file(path: str | Path) -> Any:
    """Read what torch.save wrote, if it holds plain tensors and containers only.

    Raises:
        ModelError: the file is missing, damaged, or of another kind.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:  # whose text says to load it in an unsafe way
        raise ModelError(
            f"{path} cannot be read as a torch file: it is damaged, or holds more than tensors; "
            "copy it again, or save only the weights"
        ) from error
    except Exception as error:  # a damaged file can raise almost any error
        raise ModelError(f"{path} cannot be read as a torch file: {one_line(error)}") from error


def require_tensors(state: Any, path: str | Path) -> dict[str, Tensor]:
    """The weights of a network by name, as a file holds them.

    Raises:
        ModelError: they are not a dictionary of dense tensors by their names.
    """
    if not isinstance(state, dict):
        raise ModelError(f"{path} must contain a state dict, got {type(state).__name__}")
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise ModelError(
                f"{path} must hold tensors by their names, got {type(value).__name__} for "
                f"{one_line(repr(name))}; it is damaged or not of a network"
            )
    return state


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
    found = [
        f"{len(names)} {kind}, first {one_line(names[0])}"
        for kind, names in problems.items()
        if names
    ]
    if found:
        kind = type(module).__name__
        raise ModelError(f"{source} does not fit the network {kind}: weights {'; '.join(found)}")
    module.load_state_dict(state)
