"""Command `pinet bench`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pinet_ros.cli.arguments import DEFAULT, add_device, positive_integer
from pinet_ros.cli.benchmarks import estimator_benchmark as estimator
from pinet_ros.cli.benchmarks import lifter_benchmark as lifter
from pinet_ros.cli.benchmarks import refiner_benchmark as refiner
from pinet_ros.util.device import describe_device, select_device
from pinet_ros.util.files import write_text


def add_commands(subparsers: argparse._SubParsersAction) -> None:
    """Add `pinet bench`."""
    kinds = subparsers.add_parser("bench", help="measure speed").add_subparsers(required=True)
    parser = kinds.add_parser("refiner", help="one pass for all people against one for each")
    add_device(parser, "cpu")
    _add_common(parser, refiner.REPETITIONS)
    parser.set_defaults(run=_bench_refiner)
    parser = kinds.add_parser(
        "estimator", help="ONNX Runtime against torch, and BlazePose as published, on the CPU"
    )
    parser.add_argument(
        "--lifter-weights",
        default="",
        metavar="FILE",
        help="weights of BlazePose, from `pinet train-lifter`; default: its default weights",
    )
    _add_common(parser, estimator.REPETITIONS)
    parser.set_defaults(run=_bench_estimator)

    parser = kinds.add_parser("lifter", help="the lifter mppe against a plain implementation")
    add_device(parser, "cpu")
    parser.add_argument(
        "--people",
        type=positive_integer,
        default=lifter.PEOPLE,
        help=f"people in the image; {DEFAULT}",
    )
    _add_common(parser, lifter.REPETITIONS)
    parser.set_defaults(run=_bench_lifter)


def _add_common(parser: argparse.ArgumentParser, repetitions: int) -> None:
    parser.add_argument(
        "--repetitions",
        type=positive_integer,
        default=repetitions,
        help=f"runs of each implementation; {DEFAULT}",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here")


def _bench_refiner(arguments: argparse.Namespace) -> int:
    device = select_device(arguments.device)
    print(f"{describe_device(device)}; ratio = N separate passes / one batched pass, medians")
    report = refiner.benchmark_refiner(repetitions=arguments.repetitions, device=device)
    for count, row in report.items():
        print(
            f"{count:>3} people: ratio {row['ratio']:.2f} ({row['separate_ms']:.1f} ms / "
            f"{row['batched_ms']:.1f} ms), at most {row['max_diff_mm']:.4f} mm apart"
        )
    _write(arguments.json, report)
    return 0


def _bench_estimator(arguments: argparse.Namespace) -> int:
    print(f"{describe_device(select_device('cpu'))}; ratio = torch / ONNX Runtime, medians")
    print("to published: time of BlazePose over that of the published network, by ONNX Runtime")
    report = estimator.benchmark_estimator(
        repetitions=arguments.repetitions, lifter_weights=arguments.lifter_weights
    )
    for name, rows in report.items():
        for count, row in rows.items():
            ratio = f", to published {row['to_published']:.2f}" if "to_published" in row else ""
            print(
                f"{name:<16}{count:>2}: ratio {row['ratio']:.2f} ({row['torch_ms']:.1f} ms / "
                f"{row['onnx_ms']:.1f} ms), relative difference {row['max_diff']:.0e}{ratio}"
            )
    _write(arguments.json, report)
    return 0


def _bench_lifter(arguments: argparse.Namespace) -> int:
    device = select_device(arguments.device)
    print(f"{describe_device(device)}, {arguments.people} people; ratio = plain / ours, medians")
    report = lifter.benchmark_lifter(arguments.people, arguments.repetitions, device)
    for name, row in report.items():
        print(
            f"{name:<12} ratio {row['ratio']:5.2f} ({row['plain_ms']:.1f} ms / "
            f"{row['fast_ms']:.1f} ms), at most {row['max_diff']:.1e} {lifter.UNITS[name]} apart"
        )
    _write(arguments.json, report)
    return 0


def _write(path: Path | None, report: dict) -> None:
    if path:
        write_text(path, json.dumps(report, indent=2) + "\n")
