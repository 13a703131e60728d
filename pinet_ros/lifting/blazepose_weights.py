"""Weights of BlazePose's network: safetensors files, in half precision."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import save

from pinet_ros.errors import one_line
from pinet_ros.lifting.blazepose_network import VARIANTS, BlazePoseNetwork
from pinet_ros.models.catalog import ModelError
from pinet_ros.models.networks import module_onnx
from pinet_ros.models.released import load_state_strict
from pinet_ros.models.safetensors_file import read_safetensors
from pinet_ros.util.files import write_whole

BLAZEPOSE = tuple(f"blazepose_{variant}" for variant in VARIANTS)

_SHIPPED = Path(__file__).with_name("weights")
_NETWORK = "network"  # key of the metadata
_DEVIATIONS = "deviations.weight"  # of the head that the published weights lack


def weights_file(name: str, weights: str | Path = "") -> Path:
    """Path of a network's weights.

    Args:
        name: one of BLAZEPOSE.
        weights: a .safetensors file; empty for the weights in the package.

    Raises:
        ModelError: the file does not exist.
    """
    path = Path(weights) if weights else _SHIPPED / f"{name}.safetensors"
    if path.is_file():
        return path
    if weights:
        raise ModelError(
            f"there are no weights of {name} at {path}; give a weights.safetensors that `pinet "
            "train-lifter` wrote, or none for those in the package"
        )
    raise ModelError(
        f"{path} is missing, which is a part of this package; install the package again"
    )


def network_of(file: Path) -> str:
    """Name of the network, one of BLAZEPOSE, whose weights a .safetensors file holds.

    Raises:
        ModelError: the file is missing or damaged, or holds other weights.
    """
    name = read_safetensors(file)[0].get(_NETWORK)
    if name not in BLAZEPOSE:
        raise ModelError(
            f"{file} must hold weights of one of {', '.join(BLAZEPOSE)}, got those of "
            f"{one_line(str(name))}; give a weights.safetensors that `pinet train-lifter` wrote"
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
    metadata, state = read_safetensors(file)
    if metadata.get(_NETWORK) != name:
        raise ModelError(
            f"{file} must hold weights of {name}, got those of "
            f"{one_line(str(metadata.get(_NETWORK)))}; choose the lifter that they belong to"
        )
    variant = name.removeprefix("blazepose_")
    network = BlazePoseNetwork(variant, deviations=_DEVIATIONS in state)
    load_state_strict(network, {key: value.float() for key, value in state.items()}, str(file))
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
    """Write a network's weights in half precision; an interrupted run leaves no broken file.

    Args:
        path: the .safetensors file.
        name: one of BLAZEPOSE.
        network: the network.
    """
    state = {key: value.detach().cpu().half() for key, value in network.state_dict().items()}
    content = save({key: value.contiguous() for key, value in state.items()}, {_NETWORK: name})
    write_whole(path, lambda stream: stream.write(content))
