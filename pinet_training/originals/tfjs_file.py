"""Reads TensorFlow.js graph models: named operations and, in other files, their constants."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Operation:
    """One step of the network.

    Attributes:
        kind: kind of operation, as in TensorFlow.
        name: name of the first output; others are `name:1`, ...
        inputs: names of the input tensors.
        attributes: parameters, as in the file.
    """

    kind: str
    name: str
    inputs: list[str]
    attributes: dict[str, Any]

    def numbers(self, attribute: str) -> list[int]:
        """Return an attribute that is a list of integers."""
        return [int(number) for number in self.attributes[attribute]["list"]["i"]]

    def text(self, attribute: str) -> str:
        """Return an attribute that is a string."""
        return base64.b64decode(self.attributes[attribute]["s"]).decode()


class TFJSFile:
    """A graph model: model.json, and the weight files that it names, in the same folder.

    Attributes:
        outputs: names of the output tensors, sorted.
        constants: weights and sizes by name.
    """

    def __init__(self, path: Path) -> None:
        """Read the files.

        Raises:
            OSError: a file is missing.
            ValueError: it is not a graph model, or a weight's format is not supported.
        """
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.get("format") != "graph-model":
            raise ValueError(f"its format must be graph-model, got {content.get('format')}")
        self._nodes = {node["name"]: node for node in content["modelTopology"]["node"]}
        outputs = content["signature"]["outputs"].values()
        self.outputs = sorted(_tensor(output["name"]) for output in outputs)
        self.constants: dict[str, np.ndarray] = {}
        for group in content["weightsManifest"]:
            data = b"".join((path.parent / name).read_bytes() for name in group["paths"])
            self.constants.update(_read_weights(group["weights"], data))

    def operations(self) -> Iterator[Operation]:
        """Iterate over all operations except constants, each after those that it depends on."""
        inputs = {
            name: [_tensor(source) for source in node.get("input", [])]
            for name, node in self._nodes.items()
        }
        depends = {name: [s.split(":")[0] for s in sources] for name, sources in inputs.items()}
        for name in TopologicalSorter(depends).static_order():
            node = self._nodes[name]
            if node["op"] != "Const":
                yield Operation(node["op"], name, inputs[name], node.get("attr", {}))


def _tensor(name: str) -> str:
    """`a:0` and `a` are the same tensor."""
    return name.removesuffix(":0")


def _read_weights(entries: list[dict[str, Any]], data: bytes) -> dict[str, np.ndarray]:
    """Split the bytes into the constants that the entries describe; floats become float32."""
    constants, start = {}, 0
    for entry in entries:
        quantization = entry.get("quantization", {"dtype": entry["dtype"]})
        if not {"scale", "min"}.isdisjoint(quantization):
            raise ValueError(
                f"the weight {entry['name']} is quantised to integers, which is not supported"
            )
        stored = np.dtype(quantization["dtype"])
        values = np.frombuffer(data, stored, math.prod(entry["shape"]), start)
        start += values.nbytes
        constants[entry["name"]] = values.reshape(entry["shape"]).astype(entry["dtype"])
    if start != len(data):
        raise ValueError(f"its weights must be {start} bytes, got {len(data)}")
    return constants
