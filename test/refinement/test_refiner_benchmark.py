from __future__ import annotations

import argparse
import json

import numpy as np

from pinet_ros.cli.bench_command import add_commands
from pinet_ros.cli.benchmarks.refiner_benchmark import PEOPLE, benchmark_refiner, separate_passes


def test_separate_passes_are_those_of_the_plain_network(network, plain, make_people):
    joints = make_people(4).joints

    assert np.abs(separate_passes(network, joints) - plain.published(joints)).max() < 1e-5


def test_reports_ratio_and_difference_for_each_number_of_people():
    report = benchmark_refiner((1, 5), repetitions=3)

    assert list(report) == ["1", "5"]
    for row in report.values():
        assert row["ratio"] == row["separate_ms"] / row["batched_ms"] > 0
        assert row["max_diff_mm"] < 0.01


def test_the_command_says_what_the_ratio_is_and_writes_it(tmp_path, capsys):
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    options = ["--repetitions", "1", "--json", str(tmp_path / "bench.json")]
    arguments = parser.parse_args(["bench", "refiner", *options])

    assert arguments.run(arguments) == 0

    report = json.loads((tmp_path / "bench.json").read_text())
    assert list(report) == [str(count) for count in PEOPLE]
    output = capsys.readouterr().out
    assert "ratio = N separate passes / one batched pass" in output
    assert f"ratio {report['20']['ratio']:.2f}" in output
