"""Command `pinet import-original`: published weights in the format of this package."""

from __future__ import annotations

import argparse
from pathlib import Path

from pinet_ros.cli.arguments import register
from pinet_ros.lifting.blazepose_weights import BLAZEPOSE, save_blazepose
from pinet_training.originals.blazepose_original import published_network


def add_commands(subparsers: argparse._SubParsersAction) -> None:
    """Add `pinet import-original`."""
    register(
        subparsers,
        [
            (
                "import-original",
                _add_arguments,
                _import,
                "write the published weights that a network was trained from",
            )
        ],
    )


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", choices=BLAZEPOSE, help="network; fetch it first")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help=".safetensors file to write"
    )


def _import(arguments: argparse.Namespace) -> int:
    """Write the weights of a fetched model, to compare our own with them."""
    save_blazepose(arguments.output, arguments.name, published_network(arguments.name))
    print(f"wrote {arguments.output}")
    return 0
