"""Turns the operations of a network file into nodes that run fast in torch.

TensorFlow stores images as (B,H,W,C), torch as (B,C,H,W). A transposition costs nothing here: it
only changes which of torch's axes each axis of the file's tensor corresponds to. Padding, biases
and activations are merged into the adjacent convolution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from pinet_training.originals.graph_module import GraphModule, Node
from pinet_training.originals.layers import (
    Add,
    Concatenate,
    Convolution,
    Pad,
    Permute,
    Reshape,
    Slice,
)

NHWC = (0, 2, 3, 1)  # torch's axis for each of TensorFlow's


class UnsupportedError(Exception):
    """A file has an operation, or a form of one, that is not supported."""


class _Operation(Protocol):
    @property
    def kind(self) -> str: ...


def translate(
    operations: Iterable[_Operation], translations: Mapping[str, Callable[[Any], None]]
) -> None:
    """Pass each operation of a file to the translation of its kind.

    Args:
        operations: the operations, each after those that it depends on.
        translations: for each kind, a function that takes an operation.

    Raises:
        UnsupportedError: an operation's kind or form is not supported; the message names the kind.
    """
    for operation in operations:
        if operation.kind not in translations:
            raise UnsupportedError(f"the operation {operation.kind} is not supported")
        try:
            translations[operation.kind](operation)
        except UnsupportedError as error:
            raise UnsupportedError(f"in the operation {operation.kind}, {error}") from error


def choose_outputs(wanted: Sequence[str] | None, outputs: Mapping[str, str]) -> list[str]:
    """Return the tensors of the named outputs; of all outputs if no names are given.

    Args:
        wanted: names of outputs, None for all.
        outputs: the tensor of each output, by the output's name.

    Raises:
        UnsupportedError: there is no output with a wanted name.
    """
    for name in wanted or ():
        if name not in outputs:
            raise UnsupportedError(f"there is no output {name!r}, only {', '.join(outputs)}")
    return [outputs[name] for name in wanted or outputs]


@dataclass(frozen=True)
class _Value:
    """A tensor of the file: its name in torch, and the axis in torch for each axis in the file."""

    name: str
    axes: tuple[int, ...]


class GraphBuilder:
    """Collects nodes; methods take the file's names of tensors and axes, output name first."""

    def __init__(self, input_name: str, axes: Sequence[int]) -> None:
        """Start with the network's input, images (B,C,H,W) in torch.

        Args:
            input_name: name of the input tensor in the file.
            axes: for each of its axes in the file, the axis in torch.
        """
        self._input = input_name
        self._values = {input_name: _Value(input_name, tuple(axes))}
        self._nodes: dict[str, Node] = {}

    def build(self, input_shape: Sequence[int], outputs: Sequence[str]) -> GraphModule:
        """Build the module.

        Outputs with 4 axes are (B,C,H,W), others have the file's order of axes.

        Args:
            input_shape: shape of one sample, (C,H,W).
            outputs: names of the output tensors in the file.
        """
        values = [self._values[name] for name in outputs]
        names = [v.name if len(v.axes) == 4 else self._in_file_order(v) for v in values]
        return GraphModule(
            list(self._nodes.values()),
            input_name=self._input,
            input_shape=input_shape,
            outputs=names,
        )

    def alias(self, output: str, source: str) -> None:
        """Give a tensor a second name."""
        self._values[output] = self._values[source]

    def transpose(self, output: str, source: str, order: Sequence[int]) -> None:
        """Reorder axes: axis i of the output is axis `order[i]` of the source."""
        value = self._values[source]
        self._values[output] = replace(value, axes=tuple(value.axes[i] for i in order))

    def convolution(
        self,
        output: str,
        source: str,
        weight: Tensor,
        bias: Tensor | None = None,
        *,
        stride: tuple[int, int],
        dilation: tuple[int, int],
        margins: tuple[int, int, int, int] = (0, 0, 0, 0),
        groups: int = 1,
        activation: nn.Module | None = None,
    ) -> None:
        """Convolve (B,H,W,C).

        Args:
            output, source: names of the tensors.
            weight: (C_out, C_in / groups, H, W).
            bias: (C_out,), None for none.
            stride, dilation: height and width.
            margins: numbers of zeros to add: left, right, top, bottom.
            groups: number of groups of channels.
            activation: applied to the output, may work in place; None for none.
        """
        image, padding = self._padded(output, source, margins, 0.0)
        params = {
            "weight": weight,
            "bias": bias,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "groups": groups,
            "activation": activation,
        }
        self._emit(Node(Convolution, (image,), output, params), NHWC)

    def max_pool(
        self,
        output: str,
        source: str,
        *,
        size: tuple[int, int],
        stride: tuple[int, int],
        margins: tuple[int, int, int, int] = (0, 0, 0, 0),
    ) -> None:
        """Take the maximum over windows of (B,H,W,C).

        Args:
            output, source: names of the tensors.
            size, stride: height and width.
            margins: numbers of rows and columns to add: left, right, top, bottom.
        """
        image, padding = self._padded(output, source, margins, -torch.inf)
        params = {"kernel_size": size, "stride": stride, "padding": padding}
        self._emit(Node(nn.MaxPool2d, (image,), output, params), NHWC)

    def resize_bilinear(self, output: str, source: str, size: Sequence[int]) -> None:
        """Resize (B,H,W,C) to (height, width); the outer corners of both images coincide."""
        params = {"size": tuple(size), "mode": "bilinear", "align_corners": False}
        self._emit(Node(nn.Upsample, (self._image(source),), output, params), NHWC)

    def add_bias(self, output: str, source: str, bias: Tensor) -> None:
        """Add a vector (C,) to the output (B,H,W,C) of a convolution."""
        self._complete(output, source, "bias", bias)

    def activation(self, output: str, source: str, activation: nn.Module) -> None:
        """Apply an activation, which may work in place, to the output of a convolution."""
        self._complete(output, source, "activation", activation)

    def add(self, output: str, a: str, b: str, *, activation: nn.Module | None = None) -> None:
        """Add two tensors of the same shape."""
        axes = self._values[a].axes
        inputs = (self._values[a].name, self._arranged(self._values[b], axes))
        self._emit(Node(Add, inputs, output, {"activation": activation}), axes)

    def elementwise(self, output: str, source: str, layer: type[nn.Module]) -> None:
        """Apply a layer that processes each number separately."""
        value = self._values[source]
        self._emit(Node(layer, (value.name,), output), value.axes)

    def pad(
        self, output: str, source: str, amounts: Sequence[tuple[int, int]], value: float
    ) -> None:
        """Pad each axis by amounts (before, after) of a value."""
        axes = self._values[source].axes
        by_axis = dict(zip(axes, amounts, strict=True))
        last_first = [n for axis in sorted(by_axis, reverse=True) for n in by_axis[axis]]
        while last_first and last_first[-2:] == [0, 0]:
            del last_first[-2:]
        params = {"amounts": last_first, "value": value}
        self._emit(Node(Pad, (self._values[source].name,), output, params), axes)

    def concatenate(self, output: str, sources: Sequence[str], axis: int) -> None:
        """Concatenate tensors along an axis of the file."""
        axes = self._values[sources[0]].axes
        inputs = tuple(self._arranged(self._values[source], axes) for source in sources)
        self._emit(Node(Concatenate, inputs, output, {"axis": axes[axis]}), axes)

    def split(
        self, outputs: Sequence[str], source: str, lengths: Sequence[int], axis: int
    ) -> None:
        """Split an axis into pieces of given lengths."""
        value = self._values[source]
        for i, (output, length) in enumerate(zip(outputs, lengths, strict=True)):
            params = {"axis": value.axes[axis], "start": sum(lengths[:i]), "length": length}
            self._emit(Node(Slice, (value.name,), output, params), value.axes)

    def reshape(self, output: str, source: str, shape: Sequence[int]) -> None:
        """Reshape each sample of the batch; the shape is that of the file, for a batch of 1.

        Raises:
            UnsupportedError: the shape does not keep the samples of a batch apart.
        """
        batch, *rest = shape
        if batch != 1:
            raise UnsupportedError(f"a reshape to {tuple(shape)} mixes the samples of a batch")
        tensor = self._in_file_order(self._values[source])
        self._emit(Node(Reshape, (tensor,), output, {"shape": rest}), range(len(shape)))

    def _emit(self, node: Node, axes: Sequence[int]) -> None:
        self._nodes[node.output] = node
        self._values[node.output] = _Value(node.output, tuple(axes))

    def _arranged(self, value: _Value, axes: Sequence[int]) -> str:
        """The name in torch of a tensor with its axes in the given order."""
        if value.axes == tuple(axes):
            return value.name
        order = [value.axes[axes.index(i)] for i in range(len(axes))]
        output = f"{value.name}/permuted{tuple(order)}"
        self._nodes[output] = Node(Permute, (value.name,), output, {"axes": order})
        return output

    def _in_file_order(self, value: _Value) -> str:
        return self._arranged(value, tuple(range(len(value.axes))))

    def _image(self, source: str) -> str:
        return self._arranged(self._values[source], NHWC)

    def _padded(
        self, output: str, source: str, margins: Sequence[int], fill: float
    ) -> tuple[str, tuple[int, int]]:
        """An image, and the symmetric padding (rows, columns) that an operation must add to it."""
        image = self._image(source)
        node = self._nodes.get(image)
        if node and node.make is Pad and node.params["value"] == fill:
            amounts = node.params["amounts"]
            if len(amounts) <= len(margins):  # otherwise it also pads the channels
                amounts = [*amounts, *[0] * (len(margins) - len(amounts))]
                image = node.inputs[0]
                margins = [own + more for own, more in zip(margins, amounts, strict=True)]
        left, right, top, bottom = margins
        if left == right and top == bottom:
            return image, (top, left)
        params = {"amounts": list(margins), "value": fill}
        self._nodes[f"{output}/padded"] = Node(Pad, (image,), f"{output}/padded", params)
        return f"{output}/padded", (0, 0)

    def _complete(self, output: str, source: str, name: str, value: Tensor | nn.Module) -> None:
        """Emit the convolution that computes a tensor again, with one more parameter.

        The module leaves the original convolution out, as no output depends on it any more.
        """
        computed = self._values[source]
        node = self._nodes.get(computed.name)
        if node is None or node.make is not Convolution or node.params["activation"] is not None:
            raise UnsupportedError(f"a {name} must follow a convolution")
        if node.params[name] is not None:
            raise UnsupportedError(f"a convolution can have only one {name}")
        params = {**node.params, name: value}
        self._emit(Node(Convolution, node.inputs, output, params), computed.axes)
