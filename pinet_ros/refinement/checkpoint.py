"""Weights of the refiner on disk: this project's own, and released snapshots."""

from __future__ import annotations

import os
from dataclasses import asdict, fields
from importlib import resources
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from pinet_ros.models.catalog import ModelError
from pinet_ros.models.released import load_released_state, load_state_strict
from pinet_ros.refinement.formulation import PUBLISHED, Formulation
from pinet_ros.refinement.model import PINet, PINetConfig
from pinet_ros.skeleton import MUPOTS_17

DEFAULT_WEIGHTS = Path(
    str(resources.files("pinet_ros.refinement") / "weights" / "pinet_root_centred.safetensors")
)

_ARCHITECTURE = "pinet"
_RELEASED = (".pth", ".tar")


def load_network(path: Path) -> tuple[PINet, Formulation]:
    """Load a network and what its values mean.

    Args:
        path: a .safetensors file that `save_network` wrote, or a released snapshot (.pth, .tar),
            which has the published formulation.

    Raises:
        ModelError: the file is missing, of another kind, or does not fit the network.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(
            f"there are no refiner weights at {path}; give a .safetensors file of "
            "`pinet train scenes` or a released snapshot (.pth.tar)"
        )
    if path.suffix == ".safetensors":
        return _load_own(path)
    if path.suffix in _RELEASED:
        network = PINet()
        load_state_strict(network, load_released_state(path), str(path))
        return network.eval(), PUBLISHED
    raise ModelError(
        f"refiner weights end in .safetensors, {' or '.join(_RELEASED)}, got {path.name}"
    )


def save_network(path: Path, network: PINet, formulation: Formulation) -> None:
    """Write weights and what they mean; an interrupted run leaves no broken file behind."""
    metadata = {
        "architecture": _ARCHITECTURE,
        "joint_set": MUPOTS_17.name,
        "standardisation": formulation.standardisation,
        "target": formulation.target.value,
        **{name: str(size) for name, size in asdict(network.config).items()},
    }
    state = {name: value.detach().cpu() for name, value in network.state_dict().items()}
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_bytes(save(state, metadata))
    partial.replace(path)


def _load_own(path: Path) -> tuple[PINet, Formulation]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ModelError(f"{path} is not a safetensors file: {error}") from error
    _require(path, metadata, "architecture", _ARCHITECTURE)
    _require(path, metadata, "joint_set", MUPOTS_17.name)
    try:
        sizes = {field.name: int(metadata[field.name]) for field in fields(PINetConfig)}
        formulation = Formulation(metadata["standardisation"], metadata["target"])
    except (KeyError, ValueError) as error:
        raise ModelError(f"the metadata of {path} cannot be used: {error}") from error
    network = PINet(PINetConfig(**sizes))
    load_state_strict(network, state, str(path))
    return network.eval(), formulation


def _require(path: Path, metadata: dict[str, str], key: str, wanted: str) -> None:
    if metadata.get(key) != wanted:
        raise ModelError(
            f"{path} is not for this refiner: its metadata must say {key}={wanted}, "
            f"got {metadata.get(key)}"
        )
