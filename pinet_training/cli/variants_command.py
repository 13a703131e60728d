"""Command `pinet variants`: list the variants of PI-Net."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tabulate import tabulate

from pinet_ros.refinement.checkpoint import build_network
from pinet_ros.util.files import write_text
from pinet_training.refiner.variants import VARIANTS, count_parameters


def add_commands(subparsers: argparse._SubParsersAction) -> None:
    """Add `pinet variants`."""
    parser = subparsers.add_parser(
        "variants", help="list the variants of PI-Net", description=_variants.__doc__
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the list here")
    parser.set_defaults(run=_variants)


def _variants(arguments: argparse.Namespace) -> int:
    """List the variants of PI-Net and how many parameters each has."""
    counts = {
        name: count_parameters(build_network(variant.network))
        for name, variant in VARIANTS.items()
    }
    if arguments.json:
        write_text(arguments.json, json.dumps(counts, indent=2) + "\n")
    rows = [(name, f"{count:,}", f"{count / 1e6:.2f} M") for name, count in counts.items()]
    print(tabulate(rows, ["variant", "parameters", ""], disable_numparse=True))
    return 0
