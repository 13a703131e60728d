"""Adam for networks whose batch normalisation is folded into their weights."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

_SMALLEST = 1e-4  # scale of a channel whose weights are next to zero


class RelativeAdam(torch.optim.Adam):
    """Adam (Kingma and Ba, 2015) with steps relative to the weights of each output channel.

    Folding leaves channels with weights of 0.001 beside channels with weights of 100. One step
    size does not suit both: it destroys the first and does not move the second. Here a learning
    rate of 0.001 changes a channel's weights by at most about a thousandth of their root mean
    square at the start, and biases, which are before activations of 0 to 6, by 0.001.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], learning_rate: float) -> None:
        """Take the parameters, whose scales stay as they are now."""
        parameters = list(parameters)
        super().__init__(parameters, learning_rate)
        self._parameters = parameters
        self._scales = [_scale(each.detach()) for each in parameters]

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take one step."""
        before = [each.detach().clone() for each in self._parameters]
        super().step()
        for now, old, scale in zip(self._parameters, before, self._scales, strict=True):
            now.copy_(old + scale * (now - old))


def _scale(weights: torch.Tensor) -> torch.Tensor:
    """(C,1,1,1) root mean square of each channel's weights; (1,) one for biases (C,).

    Channels that start at zero get what weights have that keep the size of their inputs.
    """
    if weights.ndim == 1:
        return weights.new_ones(1)
    sizes = weights.square().mean(tuple(range(1, weights.ndim)), keepdim=True).sqrt()
    usual = weights[0].numel() ** -0.5
    return torch.where(sizes > 0, sizes.clamp_min(_SMALLEST), usual)
