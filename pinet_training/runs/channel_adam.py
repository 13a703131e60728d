"""Adam for networks whose batch normalization is folded into their weights."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

_USUAL = 0.03  # root mean square of a channel's weights whose steps are relative to them
_LARGEST = 0.1  # weights that steps are relative to at most


class ChannelAdam(torch.optim.Adam):
    """Adam (Kingma and Ba, 2015) with steps for the weights of each output channel.

    Folding leaves channels with weights of 0.001 beside channels with weights of 100. One step
    size for all destroys the first; steps relative to the weights let the second run away, as
    their inputs may change by much. These steps grow with the root of a channel's weights: a
    learning rate of 0.001 changes usual weights, around 0.03, by at most about a thousandth, small
    ones by a larger part and large ones by a smaller. Biases, which are before activations of 0 to
    6, change by 0.001.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], learning_rate: float) -> None:
        """Take the parameters, whose steps are chosen by what they are now."""
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
    """(C,1,1,1) factors of each channel's steps; (1,) one for biases (C,).

    Channels that start at zero get what weights have that keep the size of their inputs.
    """
    if weights.ndim == 1:
        return weights.new_ones(1)
    sizes = weights.square().mean(tuple(range(1, weights.ndim)), keepdim=True).sqrt()
    begun = torch.where(sizes > 0, sizes, weights[0].numel() ** -0.5)
    return (begun * _USUAL).sqrt().clamp(max=_LARGEST)
