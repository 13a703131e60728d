"""Exports networks to ONNX, and checks that ONNX Runtime's outputs agree with torch's."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Mapping
from inspect import signature
from typing import Any, Protocol

import torch
from torch import Tensor

from pinet_ros.errors import ModelError
from pinet_ros.models.onnx_network import OnnxNetwork

OPSET = 17  # ONNX 1.12, June 2022: supported by TensorRT 8.6 and torch's exporter since 2.0
_TOLERANCE = 1e-4  # relative to the largest number of an output, or to 1 if that is larger

# Use the exporter that every torch since 2.2 has and that needs no package but onnx. Torch 2.5
# added another, and this option to choose between them.
_EXPORTER: dict[str, Any] = (
    {"dynamo": False} if "dynamo" in signature(torch.onnx.export).parameters else {}
)


class Exportable(Protocol):
    """A torch module with one input.

    Attributes:
        input_shape: shape of the input without its batch axis.
    """

    input_shape: tuple[int, ...]

    def __call__(self, images: Tensor, /) -> tuple[Tensor, ...]:
        """Run a batch."""
        ...


def export_onnx(
    network: Exportable,
    outputs: Iterable[str],
    axes: Mapping[str, Mapping[int, str]] | None = None,
) -> bytes:
    """Export a network to ONNX, for any batch size.

    Args:
        network: on the CPU; maps a batch of its `input_shape` to a tuple of tensors, each with
            the batch as its first axis.
        outputs: names to give to the outputs.
        axes: the dynamic axes of the input, which comes first, and of the outputs, by their
            names; by default the input is `images`, and only the batch is dynamic.

    Returns:
        The content of the ONNX file.

    Raises:
        ModelError: ONNX Runtime's outputs differ from torch's.
    """
    outputs = list(outputs)
    axes = axes or {name: {0: "batch"} for name in ("images", *outputs)}
    input_name = next(iter(axes))
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # warnings that the exporter is old, and that shapes are checked while tracing
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,  # type: ignore[arg-type]
            (torch.zeros(2, *network.input_shape),),
            stream,  # type: ignore[arg-type]
            input_names=[input_name],
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=OPSET,
            **_EXPORTER,
        )
    content = stream.getvalue()
    exported = OnnxNetwork(content)
    _require_agreement(network, exported, outputs, any_length=1 in axes[input_name])
    return content


@torch.inference_mode()
def _require_agreement(
    network: Exportable, exported: OnnxNetwork, outputs: list[str], any_length: bool
) -> None:
    """Compare outputs for noise, with other sizes of the dynamic axes than in the export."""
    random = torch.Generator().manual_seed(0)
    length, *rest = network.input_shape
    for batch in (1, 3):
        shape = (batch, batch if any_length else length, *rest)
        images = torch.rand(shape, generator=random)
        for name, expected, found in zip(outputs, network(images), exported(images), strict=True):
            if expected.shape != found.shape:
                raise ModelError(
                    f"the exported output {name} must be {tuple(expected.shape)}, "
                    f"got {tuple(found.shape)}"
                )
            allowed = _TOLERANCE * max(1.0, float(expected.abs().max()))
            difference = float((found - expected).abs().max())
            if not difference <= allowed:  # also if it is NaN
                raise ModelError(
                    f"the exported network's {name} differs from torch's by {difference:.2g}, "
                    f"more than {allowed:.2g}; use runtime: torch"
                )
