"""Weights of the refiner on disk: this project's own, and released snapshots."""

from __future__ import annotations

import logging
import re
from dataclasses import asdict, fields
from enum import Enum
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from pinet_ros.models.catalog import ModelError
from pinet_ros.models.released import load_released_state, load_state_strict
from pinet_ros.refinement.formulation import PUBLISHED, Formulation
from pinet_ros.refinement.model import NetworkConfig, PINet, Unit
from pinet_ros.refinement.pair_graph import PairGraph
from pinet_ros.skeleton import MUPOTS_17
from pinet_ros.util.files import write_whole

# The weights that come with the package, each by the lifter whose errors it has learnt.
DEFAULT_WEIGHTS = "blazepose_full"
SHIPPED_WEIGHTS = (DEFAULT_WEIGHTS, "blazepose_heavy")

_SHIPPED_KIND = "blazepose_"
_ARCHITECTURE = "pinet"
_RELEASED = (".pth", ".tar")
_SCALE = ".scale"  # after the name of a matrix that is stored as whole numbers
_LARGEST = torch.iinfo(torch.int16).max
_BOOLEANS = {"true": True, "false": False}
# Options of inference that version 0.1.0 wrote beside the weights.
_FORMER_OPTIONS = ("symmetric", "turn_threshold", "root_threshold")

_log = logging.getLogger(__name__)
_Config = TypeVar("_Config", NetworkConfig, Formulation)


class Checkpoint(NamedTuple):
    """A trained network (PINet or PairGraph) and what its values mean."""

    network: PINet | PairGraph
    formulation: Formulation


def build_network(config: NetworkConfig) -> PINet | PairGraph:
    """A network of that configuration with random weights."""
    return PairGraph(config) if config.unit is Unit.GCN else PINet(config)


def weights_for(lifter: str) -> str:
    """The one of SHIPPED_WEIGHTS that suits a lifter best.

    Raises:
        ModelError: none does, they have learnt the errors of a lifter of another kind.
    """
    if lifter in SHIPPED_WEIGHTS:
        return lifter
    if lifter.startswith(_SHIPPED_KIND):
        return DEFAULT_WEIGHTS
    raise ModelError(
        f"no refiner weights come with the package for the lifter {lifter}: give weights, those "
        "of a run of `pinet train` on its people or a released snapshot (.pth.tar)"
    )


def load_checkpoint(weights: str | Path) -> Checkpoint:
    """Load a network, in single precision, and what its values mean.

    Args:
        weights: one of SHIPPED_WEIGHTS; or a .safetensors file that `save_checkpoint` wrote, or a
            released snapshot (.pth, .tar) of PI-Net or of a recurrent variant of table 6, which
            has the published formulation.

    Raises:
        ModelError: the file is missing, damaged, of another kind, or does not fit the network.
    """
    path = weights_file(weights)
    if path.suffix == ".safetensors":
        return _load_own(path)
    if path.suffix in _RELEASED:
        state = load_released_state(path)
        network = build_network(_released_config(state))
        load_state_strict(network, state, str(path))
        return Checkpoint(network.eval(), PUBLISHED)
    raise ModelError(
        f"refiner weights end in .safetensors, {' or '.join(_RELEASED)}, got {path.name}"
    )


def weights_file(weights: str | Path) -> Path:
    """Where weights are, one of SHIPPED_WEIGHTS or a file.

    Raises:
        ModelError: there is no such file.
    """
    path = _shipped(str(weights)) if weights in SHIPPED_WEIGHTS else Path(weights)
    if not path.is_file():
        raise ModelError(
            f"there are no refiner weights at {path}; give one of {', '.join(SHIPPED_WEIGHTS)}, "
            "the weights.safetensors of a run of `pinet train` or a released snapshot (.pth.tar)"
        )
    return path


