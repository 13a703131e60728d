"""The command `pinet bench`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pinet_ros.arguments import positive_integer
from pinet_ros.benchmarks.refiner import REPETITIONS, benchmark_refiner
from pinet_ros.device import describe_device, select_device
from pinet_ros.files import write_text


def add_commands(subparsers: argparse._SubParsersAction) -> None:
    """Register the command; `run` of the parsed arguments executes it and gives its status."""
    kinds = subparsers.add_parser("bench", help="measure speed").add_subparsers(required=True)
    parser = kinds.add_parser("refiner", help="one pass for all people against one for each")
    parser.add_argument("--device", default="cpu", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--repetitions", type=positive_integer, default=REPETITIONS)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.set_defaults(run=_bench_refiner)


def _bench_refiner(arguments: argparse.Namespace) -> int:
    device = select_device(arguments.device)
    print(f"{describe_device(device)}; ratio = N separate passes / one batched pass, medians")
    report = benchmark_refiner(repetitions=arguments.repetitions, device=device)
    for count, row in report.items():
        print(
            f"{count:>3} people: ratio {row['ratio']:.2f} ({row['separate_ms']:.1f} ms / "
            f"{row['batched_ms']:.1f} ms), at most {row['max_diff_mm']:.4f} mm apart"
        )
    if arguments.json:
        write_text(arguments.json, json.dumps(report, indent=2) + "\n")
    return 0
