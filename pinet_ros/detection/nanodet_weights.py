"""Weights of NanoDet's network: safetensors files, in half precision."""

from __future__ import annotations

from pathlib import Path

from pinet_ros.detection.nanodet_network import NanoDetNetwork
from pinet_ros.models.networks import module_onnx
from pinet_ros.models.own_weights import read_weights, save_weights, weights_path
from pinet_ros.models.released import load_state_strict

NANODET = "nanodet"

_SHIPPED = Path(__file__).with_name("weights")


def nanodet_file(weights: str | Path = "") -> Path:
    """Path of NanoDet's weights.

    Args:
        weights: a .safetensors file; empty for the weights in the package.

    Raises:
        ModelError: the file does not exist.
    """
    return weights_path(_SHIPPED, NANODET, weights, "train-detector")


def load_nanodet(file: Path) -> NanoDetNetwork:
    """Load the network in single precision, in evaluation mode.

    Raises:
        ModelError: the file is missing or damaged, or holds another network's weights.
    """
    network = NanoDetNetwork()
    load_state_strict(network, read_weights(file, NANODET), str(file))
    return network.eval()


def save_nanodet(path: Path, network: NanoDetNetwork) -> None:
    """Write the network's weights in half precision, see `save_weights`."""
    save_weights(path, NANODET, network)


def export_nanodet(weights: str | Path = "") -> bytes:
    """Export the network to ONNX, with the inputs and outputs of NanoDetNetwork.

    Args:
        weights: see `nanodet_file`.

    Returns:
        The content of the ONNX file.

    Raises:
        ModelError: the weights are missing, damaged, or another network's; or ONNX Runtime's
            outputs differ from torch's.
        PinetError: ONNX's packages are missing.
    """
    file = nanodet_file(weights)
    network = load_nanodet(file)
    return module_onnx(network, network.output_names, file)
