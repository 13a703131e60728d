"""Reads .tflite flatbuffers: operations on numbered tensors, some of which are constants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import tflite

_Options = TypeVar("_Options")

_IDENTIFIER = b"TFL3"  # bytes 4 to 7 of the flatbuffer
_TYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
}
_KINDS = {code: kind for kind, code in vars(tflite.BuiltinOperator).items() if kind.isupper()}


@dataclass(frozen=True)
class Operation:
    """One step of the network; tensors are named by their number in the file."""

    kind: str
    inputs: list[str]
    outputs: list[str]
    table: tflite.Operator

    def options(self, kind: type[_Options]) -> _Options:
        """Return the operation's options, of the schema's class `kind`."""
        union = self.table.BuiltinOptions()
        options: Any = kind()
        options.Init(union.Bytes, union.Pos)
        return options


class TFLiteFile:
    """The first subgraph of a .tflite file with one input.

    Attributes:
        input: number of the input tensor.
        outputs: numbers of the output tensors by their names, in the file's order.
    """

    def __init__(self, content: bytes) -> None:
        """Open the content of a file.

        Raises:
            ValueError: it is not a .tflite file, or does not have exactly one input.
        """
        if content[4:8] != _IDENTIFIER:
            raise ValueError(f"its identifier must be {_IDENTIFIER!r}, got {content[4:8]!r}")
        self._model = tflite.Model.GetRootAsModel(content, 0)
        self._graph = self._model.Subgraphs(0)
        if self._graph.InputsLength() != 1:
            raise ValueError(f"it must have one input, got {self._graph.InputsLength()}")
        self.input = str(self._graph.Inputs(0))
        outputs = _numbers(self._graph.OutputsAsNumpy())
        self.outputs = {self._tensor(n).Name().decode(): n for n in outputs}

    def operations(self) -> Iterator[Operation]:
        """Iterate over all operations, each after those that it depends on."""
        for i in range(self._graph.OperatorsLength()):
            table = self._graph.Operators(i)
            code = self._model.OperatorCodes(table.OpcodeIndex())
            # Files older than the 32-bit code have only the deprecated 8-bit one.
            number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            kind = _KINDS.get(number, f"number {number}")
            inputs, outputs = table.InputsAsNumpy(), table.OutputsAsNumpy()
            yield Operation(kind, _numbers(inputs), _numbers(outputs), table)

    def shape(self, tensor: str) -> tuple[int, ...]:
        """Return the shape of a tensor for a batch of one."""
        table = self._tensor(tensor)
        return tuple(table.Shape(i) for i in range(table.ShapeLength()))

    def constant(self, tensor: str) -> np.ndarray | None:
        """Return the value of a constant tensor; None if the network computes it.

        Raises:
            ValueError: its type is not supported, or it is stored sparsely.
        """
        table = self._tensor(tensor)
        buffer = self._model.Buffers(table.Buffer())
        if not buffer.DataLength():
            return None
        if table.Type() not in _TYPES or table.Sparsity() is not None:
            raise ValueError(
                f"the constant {table.Name().decode()} must be dense float32, float16 or int32"
            )
        return buffer.DataAsNumpy().view(_TYPES[table.Type()]).reshape(self.shape(tensor))

    def _tensor(self, number: str) -> tflite.Tensor:
        return self._graph.Tensors(int(number))


def _numbers(tensors: np.ndarray) -> list[str]:
    return [str(number) for number in tensors]
