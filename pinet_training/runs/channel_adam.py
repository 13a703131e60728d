"""Adam for networks whose batch normalization is folded into their weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

# Of the running means of gradients and of their squares. A channel that is rarely active gets a
# large gradient now and then: with the usual 0.999 it would then move three times as far.
_BETAS = (0.9, 0.99)

Sizes = Mapping[nn.Parameter, Tensor]


class ChannelAdam(torch.optim.Adam):
    """Adam (Kingma and Ba, 2015) with a step size for the weights of each output channel.

    Folding leaves channels with weights of 0.001 beside channels with weights of 100, and inputs
    whose means cancel. One step size for all destroys some; steps relative to the weights let
    others run away. With the sizes of `step_sizes` a learning rate of 0.001 changes what a
    channel gives by a thousandth of its spread, if its weights move independently.
    """

    def __init__(self, sizes: Sizes, learning_rate: float) -> None:
        """Take the parameters with their step sizes, which stay as they are."""
        self._sizes = dict(sizes)
        super().__init__(list(self._sizes), learning_rate, betas=_BETAS)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take one step."""
        before = {each: each.detach().clone() for each in self._sizes}
        super().step()
        for now, size in self._sizes.items():
            now.copy_(before[now] + size * (now - before[now]))


@torch.no_grad()
def step_sizes(network: nn.Module, run: Callable[[], object]) -> dict[nn.Parameter, Tensor]:
    """Step sizes of the trainable weights of all convolutions, from what goes through them.

    Of a channel whose weights are all zero the spread is taken as 1.

    Args:
        network: whose convolutions are looked at.
        run: runs it on a batch that is typical of the training.

    Returns:
        By parameter: of weights (O,I,H,W) the sizes (O,1,1,1), the spread (standard deviation) of
        the channel over the root of the sum of the mean squares of its inputs; of biases (O,) the
        spread.
    """
    sizes: dict[nn.Parameter, Tensor] = {}

    def look(module: nn.Conv2d, inputs: tuple[Tensor], output: Tensor) -> None:
        spread = output.std((0, 2, 3))
        spread = torch.where((module.weight != 0).flatten(1).any(1), spread, 1.0)
        energy = inputs[0].square().mean((0, 2, 3))  # of each input channel
        reach = (
            energy.view(module.groups, -1)
            .sum(1)
            .repeat_interleave(module.out_channels // module.groups)
        )
        taps = module.kernel_size[0] * module.kernel_size[1]
        size = spread / (taps * reach).sqrt().clamp_min(1e-6)
        found = {module.weight: size[:, None, None, None]}
        if module.bias is not None:
            found[module.bias] = spread
        sizes.update({key: value for key, value in found.items() if key.requires_grad})

    hooks = [m.register_forward_hook(look) for m in network.modules() if isinstance(m, nn.Conv2d)]
    run()
    for hook in hooks:
        hook.remove()
    return sizes
