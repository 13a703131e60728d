"""Command `pinet models`: published networks and clips, fetched, listed and imported."""

from __future__ import annotations

import argparse
from pathlib import Path

from pinet_ros.detection.nanodet_weights import NANODET, save_nanodet
from pinet_ros.lifting.blazepose_weights import BLAZEPOSE, save_blazepose
from pinet_ros.models.cache import cache_dir
from pinet_training.originals.blazepose_original import published_network
from pinet_training.originals.catalog import MODELS, Model
from pinet_training.originals.fetch import fetch, file_state
from pinet_training.originals.nanodet_original import published_nanodet


def add_commands(subparsers: argparse._SubParsersAction) -> None:
    """Add `pinet models`."""
    models = subparsers.add_parser("models", help="fetch published networks and clips")
    actions = models.add_subparsers(required=True)
    fetcher = actions.add_parser("fetch", help="download files that are missing or damaged")
    fetcher.add_argument("names", nargs="+", metavar="NAME", help=", ".join(MODELS))
    fetcher.set_defaults(run=_fetch)
    actions.add_parser("list", help="list files, sizes and licences").set_defaults(run=_list)
    importer = actions.add_parser(
        "import", help="write published weights in the format of this package"
    )
    importer.add_argument(
        "name", choices=(NANODET, *BLAZEPOSE), help="network; `pinet models fetch` it first"
    )
    importer.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help=".safetensors file to write"
    )
    importer.set_defaults(run=_import)


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


def _import(arguments: argparse.Namespace) -> int:
    """Write the weights of a fetched model, to compare our own with them."""
    name, output = arguments.name, arguments.output
    if name == NANODET:
        save_nanodet(output, published_nanodet())
    else:
        save_blazepose(output, name, published_network(name))
    print(f"wrote {output}")
    return 0


def _describe(model: Model) -> list[str]:
    lines = [f"{model.name}: {model.description}; licence {model.licence}"]
    for file in model.files:
        packages = " or ".join(str(source.package) for source in file.sources)
        megabytes = file.size / 1e6
        state = file_state(file).value
        lines.append(f"  {state:8}{megabytes:6.1f} MB  {file.name}  from {packages}")
    return lines
