"""A network as a list of operations on named tensors, and the module that runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Node:
    """One operation: `make(**params)` builds the module that computes the output.

    Attributes:
        make: builds the module.
        inputs: names of the input tensors.
        output: name of the output tensor.
        params: arguments of `make`.
    """

    make: Callable[..., nn.Module]
    inputs: tuple[str, ...]
    output: str
    params: Mapping[str, Any] = field(default_factory=dict)


class GraphModule(nn.Module):
    """Runs nodes in their order; each tensor is released after its last use."""

    def __init__(
        self,
        nodes: Sequence[Node],
        *,
        input_name: str,
        input_shape: Sequence[int],
        outputs: Sequence[str],
    ) -> None:
        """Build the modules that the outputs need; other nodes are left out.

        Args:
            nodes: the nodes, each after those that compute its inputs.
            input_name: name of the input tensor.
            input_shape: shape of one sample, (C,H,W).
            outputs: names of the tensors to return.
        """
        super().__init__()
        nodes = _needed(nodes, outputs)
        self.input_shape = tuple(input_shape)
        self.operations = nn.ModuleList(node.make(**node.params) for node in nodes)
        self._input = input_name
        self._outputs = tuple(outputs)
        self._steps = list(zip(nodes, _last_used(nodes, outputs), strict=True))
        self.eval()

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Run a batch (B,C,H,W) of any size.

        Raises:
            ValueError: the input does not have the network's input shape.
        """
        if tuple(x.shape[1:]) != self.input_shape:
            expected = ", ".join(map(str, self.input_shape))
            raise ValueError(f"input must be (B, {expected}), got {tuple(x.shape)}")
        values = {self._input: x.contiguous(memory_format=torch.channels_last)}
        for operation, (node, finished) in zip(self.operations, self._steps, strict=True):
            values[node.output] = operation(*(values[name] for name in node.inputs))
            for name in finished:
                del values[name]
        return tuple(values[name] for name in self._outputs)


def _needed(nodes: Sequence[Node], outputs: Iterable[str]) -> list[Node]:
    """The nodes that the outputs depend on."""
    needed = set(outputs)
    kept = []
    for node in reversed(nodes):
        if node.output in needed:
            needed.update(node.inputs)
            kept.append(node)
    return kept[::-1]


def _last_used(nodes: Sequence[Node], outputs: Iterable[str]) -> list[list[str]]:
    """For each node, the tensors that are not needed after it."""
    seen = set(outputs)
    finished = []
    for node in reversed(nodes):
        finished.append([name for name in dict.fromkeys(node.inputs) if name not in seen])
        seen.update(node.inputs)
    return finished[::-1]
