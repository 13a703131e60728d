"""MediaPipe's published BlazePose models, which a training starts from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from pinet_ros.errors import ModelError
from pinet_ros.lifting.blazepose_network import BlazePoseNetwork
from pinet_ros.lifting.blazepose_weights import save_blazepose
from pinet_ros.models.networks import Network, as_network
from pinet_training.originals import fetch
from pinet_training.originals.graph_module import GraphModule
from pinet_training.originals.kept_weights import kept_weights
from pinet_training.originals.layers import Convolution
from pinet_training.originals.tflite import load_tflite

# What a published model returns, by our names and those in the file; the segmentation is left out.
PUBLISHED_OUTPUTS = {
    "landmarks": "Identity",  # (B,195)
    "presence": "Identity_1",  # (B,1)
    "heatmaps": "Identity_3",  # (B,39,64,64)
    "world": "Identity_4",  # (B,117)
}


def load_published(path: Path) -> GraphModule:
    """Load a published model as it is, with the outputs of PUBLISHED_OUTPUTS.

    Raises:
        ModelError: the file is missing or damaged.
    """
    return load_tflite(path, list(PUBLISHED_OUTPUTS.values()))


def published_by_onnx(name: str) -> Network:
    """A published model in ONNX Runtime on the CPU, with the outputs of PUBLISHED_OUTPUTS.

    Args:
        name: one of BLAZEPOSE.

    Raises:
        ModelError: it has not been fetched.
        PinetError: ONNX's packages are missing.
    """
    file = fetch.path(name)
    return as_network(load_published(file), list(PUBLISHED_OUTPUTS), "cpu", "onnx", file)


def published_network(name: str) -> BlazePoseNetwork:
    """Our network with the weights of a published model, in evaluation mode.

    Args:
        name: one of BLAZEPOSE.

    Raises:
        ModelError: the model has not been fetched.
    """
    network = BlazePoseNetwork(name.removeprefix("blazepose_"), deviations=False)
    import_blazepose(network, fetch.path(name))
    return network.eval()


def published_weights(name: str) -> Path:
    """Path of a published model's weights in the format of our own, made once in the cache.

    Args:
        name: one of BLAZEPOSE.

    Raises:
        ModelError: the model has not been fetched.
    """
    source = fetch.path(name)
    return kept_weights(
        source, name, lambda path: save_blazepose(path, name, published_network(name))
    )


@torch.no_grad()
def import_blazepose(network: BlazePoseNetwork, path: Path) -> None:
    """Copy the weights of a published model; those of deviations, which it lacks, stay.

    Args:
        network: of the same variant.
        path: the .tflite file.

    Raises:
        ModelError: the file is missing, damaged, or of another network.
    """
    published = load_published(path)
    sources = [each for each in published.operations if isinstance(each, Convolution)]
    targets = list(_convolutions(network))
    if [each.weight.shape for each in sources] != [each.weight.shape for each in targets]:
        raise ModelError(f"{path} does not have the layers of this variant of BlazePose")
    for source, target in zip(sources, targets, strict=True):
        target.weight.copy_(source.weight)
        cast(Tensor, target.bias).copy_(cast(Tensor, source.bias))


def _convolutions(network: BlazePoseNetwork) -> Iterator[nn.Conv2d]:
    """The network's convolutions in the order of the published files."""
    for part in _parts(network):
        yield from (each for each in part.modules() if isinstance(each, nn.Conv2d))


def _parts(network: BlazePoseNetwork) -> Iterator[Any]:
    yield from (network.stem, network.first)
    for number, stage in enumerate(network.stages):
        for index, block in enumerate(stage.children()):
            yield block.expand
            if number and not index:  # the finer scale is tapped here
                yield network.taps[number - 1]
            yield from (block.filter, block.project)
    yield from (network.last, network.taps[-1], network.heatmaps, network.regression)
    yield from (network.landmarks, network.world, network.presence)
