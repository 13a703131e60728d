"""Weights of BlazePose's network: safetensors files, in half precision."""

from __future__ import annotations

from pathlib import Path

from pinet_ros.errors import ModelError, one_line
from pinet_ros.lifting.blazepose_network import VARIANTS, BlazePoseNetwork
from pinet_ros.models import own_weights
from pinet_ros.models.networks import module_onnx
from pinet_ros.models.own_weights import read_weights, save_weights, weights_path
from pinet_ros.models.released import load_state_strict

BLAZEPOSE = tuple(f"blazepose_{variant}" for variant in VARIANTS)

_SHIPPED = Path(__file__).with_name("weights")
_DEVIATIONS = "deviations.weight"  # of the head that the published weights lack


def weights_file(name: str, weights: str | Path = "") -> Path:
    """Path of a network's weights.

    Args:
        name: one of BLAZEPOSE.
        weights: a .safetensors file; empty for the weights in the package.

    Raises:
        ModelError: the file does not exist.
    """
    return weights_path(_SHIPPED, name, weights, "train-lifter")


def network_of(file: Path) -> str:
    """Name of the network, one of BLAZEPOSE, whose weights a .safetensors file holds.

    Raises:
        ModelError: the file is missing or damaged, or holds other weights.
    """
    name = own_weights.network_of(file)
    if name not in BLAZEPOSE:
        raise ModelError(
            f"{file} must hold weights of one of {', '.join(BLAZEPOSE)}, got those of "
            f"{one_line(name or 'no network')}; give a weights.safetensors that `pinet "
            "train-lifter` wrote"
        )
    return name


def load_blazepose(name: str, file: Path) -> BlazePoseNetwork:
    """Load a network in single precision, in evaluation mode.

    Args:
        name: one of BLAZEPOSE.
        file: its weights, see `weights_file`.

    Raises:
        ModelError: the file is damaged, or holds another network's weights.
    """
    state = read_weights(file, name)
    variant = name.removeprefix("blazepose_")
    network = BlazePoseNetwork(variant, deviations=_DEVIATIONS in state)
    load_state_strict(network, state, str(file))
    return network.eval()


def export_blazepose(name: str, weights: str | Path = "") -> bytes:
    """Export a network to ONNX, with the inputs and outputs of BlazePoseNetwork.

    Args:
        name, weights: see `weights_file`.

    Returns:
        The content of the ONNX file.

    Raises:
        ModelError: the weights are missing, damaged, or another network's; or ONNX Runtime's
            outputs differ from torch's.
        PinetError: ONNX's packages are missing.
    """
    file = weights_file(name, weights)
    network = load_blazepose(name, file)
    return module_onnx(network, network.output_names, file)


def save_blazepose(path: Path, name: str, network: BlazePoseNetwork) -> None:
    """Write a network's weights in half precision, see `save_weights`; name is of BLAZEPOSE."""
    save_weights(path, name, network)
