"""Initial weights of a training."""

from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import torch
from torch import nn

from pinet_ros.errors import PinetError
from pinet_ros.lifting.mppe.backbone import SMALL
from pinet_ros.models.cache import sha256_of
from pinet_ros.models.released import load_released_state, load_state_strict
from pinet_ros.skeleton import JointSet
from pinet_training.lifter.lifter_recipe import LifterRecipe
from pinet_training.lifter.targets import TASKS
from pinet_training.originals import fetch
from pinet_training.originals.efficientnet_original import EFFICIENTNET, published_efficientnet

IMAGENET, RANDOM = "imagenet", "random"


def initial_network(recipe: LifterRecipe, joint_set: JointSet, initial: str) -> nn.Module:
    """Build a network with its initial weights; random weights follow from the recipe's seed.

    Args:
        recipe: which network, its backbone and the seed.
        joint_set: output joints of PoseNet.
        initial: `imagenet` for published weights in the backbone, downloaded once; `random`;
            or the path of a snapshot of the same network.

    Raises:
        ModelError: the snapshot cannot be read, or belongs to another network.
        PinetError: the ImageNet weights cannot be downloaded.
    """
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        network = TASKS[recipe.network].build(joint_set, recipe.backbone)
    if initial == IMAGENET:
        state, source = _imagenet_state(recipe.backbone)
        load_state_strict(network.backbone, state, source)
    elif initial != RANDOM:
        wanted = f"{len(joint_set)} joints and {recipe.backbone}"
        source = f"{initial}, as initial weights for {wanted},"
        load_state_strict(network, load_released_state(initial), source)
    return network


def describe_initial(initial: str) -> str:
    """Return what identifies initial weights: their name, or the SHA-256 of a snapshot."""
    return initial if initial in (IMAGENET, RANDOM) else sha256_of(Path(initial))


def _imagenet_state(backbone: str) -> tuple[dict[str, torch.Tensor], str]:
    """Weights of a backbone trained on ImageNet, and where they are from."""
    if backbone == SMALL:
        fetch.fetch([EFFICIENTNET])
        return published_efficientnet(), "the published EfficientNet-Lite0"
    return _of_torchvision(backbone), "torchvision's ResNet"


def _of_torchvision(backbone: str) -> dict[str, torch.Tensor]:
    from torchvision.models import get_model_weights  # importing it takes seconds

    weights = get_model_weights(backbone).DEFAULT
    try:
        state = weights.get_state_dict(progress=True, check_hash=True)
    except (URLError, OSError, RuntimeError) as error:
        raise PinetError(
            f"torchvision cannot download {weights.url}: {error}; download it on a machine with "
            f"network access into {torch.hub.get_dir()}/checkpoints, or start from other weights "
            "with --initial (random, or a snapshot)"
        ) from error
    return {name: value for name, value in state.items() if not name.startswith("fc.")}
