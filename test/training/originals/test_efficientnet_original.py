"""EfficientNet-Lite0 against its published weights, applied layer by layer."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from pinet_ros.errors import ModelError
from pinet_ros.lifting.mppe.efficientnet_lite import EfficientNetLite0
from pinet_ros.models.released import load_state_strict
from pinet_training.originals import efficientnet_original as original
from pinet_training.originals import fetch

# blocks of B0: kernel, stride and whether the block is added to its input
BLOCKS = [
    *[(3, 1, False)],
    *[(3, 2, False), (3, 1, True)],
    *[(5, 2, False), (5, 1, True)],
    *[(3, 2, False), (3, 1, True), (3, 1, True)],
    *[(5, 1, False), (5, 1, True), (5, 1, True)],
    *[(5, 2, False), (5, 1, True), (5, 1, True), (5, 1, True)],
    *[(3, 1, False)],
]


@pytest.fixture(scope="module")
def state():
    fetch.fetch([original.EFFICIENTNET])
    path = fetch.path(original.EFFICIENTNET)
    return torch.load(path, map_location="cpu", weights_only=True)


def convolved(state, x, convolution, normalisation, stride=1, activation=True):
    """With TensorFlow's padding, which is as small as it can be, and larger at the end."""
    weight = state[f"{convolution}.weight"]
    kernel = weight.shape[-1]
    needed = max(0, (-(-x.shape[-1] // stride) - 1) * stride + kernel - x.shape[-1])
    before, after = needed // 2, needed - needed // 2
    groups = len(weight) if weight.shape[1] == 1 else 1
    x = F.conv2d(F.pad(x, (before, after, before, after)), weight, None, stride, 0, 1, groups)
    names = ("running_mean", "running_var", "weight", "bias")
    x = F.batch_norm(x, *(state[f"{normalisation}.{name}"] for name in names), eps=1e-3)
    return F.relu6(x) if activation else x


def test_features_are_those_of_the_published_weights(state):
    network = EfficientNetLite0().eval()
    load_state_strict(network, original.published_efficientnet(), "published")
    pixels = torch.randint(0, 256, (2, 3, 128, 128), generator=torch.Generator().manual_seed(0))
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    x = convolved(state, (pixels - 127.0) / 128, "_conv_stem", "_bn0", 2)
    for number, (kernel, stride, residual) in enumerate(BLOCKS):
        name, before = f"_blocks.{number}.", x
        assert state[f"{name}_depthwise_conv.weight"].shape[-1] == kernel
        if number:
            x = convolved(state, x, f"{name}_expand_conv", f"{name}_bn0")
        x = convolved(state, x, f"{name}_depthwise_conv", f"{name}_bn1", stride)
        x = convolved(state, x, f"{name}_project_conv", f"{name}_bn2", activation=False)
        x = x + before if residual else x
    with torch.inference_mode():
        found = network((pixels / 255 - mean) / std)
    assert found.shape == (2, network.channels, 4, 4)
    assert x.std() > 0.1
    torch.testing.assert_close(found, x, rtol=1e-3, atol=1e-3)


def test_other_weights_are_refused(state, monkeypatch):
    monkeypatch.setattr(original, "read_torch_file", lambda _: {"fc.weight": torch.zeros(2)})
    with pytest.raises(ModelError, match="must hold the weights of EfficientNet-Lite0"):
        original.published_efficientnet()
