"""Writing a network as ONNX, and comparing what ONNX Runtime makes of it with torch."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Mapping
from inspect import signature

import torch
from torch import nn

from pinet_ros.models.catalog import ModelError
from pinet_ros.models.onnx_network import OnnxNetwork

OPSET = 17  # ONNX 1.12, June 2022: known to TensorRT 8.6 and to torch's exporter since 2.0
_TOLERANCE = 1e-4  # of the largest number of an output, at least of 1

# The exporter that every torch since 2.2 has, and that needs no package but onnx. Torch 2.5
# brought another, and with it the choice.
_EXPORTER = {"dynamo": False} if "dynamo" in signature(torch.onnx.export).parameters else {}


def export_onnx(
    network: nn.Module,
    outputs: Iterable[str],
    axes: Mapping[str, Mapping[int, str]] | None = None,
) -> bytes:
    """The content of an ONNX file, of any batch size.

    Args:
        network: on the CPU, of a batch with its `input_shape` to a tuple of tensors, which have
            the batch in front too.
        outputs: the names to give them.
        axes: the names of the input, the first, and of the outputs with their axes of any size;
            without them the input is `images`, and only the batch is of any size.

    Raises:
        ModelError: ONNX Runtime does not give what torch gives.
    """
    outputs = list(outputs)
    axes = axes or {name: {0: "batch"} for name in ("images", *outputs)}
    given = next(iter(axes))
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # that the exporter is old, and that shapes are checked while tracing
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(2, *network.input_shape),),
            stream,
            input_names=[given],
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=OPSET,
            **_EXPORTER,
        )
    content = stream.getvalue()
    _require_agreement(network, OnnxNetwork(content), outputs, longer=1 in axes[given])
    return content


@torch.inference_mode()
def _require_agreement(
    network: nn.Module, exported: OnnxNetwork, outputs: list[str], longer: bool
) -> None:
    """Compare on noise, for other sizes than that exported with of all axes that may have them."""
    random = torch.Generator().manual_seed(0)
    length, *rest = network.input_shape
    for batch in (1, 3):
        shape = (batch, batch if longer else length, *rest)
        images = torch.rand(shape, generator=random)
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
