"""Adam with steps for the weights of each channel."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pinet_training.runs.channel_adam import ChannelAdam


def trained(scales: list[float], steps: int, learning_rate: float) -> tuple[nn.Conv2d, nn.Conv2d]:
    """A convolution before and after steps along constant gradients."""
    torch.manual_seed(0)
    before, after = nn.Conv2d(3, len(scales), 3), nn.Conv2d(3, len(scales), 3)
    with torch.no_grad():
        sizes = before.weight.square().mean((1, 2, 3), keepdim=True).sqrt()
        before.weight.mul_(torch.tensor(scales).view(-1, 1, 1, 1) / sizes)
    after.load_state_dict(before.state_dict())
    optimiser = ChannelAdam(after.parameters(), learning_rate)
    for _ in range(steps):
        after.weight.grad = torch.ones_like(after.weight)
        after.bias.grad = torch.full_like(after.bias, -3.0)
        optimiser.step()
    return before, after


@pytest.mark.parametrize(
    ("size", "step"), [(0.03, 0.03), (0.0003, 0.003), (0.12, 0.06), (100.0, 0.1)]
)
def test_steps_grow_with_the_root_of_a_channels_weights_and_end_somewhere(size, step):
    before, after = trained([size, 0.03], steps=5, learning_rate=1e-3)
    change = (after.weight - before.weight)[0]
    # with a constant gradient Adam's steps are the learning rate
    torch.testing.assert_close(change, torch.full_like(change, -5e-3 * step), rtol=0.1, atol=0)
    torch.testing.assert_close(after.bias - before.bias, torch.full((2,), 5e-3), rtol=1e-2, atol=0)


def test_a_channel_that_starts_at_zero_learns_as_usual_ones_do():
    before, after = trained([0.0, 1.0], steps=1, learning_rate=1e-2)
    assert (before.weight[0] == 0).all()
    expected = -1e-2 * (0.03 / 27**0.5) ** 0.5  # 27 inputs
    torch.testing.assert_close(
        after.weight[0], torch.full_like(after.weight[0], expected), rtol=1e-3, atol=0
    )
