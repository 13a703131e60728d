"""Command `pinet export`: networks as ONNX."""

from __future__ import annotations

import argparse
from pathlib import Path

from pinet_ros.errors import ModelError, PinetError
from pinet_ros.util.files import write_whole


def add_commands(subparsers: argparse._SubParsersAction) -> None:
    """Add `pinet export`."""
    parser = subparsers.add_parser(
        "export", help="write a network as ONNX, for TensorRT and other runtimes"
    )
    parser.add_argument(
        "name", metavar="NAME", help="nanodet, blazepose_full, ..., pinet, posenet or rootnet"
    )
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help="weights of nanodet, BlazePose or pinet (default: those in the package), or "
        "snapshot of posenet or rootnet",
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="FILE",
        help=".onnx; or .safetensors, for the weights of pinet in half precision",
    )
    parser.set_defaults(run=_export)


def _export(arguments: argparse.Namespace) -> int:
    """Write a network as ONNX for batches of any size, and check it against torch."""
    output = arguments.output
    if output.suffix == ".safetensors":
        _export_in_half(arguments.name, arguments.weights, output)
    else:
        content = _exported(arguments.name, arguments.weights)
        write_whole(output, lambda stream: stream.write(content))
    print(f"wrote {output.stat().st_size / 1e6:.1f} MB to {output}")
    return 0


def _export_in_half(name: str, weights: str | None, output: Path) -> None:
    """Write PI-Net weights in half precision: half the size, poses that agree to 0.1 mm."""
    from pinet_ros.refinement.checkpoint import (
        DEFAULT_WEIGHTS,
        load_checkpoint,
        save_checkpoint,
    )

    if name != "pinet":
        raise PinetError(f"only pinet is written as .safetensors; write {name} as .onnx")
    save_checkpoint(output, *load_checkpoint(weights or DEFAULT_WEIGHTS), half=True)


def _exported(name: str, weights: str | None) -> bytes:
    # these modules import torch, which takes seconds
    if name == "pinet":
        from pinet_ros.refinement.checkpoint import DEFAULT_WEIGHTS
        from pinet_ros.refinement.pinet_export import export_pinet

        return export_pinet(weights or DEFAULT_WEIGHTS)
    if name in ("posenet", "rootnet"):
        from pinet_ros.lifting.mppe.snapshots import export_snapshot

        if not weights:
            raise PinetError(
                f"{name} has no weights in the package; give its snapshot with --weights"
            )
        return export_snapshot(name, weights)
    from pinet_ros.detection.nanodet_weights import NANODET, export_nanodet
    from pinet_ros.lifting.blazepose_weights import BLAZEPOSE, export_blazepose

    if name == NANODET:
        return export_nanodet(weights or "")
    if name in BLAZEPOSE:
        return export_blazepose(name, weights or "")
    known = ", ".join((NANODET, *BLAZEPOSE, "pinet", "posenet", "rootnet"))
    raise ModelError(f"there is no network '{name}', only {known}")
