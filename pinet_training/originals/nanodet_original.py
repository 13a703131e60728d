"""The published NanoDet, which a training starts from."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from pinet_ros.detection.nanodet_network import NanoDetNetwork
from pinet_ros.detection.nanodet_weights import NANODET, save_nanodet
from pinet_ros.errors import ModelError
from pinet_training.originals import fetch
from pinet_training.originals.kept_weights import kept_weights
from pinet_training.originals.layers import Convolution
from pinet_training.originals.tfjs import load_tfjs

_CLASSES, _PERSON = 80, 0  # of COCO, in its order
# The published outputs: class probabilities of the strides 8, 16 and 32, then the distances.
_OUTPUTS = ("Identity", "Identity_1", "Identity_2", "Identity_3", "Identity_4", "Identity_5")


def published_nanodet() -> NanoDetNetwork:
    """Our network with the published weights, in evaluation mode.

    Raises:
        ModelError: the model has not been fetched.
    """
    network = NanoDetNetwork()
    import_nanodet(network, fetch.path(NANODET))
    return network.eval()


def published_nanodet_weights() -> Path:
    """Path of the published weights in the format of our own, made once in the cache.

    Raises:
        ModelError: the model has not been fetched.
    """
    source = fetch.path(NANODET)
    return kept_weights(source, NANODET, lambda path: save_nanodet(path, published_nanodet()))


@torch.no_grad()
def import_nanodet(network: NanoDetNetwork, path: Path) -> None:
    """Copy the weights of the published model; of its classes only people are kept.

    Raises:
        ModelError: the file is missing, damaged, or of another network.
    """
    graph = load_tfjs(path, list(_OUTPUTS))
    sources = [each for each in graph.operations if isinstance(each, Convolution)]
    targets = _convolutions(network)
    if len(sources) != len(targets):
        raise ModelError(f"{path} does not have the layers of this variant of NanoDet")
    for source, target in zip(sources, targets, strict=True):
        assert target.bias is not None
        weight, bias = source.weight, source.bias
        assert isinstance(bias, Tensor)
        if len(weight) > _CLASSES and len(weight) - _CLASSES + 1 == len(target.weight):
            kept = [_PERSON, *range(_CLASSES, len(weight))]
            weight, bias = weight[kept], bias[kept]
        if weight.shape != target.weight.shape:
            raise ModelError(f"{path} does not have the layers of this variant of NanoDet")
        target.weight.copy_(weight)
        target.bias.copy_(bias)


def _convolutions(network: NanoDetNetwork) -> list[nn.Conv2d]:
    """The network's convolutions in the order of the published file."""
    first, *stages = network.stages
    parts: list[nn.Module] = [network.stem, first]
    for stage, lateral in zip(stages, network.laterals, strict=True):
        parts += [stage, lateral]
    parts += network.heads
    return [each for part in parts for each in part.modules() if isinstance(each, nn.Conv2d)]
