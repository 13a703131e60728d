"""Imports TensorFlow.js graph models into torch.

Only the operations of NanoDet are supported; a file with any other is rejected.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from pinet_ros.errors import ModelError
from pinet_training.originals.builder import (
    GraphBuilder,
    UnsupportedError,
    choose_outputs,
    translate,
)
from pinet_training.originals.graph_module import GraphModule
from pinet_training.originals.tfjs_file import Operation, TFJSFile


def load_tfjs(path: str | Path, outputs: Sequence[str] | None = None) -> GraphModule:
    """Build a network from a graph model whose input is one image (B,C,H,W); weights are float32.

    The module returns a tuple in the order of `outputs`, with the file's order of axes. Other
    outputs are not computed.

    Args:
        path: the file model.json; the weights are in the same folder.
        outputs: names of output tensors; by default all, sorted by name.

    Raises:
        ModelError: the files cannot be read, have an unsupported operation, or lack an output.
    """
    try:
        file = TFJSFile(Path(path))
        translation = _Translation(file)
        chosen = choose_outputs(outputs, {name: name for name in file.outputs})
        return translation.builder.build(translation.input_shape, chosen)
    except (OSError, ValueError, UnsupportedError) as error:
        raise ModelError(f"{path} cannot be loaded: {error}") from error


class _Translation:
    """Passes the operations of a file to a builder, with one method for each kind.

    Attributes:
        builder: builder with all operations.
        input_shape: (C,H,W).
    """

    builder: GraphBuilder
    input_shape: tuple[int, ...]

    def __init__(self, file: TFJSFile) -> None:
        self._constants = dict(file.constants)
        kinds = {
            "Add": self._add,
            "AddV2": self._add,
            "ConcatV2": self._concatenate,
            "Conv2D": self._convolution,
            "Identity": self._identity,
            "LeakyRelu": self._leaky_relu,
            "MaxPool": self._max_pool,
            "Pad": self._pad,
            "PadV2": self._pad,
            "Placeholder": self._placeholder,
            "Reshape": self._reshape,
            "ResizeBilinear": self._resize_bilinear,
            "Sigmoid": self._sigmoid,
            "SparseToDense": self._sparse_to_dense,
            "SplitV": self._split,
            "Transpose": self._transpose,
        }
        translate(file.operations(), kinds)

    def _placeholder(self, operation: Operation) -> None:
        sizes = [int(dim["size"]) for dim in operation.attributes["shape"]["shape"]["dim"]]
        self.input_shape = tuple(sizes[1:])
        self.builder = GraphBuilder(operation.name, range(len(sizes)))

    def _sparse_to_dense(self, operation: Operation) -> None:
        indices, shape, values, default = map(self._constant, operation.inputs)
        dense = np.full(shape, default)
        dense[tuple(indices.T)] = values
        self._constants[operation.name] = dense

    def _add(self, operation: Operation) -> None:
        a, b = operation.inputs
        if a in self._constants and b in self._constants:
            self._constants[operation.name] = self._constants[a] + self._constants[b]
        elif b in self._constants:
            self.builder.add_bias(operation.name, a, torch.tensor(self._constants[b]))
        else:
            self.builder.add(operation.name, a, b)

    def _convolution(self, operation: Operation) -> None:
        _require_no_padding(operation)
        source, weight = operation.inputs
        self.builder.convolution(
            operation.name,
            source,
            torch.tensor(self._constant(weight)).permute(3, 2, 0, 1),  # HWIO -> OIHW
            stride=_height_width(operation, "strides"),
            dilation=_height_width(operation, "dilations"),
        )

    def _max_pool(self, operation: Operation) -> None:
        _require_no_padding(operation)
        self.builder.max_pool(
            operation.name,
            operation.inputs[0],
            size=_height_width(operation, "ksize"),
            stride=_height_width(operation, "strides"),
        )

    def _leaky_relu(self, operation: Operation) -> None:
        layer = nn.LeakyReLU(operation.attributes["alpha"]["f"], inplace=True)
        self.builder.activation(operation.name, operation.inputs[0], layer)

    def _sigmoid(self, operation: Operation) -> None:
        self.builder.elementwise(operation.name, operation.inputs[0], nn.Sigmoid)

    def _identity(self, operation: Operation) -> None:
        self.builder.alias(operation.name, operation.inputs[0])

    def _transpose(self, operation: Operation) -> None:
        source, order = operation.inputs
        self.builder.transpose(operation.name, source, self._constant(order).tolist())

    def _pad(self, operation: Operation) -> None:
        source, amounts, *value = operation.inputs
        fill = float(self._constant(value[0])) if value else 0.0
        self.builder.pad(operation.name, source, self._constant(amounts).tolist(), fill)

    def _concatenate(self, operation: Operation) -> None:
        *sources, axis = operation.inputs
        self.builder.concatenate(operation.name, sources, int(self._constant(axis)))

    def _split(self, operation: Operation) -> None:
        source, lengths, axis = operation.inputs
        lengths = self._constant(lengths).tolist()
        outputs = [f"{operation.name}:{i}" if i else operation.name for i in range(len(lengths))]
        self.builder.split(outputs, source, lengths, int(self._constant(axis)))

    def _reshape(self, operation: Operation) -> None:
        source, shape = operation.inputs
        self.builder.reshape(operation.name, source, self._constant(shape).tolist())

    def _resize_bilinear(self, operation: Operation) -> None:
        if not operation.attributes["half_pixel_centers"]["b"]:
            raise UnsupportedError("half_pixel_centers must be true")
        source, size = operation.inputs
        self.builder.resize_bilinear(operation.name, source, self._constant(size).tolist())

    def _constant(self, tensor: str) -> np.ndarray:
        if tensor not in self._constants:
            raise UnsupportedError("weights and sizes must be constants")
        return self._constants[tensor]


def _height_width(operation: Operation, attribute: str) -> tuple[int, int]:
    """The middle two of four numbers, one for each axis of an image (B,H,W,C)."""
    _, height, width, _ = operation.numbers(attribute)
    return height, width


def _require_no_padding(operation: Operation) -> None:
    padding = operation.text("padding")
    if padding != "VALID":
        raise UnsupportedError(f"padding must be VALID, got {padding}; use a Pad operation")
