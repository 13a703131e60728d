from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pinet_ros.cli.bench_command import add_commands
from pinet_ros.cli.benchmarks import estimator_benchmark as estimator
from pinet_ros.cli.benchmarks.estimator_benchmark import benchmark_estimator


def test_reports_ratio_and_difference_for_each_number_of_people(
    fetched: Callable[[str], Path],
) -> None:
    names = ("nanodet", "blazepose_lite")
    for name in names:
        fetched(name)
    report = benchmark_estimator(names, (1, 3), repetitions=2)
    assert {name: list(rows) for name, rows in report.items()} == {
        "nanodet": ["1"],
        "blazepose_lite": ["1", "3"],
    }
    for row in (row for rows in report.values() for row in rows.values()):
        assert row["ratio"] == row["torch_ms"] / row["onnx_ms"] > 0
        assert 0 < row["max_diff"] < 1e-4


def test_the_command_says_what_the_ratio_is_and_writes_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    row = {"ratio": 1.5, "max_diff": 2e-6, "torch_ms": 30.0, "onnx_ms": 20.0}
    measured = {"blazepose_full": {"2": row}}
    monkeypatch.setattr(estimator, "benchmark_estimator", lambda repetitions: measured)
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    arguments = parser.parse_args(["bench", "estimator", "--json", str(tmp_path / "bench.json")])

    assert arguments.run(arguments) == 0

    assert json.loads((tmp_path / "bench.json").read_text()) == measured
    output = capsys.readouterr().out
    assert "ratio = torch / ONNX Runtime" in output
    assert "ratio 1.50 (30.0 ms / 20.0 ms)" in output
