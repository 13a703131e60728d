from __future__ import annotations

import argparse
import json

import numpy as np
import pytest

from pinet_ros.device import DeviceError
from pinet_ros.models.catalog import ModelError
from pinet_ros.refinement.refiner import Refiner
from pinet_ros.training.commands import add_commands
from pinet_ros.training.evaluation.scenes import evaluate_scenes
from pinet_ros.training.recipe import RecipeError
from pinet_ros.training.datasets.scenes import ScenesError


def run(*arguments) -> int:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    parsed = parser.parse_args([str(argument) for argument in arguments])
    return parsed.run(parsed)


def train(scenes, output, *options) -> int:
    return run("train", "scenes", scenes, "--output", output, *options)


@pytest.fixture
def small_file(excerpt_path, tmp_path):
    """The people of the excerpt's first scenes."""
    fields = dict(np.load(excerpt_path))
    few = fields["estimate_scene"] < 12
    for name in ("estimate_scene", "estimate_person", "estimate_initial_joints"):
        fields[name] = fields[name][few]
    np.savez(tmp_path / "small.npz", **fields)
    return tmp_path / "small.npz"


@pytest.fixture
def train_file(excerpt_path, tmp_path):
    fields = dict(np.load(excerpt_path))
    fields["scene_split"][:] = "train"
    np.savez(tmp_path / "train.npz", **fields)
    return tmp_path / "train.npz"


def test_trains_weights_that_evaluate_reads(train_file, excerpt_path, excerpt, tmp_path, capsys):
    weights, report = tmp_path / "new" / "weights.safetensors", tmp_path / "report.json"

    assert train(train_file, weights, "--epochs", 1) == 0
    assert run("evaluate", "scenes", excerpt_path, "--weights", weights, "--json", report) == 0

    expected = evaluate_scenes(excerpt, Refiner.load(weights))
    assert json.loads(report.read_text()) == expected
    assert f"MPJPE {expected['wide']['after']['mpjpe_mm']:6.1f} mm" in capsys.readouterr().out


def test_evaluates_the_default_weights_with_controls(small_file, tmp_path, capsys):
    report = tmp_path / "report.json"

    run("evaluate", "scenes", small_file, "--split", "test", "--controls", "--json", report)

    controls = json.loads(report.read_text())["controls"]
    assert list(controls) == ["alone", "duplicate", "wrong_neighbours"]
    wrong = controls["wrong_neighbours"]["narrow"]["after"]["root_mm"]
    line = next(x for x in capsys.readouterr().out.splitlines() if "wrong neighbours" in x)
    assert line.endswith(f"root {wrong:4.0f} mm")


def test_a_split_without_people_is_an_error(excerpt_path):
    with pytest.raises(ScenesError, match=r"no scenes of the train split with two or more"):
        run("evaluate", "scenes", excerpt_path, "--split", "train")


def test_bad_arguments_are_errors(excerpt_path, train_file, tmp_path):
    with pytest.raises(ModelError, match=r"nothing.safetensors"):
        run("evaluate", "scenes", excerpt_path, "--weights", tmp_path / "nothing.safetensors")
    with pytest.raises(ScenesError, match=r"nothing.npz"):
        run("evaluate", "scenes", tmp_path / "nothing.npz")
    with pytest.raises(DeviceError, match=r"quantum"):
        train(train_file, tmp_path / "w.safetensors", "--device", "quantum")
    with pytest.raises(RecipeError, match="epochs must be positive, got 0"):
        train(train_file, tmp_path / "w.safetensors", "--epochs", 0)
    with pytest.raises(SystemExit):
        train(train_file, tmp_path / "w.safetensors", "--others", "bogus")


def test_a_name_that_could_not_be_loaded_is_refused_before_training(train_file, tmp_path, capsys):
    with pytest.raises(SystemExit):
        train(train_file, tmp_path / "weights.pth")

    assert "weights end in .safetensors, got" in capsys.readouterr().err
