from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
import torch

from pinet_ros.cli.bench_command import add_commands
from pinet_ros.cli.benchmarks import estimator_benchmark as estimator
from pinet_ros.cli.benchmarks.estimator_benchmark import benchmark_estimator
from pinet_ros.errors import ModelError
from pinet_ros.lifting.blazepose_weights import load_blazepose, save_blazepose, weights_file
from pinet_ros.util.plugins import plugin_names


def test_reports_ratio_and_difference_for_each_number_of_people(
    fetched: Callable[[str], Path],
) -> None:
    names = ("nanodet", "blazepose_lite")
    fetched("blazepose_lite")  # published, for comparison
    report = benchmark_estimator(names, (1, 3), repetitions=2)
    assert {name: list(rows) for name, rows in report.items()} == {
        "nanodet": ["1"],
        "blazepose_lite": ["1", "3"],
    }
    for row in (row for rows in report.values() for row in rows.values()):
        assert row["ratio"] == row["torch_ms"] / row["onnx_ms"] > 0
        assert 0 < row["max_diff"] < 1e-4
    assert "to_published" not in report["nanodet"]["1"]
    for row in report["blazepose_lite"].values():
        assert ("to_published" in row) == bool(plugin_names("pinet.originals"))
        if "to_published" in row:
            assert row["to_published"] == row["onnx_ms"] / row["published_ms"] > 0


def test_given_weights_are_those_of_their_network(
    fetched: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = fetched("blazepose_lite")
    (tmp_path / source.name).symlink_to(source)
    monkeypatch.setenv("PINET_CACHE", str(tmp_path))
    weights = tmp_path / "weights.safetensors"
    network = load_blazepose("blazepose_lite", weights_file("blazepose_lite"))
    torch.nn.init.zeros_(network.presence.weight)
    save_blazepose(weights, "blazepose_lite", network)
    benchmark_estimator(("blazepose_lite",), (1,), 1, lifter_weights=weights)
    used, shipped = (
        sha256(sha256(path.read_bytes()).hexdigest().encode()).hexdigest()[:12]
        for path in (weights, weights_file("blazepose_lite"))
    )
    exported = {path.stem.split("-")[-2] for path in tmp_path.glob("*.onnx")}
    assert used in exported
    assert shipped not in exported
    (tmp_path / "other.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match=r"other.safetensors is damaged or not a safetensors"):
        benchmark_estimator((), lifter_weights=tmp_path / "other.safetensors")


def test_the_command_says_what_the_ratio_is_and_writes_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    row = {"ratio": 1.5, "max_diff": 2e-6, "torch_ms": 30.0, "onnx_ms": 20.0}
    published = {"published_ms": 25.0, "to_published": 0.8}
    measured = {"nanodet": {"1": row}, "blazepose_full": {"2": row | published}}
    monkeypatch.setattr(estimator, "benchmark_estimator", lambda **_: measured)
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    arguments = parser.parse_args(["bench", "estimator", "--json", str(tmp_path / "bench.json")])

    assert arguments.run(arguments) == 0

    assert json.loads((tmp_path / "bench.json").read_text()) == measured
    output = capsys.readouterr().out
    assert "ratio = torch / ONNX Runtime" in output
    assert "ratio 1.50 (30.0 ms / 20.0 ms)" in output
    assert output.count("to published 0.80") == 1
