"""Files of refiner weights: those of this project, and released snapshots."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import asdict, fields
from enum import Enum
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
from safetensors.torch import save
from torch import Tensor

from pinet_ros.errors import ModelError, one_line
from pinet_ros.models.released import load_released_state, load_state_strict
from pinet_ros.models.safetensors_file import read_safetensors
from pinet_ros.refinement.formulation import PUBLISHED, Formulation
from pinet_ros.refinement.model import NetworkConfig, PINet, Unit
from pinet_ros.refinement.pair_graph import PairGraph
from pinet_ros.skeleton import MUPOTS_17
from pinet_ros.util.files import write_whole

# The weights in the package, each named after the lifter whose errors it was trained on.
DEFAULT_WEIGHTS = "blazepose_full"
SHIPPED_WEIGHTS = (DEFAULT_WEIGHTS, "blazepose_lite")

_LEARNT = {"blazepose_lite": ("blazepose_lite",)}  # what a file from before `estimators` lacks
_ARCHITECTURE = "pinet"
_ESTIMATORS = "estimators"  # in the metadata, separated by commas
_LATER = ("neighbours", "deviations")  # fields that older files do not store
_RELEASED = (".pth", ".tar")
_SCALE = ".scale"  # suffix to the name of a matrix that is stored as integers
_LARGEST = torch.iinfo(torch.int16).max
_BOOLEANS = {"true": True, "false": False}
# Options of inference that version 0.1.0 stored with the weights, and that no longer exist.
_FORMER_OPTIONS = ("symmetric", "turn_threshold", "root_threshold")

_log = logging.getLogger(__name__)
_Config = TypeVar("_Config", NetworkConfig, Formulation)


class Checkpoint(NamedTuple):
    """A trained network, and what its weights are for.

    Attributes:
        network: PINet or PairGraph.
        formulation: its formulation.
        estimators: the estimators whose errors it has learnt, as in `People.estimator`. A
            lifter's name, such as blazepose_full, stands for all of its weights.
    """

    network: PINet | PairGraph
    formulation: Formulation
    estimators: tuple[str, ...] = ()


def build_network(config: NetworkConfig) -> PINet | PairGraph:
    """Build a network with random weights."""
    return PairGraph(config) if config.unit is Unit.GCN else PINet(config)


def weights_for(lifter: str) -> str:
    """Name of the weights in SHIPPED_WEIGHTS that suit a lifter.

    Raises:
        ModelError: none does, as they were trained on the errors of another kind of lifter.
    """
    if lifter in SHIPPED_WEIGHTS:
        return lifter
    raise ModelError(
        f"the package has no refiner weights for the lifter {lifter}; give a file from `pinet "
        "train` on this lifter's people, or a released snapshot (.pth.tar)"
    )


def load_checkpoint(weights: str | Path) -> Checkpoint:
    """Load a network, in single precision, and its formulation.

    Args:
        weights: one of SHIPPED_WEIGHTS; or a .safetensors file written by `save_checkpoint`; or a
            released snapshot (.pth, .tar) of PI-Net or of a recurrent variant of table 6, which
            has the published formulation.

    Returns:
        The network, in evaluation mode, and what it is for.

    Raises:
        ModelError: the file is missing, damaged, of another kind, or does not fit the network.
    """
    path = weights_file(weights)
    if path.suffix == ".safetensors":
        loaded = _load_own(path)
        return loaded._replace(estimators=loaded.estimators or _LEARNT.get(str(weights), ()))
    if path.suffix in _RELEASED:
        state = load_released_state(path)
        network = build_network(_released_config(state))
        load_state_strict(network, state, str(path))
        return Checkpoint(network.eval(), PUBLISHED)
    raise ModelError(
        f"refiner weights must end in .safetensors, {' or '.join(_RELEASED)}, got {path.name}"
    )


def weights_file(weights: str | Path) -> Path:
    """Path of weights, given by a name in SHIPPED_WEIGHTS or by a file.

    Raises:
        ModelError: the file does not exist.
    """
    path = _shipped(str(weights)) if weights in SHIPPED_WEIGHTS else Path(weights)
    if not path.is_file():
        raise ModelError(
            f"there are no refiner weights at {path}; give one of {', '.join(SHIPPED_WEIGHTS)}, "
            "a weights.safetensors written by `pinet train`, or a released snapshot (.pth.tar)"
        )
    return path


def save_checkpoint(
    path: Path,
    network: PINet | PairGraph,
    formulation: Formulation,
    estimators: Sequence[str] = (),
    *,
    half: bool = False,
) -> None:
    """Write a network and what it is for; an interrupted run leaves no broken file.

    Args:
        path: path of the .safetensors file.
        network: PINet or PairGraph.
        formulation: the formulation that the network was trained with.
        estimators: the estimators whose people it was trained on; empty for unknown ones.
        half: store in half precision: half the size, poses that agree to 0.1 mm.
    """
    metadata = {"architecture": _ARCHITECTURE, "joint_set": MUPOTS_17.name}
    metadata[_ESTIMATORS] = ",".join(estimators)
    described = asdict(formulation) | asdict(network.config)
    metadata |= {name: _as_text(value) for name, value in described.items()}
    state = {name: value.detach().cpu() for name, value in network.state_dict().items()}
    state = _in_half(state) if half else state
    write_whole(path, lambda stream: stream.write(save(state, metadata)))


def _in_half(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Convert matrices (R,C) to 16-bit integers and a scale (R,1) for each row.

    float16 has 16 bits for each weight too, but spends 5 of them on exponents, which the weights
    of a row do not need. Rounding the default weights to float16 moves joints by up to 0.5 mm,
    this rounding by less than 0.1 mm.
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
    metadata, stored = read_safetensors(path)
    try:
        state = _in_single(stored)
    except RuntimeError as error:  # scales of another shape
        raise ModelError(f"{path} is damaged: {one_line(error)}; copy it again") from error
    _require(path, metadata, "architecture", _ARCHITECTURE)
    _require(path, metadata, "joint_set", MUPOTS_17.name)
    if ignored := [name for name in _FORMER_OPTIONS if name in metadata]:
        _log.info("%s: ignoring %s, which have no effect any more", path.name, ", ".join(ignored))
    try:
        config = _from_metadata(NetworkConfig, metadata)
        formulation = _from_metadata(Formulation, metadata)
        if config.deviations != formulation.has_deviations:
            raise ValueError(
                f"deviations = {config.deviations} does not go with {formulation.standardisation}"
            )
        _require_size(config, state)
    except ValueError as error:
        raise ModelError(f"the metadata of {path} cannot be used: {one_line(error)}") from error
    network = build_network(config)
    load_state_strict(network, state, str(path))
    estimators = tuple(filter(None, metadata.get(_ESTIMATORS, "").split(",")))
    return Checkpoint(network.eval(), formulation, estimators)


def _require_size(config: NetworkConfig, state: dict[str, Tensor]) -> None:
    """Raise a ValueError if the weights are too few; the network may not fit into memory, then."""
    longest = max((length for value in state.values() for length in value.shape), default=0)
    for name, limit in (("layers", len(state)), ("hidden", longest), ("joints", longest)):
        if getattr(config, name) > limit:
            raise ValueError(f"the weights are too few for {name} = {getattr(config, name)}")


def _as_text(value: Enum | bool | int | str) -> str:
    return str(value.value if isinstance(value, Enum) else value).lower()


def _from_metadata(kind: type[_Config], metadata: dict[str, str]) -> _Config:
    """Parse each field from its text, as the type of its default; files may lack _LATER fields.

    Raises:
        ValueError: a field is missing or its value is not allowed.
    """
    values: dict[str, Any] = {}
    for field in fields(kind):
        if field.name not in metadata and field.name in _LATER:
            continue
        if field.name not in metadata:
            raise ValueError(
                f"it lacks {field.name}, so another version of pinet_ros wrote it; train again"
            )
        of_type: Any = type(field.default)
        text = metadata[field.name]
        try:
            values[field.name] = _BOOLEANS[text] if of_type is bool else of_type(text)
        except (KeyError, ValueError) as error:
            raise ValueError(f"{field.name} cannot be {text!r}") from error
    return kind(**values)


def _released_config(state: dict[str, Tensor]) -> NetworkConfig:
    """The recurrent variant of a released state; the default if it cannot be inferred."""
    first, recurrent = state.get("rnn.weight_ih_l0"), state.get("rnn.weight_hh_l0")
    if first is None or recurrent is None or recurrent.ndim != 2 or not recurrent.numel():
        return NetworkConfig()
    gates = len(recurrent) // recurrent.shape[-1]
    return NetworkConfig(
        unit={3: Unit.GRU, 4: Unit.LSTM}.get(gates, Unit.GRU),
        layers=len([name for name in state if re.fullmatch(r"rnn\.weight_ih_l\d+", name)]),
        bidirectional="rnn.weight_ih_l0_reverse" in state,
        attention="Wa.weight" in state,
    )


def _require(path: Path, metadata: dict[str, str], key: str, expected: str) -> None:
    if metadata.get(key) != expected:
        raise ModelError(
            f"{path} is not for this refiner: its metadata must have {key}={expected}, "
            f"got {one_line(metadata.get(key))}; give weights written by `pinet train`"
        )
