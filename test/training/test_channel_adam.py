"""Adam with steps that fit what goes through each channel."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pinet_training.runs.channel_adam import ChannelAdam, step_sizes


@pytest.fixture
def pictures():
    """Four channels of pictures whose means and spreads differ."""
    torch.manual_seed(0)
    means, spreads = torch.tensor([[10.0, 0, 1, 5], [0.1, 2, 1, 3]]).view(2, 1, 4, 1, 1)
    return means + spreads * torch.randn(8, 4, 9, 9)


def test_a_size_is_the_spread_over_what_comes_in(pictures):
    layer = nn.Conv2d(4, 3, (3, 1))
    sizes = step_sizes(layer, lambda: layer(pictures))
    with torch.no_grad():
        spread = layer(pictures).transpose(0, 1).reshape(3, -1).std(1)
    reach = (3 * pictures.square().mean((0, 2, 3)).sum()).sqrt()
    torch.testing.assert_close(sizes[layer.weight].flatten(), spread / reach)
    torch.testing.assert_close(sizes[layer.bias], spread)


@pytest.mark.parametrize("groups", [2, 4])
def test_a_group_counts_its_own_inputs(pictures, groups):
    layer = nn.Conv2d(4, 8, 1, groups=groups, bias=False)
    parts = [nn.Conv2d(4 // groups, 8 // groups, 1, bias=False) for _ in range(groups)]
    with torch.no_grad():
        for part, weight in zip(parts, layer.weight.chunk(groups), strict=True):
            part.weight.copy_(weight)
    found = step_sizes(layer, lambda: layer(pictures))[layer.weight]
    for part, given, size in zip(
        parts, pictures.chunk(groups, dim=1), found.chunk(groups), strict=True
    ):
        expected = step_sizes(part, lambda part=part, given=given: part(given))[part.weight]
        torch.testing.assert_close(size, expected)


def test_only_what_is_trained_has_sizes_and_later_runs_change_nothing(pictures):
    network = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU(), nn.Conv2d(4, 2, 1))
    network[0].requires_grad_(False)
    sizes = step_sizes(network, lambda: network(pictures))
    assert set(sizes) == set(network[2].parameters())
    before = {each: size.clone() for each, size in sizes.items()}
    network(10 * pictures)
    assert all(torch.equal(size, before[each]) for each, size in sizes.items())


def test_independent_steps_change_what_a_channel_gives_by_a_share_of_its_spread(pictures):
    """Root mean square over channels whose weights move up or down at random."""
    wide = pictures.repeat(1, 16, 1, 1) * torch.logspace(-2, 2, 64).view(64, 1, 1)
    layer = nn.Conv2d(64, 4000, 1)
    sizes = step_sizes(layer, lambda: layer(wide))
    bias = layer.bias.detach().clone()
    optimiser = ChannelAdam(sizes, 0.01)
    with torch.no_grad():
        before = layer(wide)
    layer.weight.grad = torch.randn_like(layer.weight)
    layer.bias.grad = torch.ones_like(layer.bias)
    optimiser.step()
    moved = layer.bias.detach() - bias
    torch.testing.assert_close(moved, -0.01 * sizes[layer.bias], rtol=1e-3, atol=1e-6)
    with torch.no_grad():
        change = (layer(wide) - before - moved[:, None, None]).square().mean((0, 2, 3)).sqrt()
    share = change / before.std((0, 2, 3))
    assert share.square().mean().sqrt() == pytest.approx(0.01, rel=0.05)


def test_a_channel_that_starts_at_zero_learns(pictures):
    layer = nn.Conv2d(4, 2, 1)
    nn.init.zeros_(layer.weight)
    sizes = step_sizes(layer, lambda: layer(pictures))
    torch.testing.assert_close(sizes[layer.bias], torch.ones(2))
    optimiser = ChannelAdam(sizes, 0.01)
    optimiser.step()  # without gradients nothing happens
    assert (layer.weight == 0).all()
    layer(pictures.abs()).sum().backward()
    optimiser.step()
    torch.testing.assert_close(layer.weight, -0.01 * sizes[layer.weight].expand(2, 4, 1, 1))
