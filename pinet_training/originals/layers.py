"""Layers that torch has no module for; images are (B,C,H,W)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class Convolution(nn.Module):
    """A convolution with fixed weights, followed by an activation in place."""

    weight: Tensor
    bias: Tensor | None

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None = None,
        *,
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (0, 0),
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
        activation: nn.Module | None = None,
    ) -> None:
        """Keep the parameters.

        Args:
            weight: (C_out, C_in / groups, H, W).
            bias: (C_out,), None for none.
            stride, padding, dilation: height and width, in pixels.
            groups: number of groups of channels.
            activation: applied to the output, may work in place; None for none.
        """
        super().__init__()
        self.register_buffer("weight", weight.contiguous(memory_format=torch.channels_last))
        self.register_buffer("bias", bias)
        self.geometry = (stride, padding, dilation, groups)
        self.activation = activation or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (B,C_in,H,W) and apply the activation."""
        return self.activation(functional.conv2d(x, self.weight, self.bias, *self.geometry))


class Add(nn.Module):
    """The sum of two tensors, followed by an activation in place."""

    def __init__(self, activation: nn.Module | None = None) -> None:
        super().__init__()
        self.activation = activation or nn.Identity()

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Add two tensors of the same shape and apply the activation."""
        return self.activation(a + b)


class Pad(nn.Module):
    """Constant padding; amounts are ordered as in torch.nn.functional.pad, last axis first."""

    def __init__(self, amounts: Sequence[int], value: float) -> None:
        super().__init__()
        self.amounts = list(amounts)
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        """Pad a tensor by the amounts."""
        return functional.pad(x, self.amounts, value=self.value)


class Concatenate(nn.Module):
    """Concatenation of tensors along an axis."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, *parts: Tensor) -> Tensor:
        """Concatenate tensors in the given order."""
        return torch.cat(parts, self.axis)


class Slice(nn.Module):
    """A range of an axis."""

    def __init__(self, axis: int, start: int, length: int) -> None:
        super().__init__()
        self.range = (axis, start, length)

    def forward(self, x: Tensor) -> Tensor:
        """Return a view of the range."""
        return x.narrow(*self.range)


class Permute(nn.Module):
    """Axes in another order."""

    def __init__(self, axes: Sequence[int]) -> None:
        super().__init__()
        self.axes = tuple(axes)

    def forward(self, x: Tensor) -> Tensor:
        """Return a view with the axes in the new order."""
        return x.permute(self.axes)


class Reshape(nn.Module):
    """Another shape for each sample of the batch."""

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)

    def forward(self, x: Tensor) -> Tensor:
        """Reshape (B,...) to (B, *shape)."""
        return x.reshape(x.shape[0], *self.shape)
