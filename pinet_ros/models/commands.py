"""The commands `pinet models fetch`, `pinet models list` and `pinet models export`."""

from __future__ import annotations

import argparse
from pathlib import Path

from pinet_ros.files import write_whole
from pinet_ros.models.cache import cache_dir, file_state
from pinet_ros.models.catalog import MODELS, Model
from pinet_ros.models.fetch import fetch


def add_commands(subparsers: argparse._SubParsersAction) -> None:
    """Register the commands; `run` of the parsed arguments executes one and gives its status."""
    models = subparsers.add_parser("models", help="fetch, list and export the networks")
    actions = models.add_subparsers(required=True)
    fetcher = actions.add_parser("fetch", help="fetch what is missing or broken")
    fetcher.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"{', '.join(MODELS)}; without a name all but those marked 'on request' in the list",
    )
    fetcher.set_defaults(run=_fetch)
    actions.add_parser("list", help="show what there is").set_defaults(run=_list)
    exporter = actions.add_parser(
        "export", help="write a network as ONNX, for TensorRT and other runtimes"
    )
    exporter.add_argument("name", metavar="NAME", help="nanodet, blazepose_full, ...")
    exporter.add_argument("--output", type=Path, required=True, metavar="FILE.onnx")
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
    """Write a fetched network as ONNX, checked against torch, for batches of any size."""
    from pinet_ros.models.networks import onnx_model  # imports torch, which takes seconds

    content = onnx_model(arguments.name)
    write_whole(arguments.output, lambda stream: stream.write(content))
    print(f"wrote {len(content) / 1e6:.1f} MB to {arguments.output}")
    return 0


def _describe(model: Model) -> list[str]:
    on_request = "" if model.default else " (on request)"
    lines = [f"{model.name}{on_request}: {model.description}; licence {model.licence}"]
    for file in model.files:
        packages = " or ".join(str(source.package) for source in file.sources)
        megabytes = file.size / 1e6
        state = file_state(file).value
        lines.append(f"  {state:8}{megabytes:6.1f} MB  {file.name}  from {packages}")
    return lines