def save_checkpoint(
    path: Path, network: PINet | PairGraph, formulation: Formulation, *, half: bool = False
) -> None:
    """Write weights and what they mean; an interrupted run leaves no broken file behind.

    Args:
        path: of the .safetensors file.
        network: PINet or PairGraph.
        formulation: what its values mean.
        half: store in half precision: half the size, poses equal to 0.1 mm.
    """
    metadata = {"architecture": _ARCHITECTURE, "joint_set": MUPOTS_17.name}
    described = asdict(formulation) | asdict(network.config)
    metadata |= {name: _as_text(value) for name, value in described.items()}
    state = {name: value.detach().cpu() for name, value in network.state_dict().items()}
    state = _in_half(state) if half else state
    write_whole(path, lambda stream: stream.write(save(state, metadata)))


def _in_half(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Matrices (R,C) as whole numbers of 16 bits, and the scale (R,1) of each row.

    These are 16 bits for each weight, as float16 has. But float16 spends 5 of them on exponents,
    which the weights of a row do not need: rounded to it, the default weights move joints by up
    to 0.5 mm, rounded like this by less than 0.1 mm.
    """
    stored: dict[str, Tensor] = {}
    for name, value in state.items():
        if value.ndim != 2:
            stored[name] = value
            continue
        scale = value.abs().amax(dim=1, keepdim=True).clamp_min(1e-12) / _LARGEST
        stored[name] = (value / scale).round().to(torch.int16)
        stored[name + _SCALE] = scale
    return stored


def _in_single(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of `_in_half`; tensors of other types become float32."""
    return {
        name: value.float() * stored.get(name + _SCALE, 1.0)
        for name, value in stored.items()
        if not name.endswith(_SCALE)
    }


def _shipped(name: str) -> Path:
    return Path(str(resources.files("pinet_ros.refinement") / "weights" / f"{name}.safetensors"))


def _load_own(path: Path) -> Checkpoint:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = _in_single({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"{path} is damaged or not a safetensors file: {error}; copy it again, or reinstall "
            "pinet_ros if it came with the package"
        ) from error
    _require(path, metadata, "architecture", _ARCHITECTURE)
    _require(path, metadata, "joint_set", MUPOTS_17.name)
    if ignored := [name for name in _FORMER_OPTIONS if name in metadata]:
        _log.info("%s: ignoring %s, now options of the refiner", path.name, ", ".join(ignored))
    try:
        network = build_network(_from_metadata(NetworkConfig, metadata))
        formulation = _from_metadata(Formulation, metadata)
    except ValueError as error:
        raise ModelError(f"the metadata of {path} cannot be used: {error}") from error
    load_state_strict(network, state, str(path))
    return Checkpoint(network.eval(), formulation)


def _as_text(value: Enum | bool | int | str) -> str:
    return str(value.value if isinstance(value, Enum) else value).lower()


def _from_metadata(kind: type[_Config], metadata: dict[str, str]) -> _Config:
    """Each field from its text, in the type of its default.

    Raises:
        ValueError: a field is missing or cannot have its value.
    """
    values: dict[str, Any] = {}
    for field in fields(kind):
        if field.name not in metadata:
            raise ValueError(
                f"it lacks {field.name}, as another version of pinet_ros wrote it; train again"
            )
        of_type: Any = type(field.default)
        text = metadata[field.name]
        try:
            values[field.name] = _BOOLEANS[text] if of_type is bool else of_type(text)
        except (KeyError, ValueError) as error:
            raise ValueError(f"{field.name} cannot be {text!r}") from error
    return kind(**values)


def _released_config(state: dict[str, Tensor]) -> NetworkConfig:
    """Which recurrent variant a released state is of; the default where that cannot be told."""
    first, recurrent = state.get("rnn.weight_ih_l0"), state.get("rnn.weight_hh_l0")
    if first is None or recurrent is None:
        return NetworkConfig()
    gates = len(recurrent) // recurrent.shape[-1]
    return NetworkConfig(
        unit={3: Unit.GRU, 4: Unit.LSTM}.get(gates, Unit.GRU),
        layers=len([name for name in state if re.fullmatch(r"rnn\.weight_ih_l\d+", name)]),
        bidirectional="rnn.weight_ih_l0_reverse" in state,
        attention="Wa.weight" in state,
    )


def _require(path: Path, metadata: dict[str, str], key: str, wanted: str) -> None:
    if metadata.get(key) != wanted:
        raise ModelError(
            f"{path} is not for this refiner: its metadata must say {key}={wanted}, "
            f"got {metadata.get(key)}"
        )
