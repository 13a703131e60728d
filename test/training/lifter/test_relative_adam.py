"""Adam with steps relative to the weights of each channel."""

from __future__ import annotations

import torch
from torch import nn

from pinet_training.lifter.relative_adam import RelativeAdam


def trained(scales: list[float], steps: int, learning_rate: float) -> tuple[nn.Conv2d, nn.Conv2d]:
    """A convolution before and after steps along constant gradients."""
    torch.manual_seed(0)
    before, after = nn.Conv2d(3, len(scales), 3), nn.Conv2d(3, len(scales), 3)
    with torch.no_grad():
        before.weight.mul_(torch.tensor(scales).view(-1, 1, 1, 1))
    after.load_state_dict(before.state_dict())
    optimiser = RelativeAdam(after.parameters(), learning_rate)
    for _ in range(steps):
        after.weight.grad = torch.ones_like(after.weight)
        after.bias.grad = torch.full_like(after.bias, -3.0)
        optimiser.step()
    return before, after


def test_channels_of_all_scales_change_by_the_same_part():
    before, after = trained([1e-2, 1.0, 100.0], steps=5, learning_rate=1e-3)
    change = (after.weight - before.weight).flatten(1)
    sizes = before.weight.square().mean((1, 2, 3)).sqrt()
    # with a constant gradient Adam's steps are the learning rate
    torch.testing.assert_close(
        change / sizes[:, None], torch.full_like(change, -5e-3), rtol=1e-2, atol=0
    )
    torch.testing.assert_close(after.bias - before.bias, torch.full((3,), 5e-3), rtol=1e-2, atol=0)


def test_a_channel_that_starts_at_zero_learns_as_fast_as_usual_ones():
    before, after = trained([0.0, 1.0], steps=1, learning_rate=1e-2)
    assert (before.weight[0] == 0).all()
    # 27 inputs
    torch.testing.assert_close(
        after.weight[0], torch.full_like(after.weight[0], -1e-2 / 27**0.5), rtol=1e-3, atol=0
    )
