"""Gradients of 5 x 5 depthwise convolutions on the CPU, several times faster than torch's.

Torch is fast at the weights' gradients of 3 x 3 kernels, but not of 5 x 5 ones. Each of four 3 x 3
corners of a 5 x 5 kernel sees a shifted image, so four small gradients make the large one.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_LARGE, _SMALL = 5, 3
_CORNERS = [(row, column) for row in (0, _LARGE - _SMALL) for column in (0, _LARGE - _SMALL)]


def speed_up_depthwise(network: nn.Module) -> None:
    """Let the 5 x 5 depthwise convolutions of a network on the CPU use faster gradients."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and _is_depthwise(module):
            module.__class__ = _Depthwise


def _is_depthwise(module: nn.Conv2d) -> bool:
    same_padding = module.padding == (_LARGE // 2, _LARGE // 2)
    one_each = module.groups == module.in_channels == module.out_channels
    return module.kernel_size == (_LARGE, _LARGE) and same_padding and one_each


class _Depthwise(nn.Conv2d):
    def forward(self, input: Tensor) -> Tensor:
        return _Convolution.apply(input, self.weight, self.bias, self.stride[0])


class _Convolution(torch.autograd.Function):
    """A 5 x 5 depthwise convolution whose output is the input's size over the stride."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride = stride
        return F.conv2d(x, weight, bias, stride, _LARGE // 2, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        x, weight = ctx.saved_tensors
        to_input = None
        if ctx.needs_input_grad[0]:
            to_input = _backward(gradient, x, weight, ctx.stride, _LARGE // 2)[0]
        padded = F.pad(x, [_LARGE // 2] * 4)
        to_weight = torch.empty_like(weight)
        small = weight.new_empty(len(weight), 1, _SMALL, _SMALL)
        reach = [(n - 1) * ctx.stride + _SMALL for n in gradient.shape[2:]]
        for row, column in _CORNERS:
            seen = padded[:, :, row : row + reach[0], column : column + reach[1]].contiguous()
            part = _backward(gradient, seen, small, ctx.stride, 0)[1]
            to_weight[:, :, row : row + _SMALL, column : column + _SMALL] = part
        return to_input, to_weight, gradient.sum((0, 2, 3)), None


def _backward(
    gradient: Tensor, x: Tensor, weight: Tensor, stride: int, padding: int
) -> tuple[Tensor, Tensor]:
    """Gradients to the input if padded, else to the weight; the other is undefined."""
    mask = [padding > 0, padding == 0, False]
    steps, margins = [stride] * 2, [padding] * 2
    found = torch.ops.aten.convolution_backward(
        gradient, x, weight, None, steps, margins, [1, 1], False, [0, 0], len(weight), mask
    )
    return found[0], found[1]
