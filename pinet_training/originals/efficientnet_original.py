"""The published EfficientNet-Lite0, trained on ImageNet, in the names of our module."""

from __future__ import annotations

from torch import Tensor

from pinet_ros.errors import ModelError
from pinet_ros.lifting.mppe.efficientnet_lite import EfficientNetLite0
from pinet_ros.models.released import read_torch_file, require_tensors
from pinet_training.originals import fetch

EFFICIENTNET = "efficientnet_lite0"

# The published names of a block's convolutions and normalisations, in the order of its layers;
# the first block does not expand.
_LAYERS = (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2"))


def published_efficientnet() -> dict[str, Tensor]:
    """The state of EfficientNetLite0; the classifier and the layer before it are left out.

    Raises:
        ModelError: the weights have not been fetched, or are not those of this network.
    """
    path = fetch.path(EFFICIENTNET)
    published = require_tensors(read_torch_file(path), path)
    prefixes = {"_conv_stem.": "stem.0.", "_bn0.": "stem.1."}
    for number, block in enumerate(EfficientNetLite0().blocks):
        for layer, names in enumerate(_LAYERS[-len(block.layers) :]):
            for part, name in enumerate(names):
                theirs = f"_blocks.{number}.{name}."
                prefixes[theirs] = f"blocks.{number}.layers.{layer}.{part}."
    state = {}
    for name, value in published.items():
        prefix = f"{name.rpartition('.')[0]}."
        if prefix in prefixes:
            state[name.replace(prefix, prefixes[prefix])] = value
    if not state:
        raise ModelError(f"{path} must hold the weights of EfficientNet-Lite0, got others")
    return state
