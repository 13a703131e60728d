"""Weights of this package's own networks: safetensors files in half precision.

The metadata name the network, so that weights are never loaded into another one.
"""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import save
from torch import Tensor, nn

from pinet_ros.errors import ModelError, one_line
from pinet_ros.models.safetensors_file import read_safetensors
from pinet_ros.util.files import write_whole

_NETWORK = "network"  # key of the metadata


def weights_path(shipped: Path, name: str, weights: str | Path, command: str) -> Path:
    """Path of a network's weights.

    Args:
        shipped: folder of the package with its own weights.
        name: of the network.
        weights: a .safetensors file; empty for the weights in the package.
        command: of `pinet` that writes such files, for the message.

    Raises:
        ModelError: the file does not exist.
    """
    path = Path(weights) if weights else shipped / f"{name}.safetensors"
    if path.is_file():
        return path
    if weights:
        raise ModelError(
            f"there are no weights of {name} at {path}; give a weights.safetensors that `pinet "
            f"{command}` wrote, or none for those in the package"
        )
    raise ModelError(
        f"{path} is missing, which is a part of this package; install the package again"
    )


def network_of(file: Path) -> str:
    """Name of the network whose weights a file holds; empty if it does not say.

    Raises:
        ModelError: the file is missing or damaged.
    """
    return str(read_safetensors(file)[0].get(_NETWORK, ""))


def read_weights(file: Path, name: str) -> dict[str, Tensor]:
    """Read the weights of a network, in single precision.

    Args:
        file: the .safetensors file.
        name: of the network.

    Raises:
        ModelError: the file is missing or damaged, or holds another network's weights.
    """
    metadata, state = read_safetensors(file)
    if metadata.get(_NETWORK) != name:
        raise ModelError(
            f"{file} must hold weights of {name}, got those of "
            f"{one_line(str(metadata.get(_NETWORK)))}; give weights of this network"
        )
    return {key: value.float() for key, value in state.items()}


def save_weights(path: Path, name: str, network: nn.Module) -> None:
    """Write a network's weights in half precision; an interrupted run leaves no broken file.

    Args:
        path: the .safetensors file.
        name: of the network.
        network: the network.

    Raises:
        ModelError: a weight is too large for half precision, or not finite.
    """
    state = {key: value.detach().cpu().half() for key, value in network.state_dict().items()}
    if too_large := [key for key, value in state.items() if not value.isfinite().all()]:
        raise ModelError(
            f"the weights {too_large[0]} of {name} are too large for half precision, or not "
            "finite; they are not written"
        )
    content = save({key: value.contiguous() for key, value in state.items()}, {_NETWORK: name})
    write_whole(path, lambda stream: stream.write(content))
