"""Commands `pinet models fetch`, `pinet models list` and `pinet models export`."""

from __future__ import annotations

import argparse
from pathlib import Path

from pinet_ros.errors import PinetError
from pinet_ros.models.cache import cache_dir, file_state
from pinet_ros.models.catalog import MODELS, Model, ModelError
from pinet_ros.models.fetch import fetch
from pinet_ros.util.files import write_whole


def add_commands(subparsers: argparse._SubParsersAction) -> None:
    """Add `pinet models`."""
    models = subparsers.add_parser("models", help="fetch, list and export the networks")
    actions = models.add_subparsers(required=True)
    fetcher = actions.add_parser("fetch", help="download files that are missing or damaged")
    fetcher.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"{', '.join(MODELS)}; default: all that the list does not mark as 'on request'",
    )
    fetcher.set_defaults(run=_fetch)
    actions.add_parser("list", help="list models, files and licences").set_defaults(run=_list)
    exporter = actions.add_parser(
        "export", help="write a network as ONNX, for TensorRT and other runtimes"
    )
    exporter.add_argument(
        "name", metavar="NAME", help="nanodet, blazepose_full, ..., pinet, posenet or rootnet"
    )
    exporter.add_argument(
        "--weights",
        metavar="FILE",
        help="weights of pinet or BlazePose (default: those in the package or fetched), or "
        "snapshot of posenet or rootnet",
    )
    exporter.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="FILE",
        help=".onnx; or .safetensors, for the weights of pinet in half precision",
    )
    exporter.set_defaults(run=_export)


def _fetch(arguments: argparse.Namespace) -> int:
    written = fetch(arguments.names)
    for path in written:
        print(f"fetched {path}")
    if not written:
        print(f"nothing to fetch: all files are in {cache_dir()}")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    print(f"cache folder: {cache_dir()}")
    for model in MODELS.values():
        print("\n".join(_describe(model)))
    return 0


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
            raise PinetError(f"{name} is not fetched; give its snapshot with --weights")
        return export_snapshot(name, weights)
    from pinet_ros.lifting.blazepose_weights import BLAZEPOSE, export_blazepose
    from pinet_ros.models.networks import NETWORKS, onnx_model

    if name in BLAZEPOSE:
        return export_blazepose(name, weights or "")
    if name not in NETWORKS:
        known = ", ".join((*NETWORKS, *BLAZEPOSE, "pinet", "posenet", "rootnet"))
        raise ModelError(f"there is no network '{name}', only {known}")
    if weights:
        raise PinetError(f"{name} is a fetched network; leave out --weights")
    return onnx_model(name)


def _describe(model: Model) -> list[str]:
    on_request = "" if model.default else " (on request)"
    lines = [f"{model.name}{on_request}: {model.description}; licence {model.licence}"]
    for file in model.files:
        packages = " or ".join(str(source.package) for source in file.sources)
        megabytes = file.size / 1e6
        state = file_state(file).value
        lines.append(f"  {state:8}{megabytes:6.1f} MB  {file.name}  from {packages}")
    return lines
