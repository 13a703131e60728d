from __future__ import annotations

import argparse
import json

import pytest

from pinet_ros.cli.bench_command import add_commands
from pinet_ros.cli.benchmarks import lifter_benchmark as lifter

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report():
    return lifter.benchmark_lifter(people=2, repetitions=1, backbone="resnet18")


def test_reports_ratio_and_difference_of_each_part(report):
    assert list(report) == ["soft_argmax", "fused_head", "crops", "lifter"]
    for row in report.values():
        assert row["ratio"] == row["plain_ms"] / row["fast_ms"] > 0


def test_both_ways_give_the_same(report):
    assert 0 < report["soft_argmax"]["max_diff"] < 1e-4  # cells
    assert 0 < report["fused_head"]["max_diff"] < 1e-4
    assert report["crops"]["max_diff"] <= 1  # gray level
    assert 0 < report["lifter"]["max_diff"] < 1e-3  # metres


def test_the_command_says_what_the_ratio_is_and_writes_it(monkeypatch, tmp_path, capsys):
    row = {"ratio": 3.0, "max_diff": 2e-5, "plain_ms": 30.0, "fast_ms": 10.0}
    asked = []

    def measure(people, repetitions, device):
        asked.append((people, repetitions, device.type))
        return {"soft_argmax": row}

    monkeypatch.setattr(lifter, "benchmark_lifter", measure)
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    options = ["--people", "6", "--repetitions", "2", "--json", str(tmp_path / "bench.json")]
    arguments = parser.parse_args(["bench", "lifter", *options])
    assert arguments.run(arguments) == 0
    assert asked == [(6, 2, "cpu")]
    assert json.loads((tmp_path / "bench.json").read_text()) == {"soft_argmax": row}
    output = capsys.readouterr().out
    assert "6 people; ratio = plain / ours" in output
    assert "ratio  3.00 (30.0 ms / 10.0 ms), at most 2.0e-05 cells apart" in output
