"""Writing a network as ONNX, and comparing what ONNX Runtime makes of it with torch."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable
from inspect import signature

import torch

from pinet_ros.models.catalog import ModelError
from pinet_ros.models.graph import GraphModule
from pinet_ros.models.onnx_network import OnnxNetwork

INPUT = "images"
OPSET = 17  # ONNX 1.12, June 2022: known to TensorRT 8.6 and to torch's exporter since 2.0
_TOLERANCE = 1e-4  # of the largest number of an output, at least of 1

# The exporter that every torch since 2.2 has, and that needs no package but onnx. Torch 2.5
# brought another, and with it the choice.
_EXPORTER = {"dynamo": False} if "dynamo" in signature(torch.onnx.export).parameters else {}


def export_onnx(network: GraphModule, outputs: Iterable[str]) -> bytes:
    """The content of an ONNX file with the input `images` (batch,C,H,W), of any batch size.

    Args:
        network: on the CPU.
        outputs: the names to give them; each has the batch in front.

    Raises:
        ModelError: ONNX Runtime does not give what torch gives.
    """
    outputs = list(outputs)
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # that the exporter is old, and that shapes are checked while tracing
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(2, *network.input_shape),),
            stream,
            input_names=[INPUT],
            output_names=outputs,
            dynamic_axes={name: {0: "batch"} for name in (INPUT, *outputs)},
            opset_version=OPSET,
            **_EXPORTER,
        )
    content = stream.getvalue()
    _require_agreement(network, OnnxNetwork(content), outputs)
    return content


@torch.inference_mode()
def _require_agreement(network: GraphModule, exported: OnnxNetwork, outputs: list[str]) -> None:
    """Compare on noise, for two sizes of the batch other than the one exported with."""
    random = torch.Generator().manual_seed(0)
    for batch in (1, 3):
        images = torch.rand(batch, *network.input_shape, generator=random)
        for name, expected, found in zip(outputs, network(images), exported(images), strict=True):
            if expected.shape != found.shape:
                raise ModelError(
                    f"the exported output {name} must be {tuple(expected.shape)}, "
                    f"got {tuple(found.shape)}"
                )
            allowed = _TOLERANCE * max(1.0, float(expected.abs().max()))
            difference = float((found - expected).abs().max())
            if not difference <= allowed:  # also if it is not a number
                raise ModelError(
                    f"the exported network's {name} is {difference:.2g} off torch's, more than "
                    f"{allowed:.2g}; use runtime: torch"
                )
