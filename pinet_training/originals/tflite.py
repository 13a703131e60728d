"""Imports TensorFlow Lite files into torch.

Only the operations of BlazePose's landmark networks are supported; a file with any other is
rejected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tflite
import torch
from torch import Tensor, nn

from pinet_ros.errors import ModelError
from pinet_training.originals.builder import (
    NHWC,
    GraphBuilder,
    UnsupportedError,
    choose_outputs,
    translate,
)
from pinet_training.originals.graph_module import GraphModule
from pinet_training.originals.tflite_file import Operation, TFLiteFile

_ACTIVATIONS: dict[int, Callable[[], nn.Module | None]] = {
    tflite.ActivationFunctionType.NONE: lambda: None,
    tflite.ActivationFunctionType.RELU6: lambda: nn.ReLU6(inplace=True),
}


def load_tflite(path: str | Path, outputs: Sequence[str] | None = None) -> GraphModule:
    """Build a network from a .tflite file whose input is one image; weights become float32.

    The module takes (B,C,H,W) float32 and returns a tuple in the order of `outputs`: maps as
    (B,C,H,W), the rest with the file's order of axes. Other outputs are not computed.

    Args:
        path: the .tflite file.
        outputs: names of output tensors; by default all, in the file's order.

    Raises:
        ModelError: the file cannot be read, has an unsupported operation, or lacks an output.
    """
    try:
        file = TFLiteFile(Path(path).read_bytes())
        builder = _Translation(file).builder
        _, height, width, channels = file.shape(file.input)
        return builder.build((channels, height, width), choose_outputs(outputs, file.outputs))
    except (OSError, ValueError, UnsupportedError) as error:
        raise ModelError(f"{path} cannot be loaded: {error}") from error


class _Translation:
    """Passes the operations of a file to a builder, with one method for each kind."""

    def __init__(self, file: TFLiteFile) -> None:
        self.builder = GraphBuilder(file.input, NHWC)
        self._file = file
        self._dequantized: dict[str, np.ndarray] = {}
        kinds = {
            "ADD": self._add,
            "CONV_2D": self._convolution,
            "DEPTHWISE_CONV_2D": self._depthwise_convolution,
            "DEQUANTIZE": self._dequantize,
            "LOGISTIC": self._logistic,
            "MAX_POOL_2D": self._max_pool,
            "PAD": self._pad,
            "RESHAPE": self._reshape,
            "RESIZE_BILINEAR": self._resize_bilinear,
        }
        translate(file.operations(), kinds)

    def _dequantize(self, operation: Operation) -> None:
        values = self._constant(operation.inputs[0])
        self._dequantized[operation.outputs[0]] = values.astype(np.float32)

    def _convolution(self, operation: Operation) -> None:
        options = operation.options(tflite.Conv2DOptions)
        weight = self._weight(operation.inputs[1]).permute(0, 3, 1, 2)  # OHWI -> OIHW
        self._convolve(operation, options, weight, groups=1)

    def _depthwise_convolution(self, operation: Operation) -> None:
        options = operation.options(tflite.DepthwiseConv2DOptions)
        weight = self._weight(operation.inputs[1]).permute(3, 0, 1, 2)  # 1HWC -> C1HW
        groups = len(weight) // options.DepthMultiplier()
        self._convolve(operation, options, weight, groups=groups)

    def _convolve(
        self,
        operation: Operation,
        options: tflite.Conv2DOptions | tflite.DepthwiseConv2DOptions,
        weight: Tensor,
        groups: int,
    ) -> None:
        dilation = (options.DilationHFactor(), options.DilationWFactor())
        reach = [(n - 1) * step + 1 for n, step in zip(weight.shape[2:], dilation, strict=True)]
        stride = (options.StrideH(), options.StrideW())
        self.builder.convolution(
            operation.outputs[0],
            operation.inputs[0],
            weight,
            self._weight(operation.inputs[2]) if len(operation.inputs) > 2 else None,
            stride=stride,
            dilation=dilation,
            margins=self._margins(operation, options.Padding(), reach, stride),
            groups=groups,
            activation=_activation(options.FusedActivationFunction()),
        )

    def _max_pool(self, operation: Operation) -> None:
        options = operation.options(tflite.Pool2DOptions)
        if options.FusedActivationFunction() != tflite.ActivationFunctionType.NONE:
            raise UnsupportedError("a fused activation is not supported")
        size = (options.FilterHeight(), options.FilterWidth())
        stride = (options.StrideH(), options.StrideW())
        margins = self._margins(operation, options.Padding(), size, stride)
        self.builder.max_pool(
            operation.outputs[0], operation.inputs[0], size=size, stride=stride, margins=margins
        )

    def _margins(
        self, operation: Operation, padding: int, reach: Sequence[int], stride: Sequence[int]
    ) -> tuple[int, int, int, int]:
        """The margins that TensorFlow's padding SAME or VALID adds: left, right, top, bottom.

        With SAME, the output is as large as the input divided by the stride, rounded up; an odd
        number of rows or columns is split with one more at the end than at the start.
        """
        if padding == tflite.Padding.VALID:
            return (0, 0, 0, 0)
        height, width = self._file.shape(operation.inputs[0])[1:3]
        amounts: list[int] = []
        for size, window, step in ((width, reach[1], stride[1]), (height, reach[0], stride[0])):
            total = max((-(-size // step) - 1) * step + window - size, 0)
            amounts += [total // 2, total - total // 2]
        left, right, top, bottom = amounts
        return left, right, top, bottom

    def _add(self, operation: Operation) -> None:
        options = operation.options(tflite.AddOptions)
        shapes = {self._file.shape(tensor) for tensor in operation.inputs}
        if len(shapes) != 1 or any(map(self._is_constant, operation.inputs)):
            raise UnsupportedError("the tensors must not be constants and must have one shape")
        activation = _activation(options.FusedActivationFunction())
        self.builder.add(operation.outputs[0], *operation.inputs, activation=activation)

    def _logistic(self, operation: Operation) -> None:
        self.builder.elementwise(operation.outputs[0], operation.inputs[0], nn.Sigmoid)

    def _pad(self, operation: Operation) -> None:
        amounts = self._constant(operation.inputs[1]).tolist()
        self.builder.pad(operation.outputs[0], operation.inputs[0], amounts, 0.0)

    def _reshape(self, operation: Operation) -> None:
        output = operation.outputs[0]
        self.builder.reshape(output, operation.inputs[0], self._file.shape(output))

    def _resize_bilinear(self, operation: Operation) -> None:
        options = operation.options(tflite.ResizeBilinearOptions)
        if not options.HalfPixelCenters():
            raise UnsupportedError("half_pixel_centers must be true")
        size = self._constant(operation.inputs[1]).tolist()
        self.builder.resize_bilinear(operation.outputs[0], operation.inputs[0], size)

    def _is_constant(self, tensor: str) -> bool:
        return tensor in self._dequantized or self._file.constant(tensor) is not None

    def _constant(self, tensor: str) -> np.ndarray:
        value = self._dequantized.get(tensor)
        value = self._file.constant(tensor) if value is None else value
        if value is None:
            raise UnsupportedError("weights and sizes must be constants")
        return value

    def _weight(self, tensor: str) -> Tensor:
        return torch.tensor(self._constant(tensor))


def _activation(code: int) -> nn.Module | None:
    if code not in _ACTIVATIONS:
        raise UnsupportedError(f"activation number {code} is not supported")
    return _ACTIVATIONS[code]()
