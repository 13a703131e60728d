"""Fast gradients of depthwise convolutions, against torch's own."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from pinet_ros.lifting.blazepose_network import BlazePoseNetwork
from pinet_training.lifter.depthwise_gradients import speed_up_depthwise


def gradients(convolution, images, weights):
    images = images.clone().requires_grad_()
    out = convolution(images)
    (out * weights).sum().backward()
    return out.detach(), images.grad, convolution.weight.grad, convolution.bias.grad


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(8, 8), (12, 6)])
def test_gradients_are_torch_s(stride, size):
    torch.manual_seed(0)
    plain = nn.Conv2d(6, 6, 5, stride, 2, groups=6).double()
    fast = copy.deepcopy(plain)
    speed_up_depthwise(nn.Sequential(fast))
    assert type(fast) is not nn.Conv2d
    images = torch.randn(3, 6, *size, dtype=torch.float64)
    weights = torch.randn(3, 6, size[0] // stride, size[1] // stride, dtype=torch.float64)
    expected, found = (gradients(each, images, weights) for each in (plain, fast))
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


def test_images_without_gradients_get_none():
    """As of the first layer that is trained."""
    fast = nn.Conv2d(2, 2, 5, 1, 2, groups=2).double()
    speed_up_depthwise(nn.Sequential(fast))
    fast(torch.randn(1, 2, 8, 8, dtype=torch.float64)).sum().backward()
    assert fast.weight.grad is not None


def test_only_large_depthwise_kernels_are_changed():
    others = nn.Sequential(
        nn.Conv2d(4, 4, 3, 1, 1, groups=4),
        nn.Conv2d(4, 4, 5, 1, 2),
        nn.Conv2d(4, 4, 5, 1, 0, groups=4),
        nn.Conv2d(4, 8, 5, 1, 2, groups=4),
    )
    speed_up_depthwise(others)
    assert {type(each) for each in others} == {nn.Conv2d}


def test_a_network_s_keys_and_results_stay():
    network = BlazePoseNetwork("lite").eval()
    fast = copy.deepcopy(network)
    speed_up_depthwise(fast)
    assert list(fast.state_dict()) == list(network.state_dict())
    changed = [each for each in fast.modules() if type(each).__base__ is nn.Conv2d]
    assert len(changed) == 9  # of stages 2 to 4
    with torch.inference_mode():
        crops = torch.rand(1, *network.input_shape)
        torch.testing.assert_close(fast(crops), network(crops), rtol=0, atol=0)
