from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from command_line import fails, run
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from pinet_ros.cli.main import main
from pinet_ros.refinement.checkpoint import load_checkpoint
from pinet_ros.refinement.formulation import Formulation, Target
from pinet_training.refiner.pose_augmentation import Augmentation

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(excerpt_path, tmp_path_factory):
    """A few scenes of both splits."""
    fields = dict(np.load(excerpt_path))
    few = fields["estimate_scene"] < 40
    for name in fields:
        if name.startswith("estimate"):
            fields[name] = fields[name][few]
    fields["scene_split"] = np.where(np.arange(len(fields["scene_split"])) < 30, "train", "test")
    path = tmp_path_factory.mktemp("data") / "scenes.npz"
    np.savez(path, **fields)
    return path


@pytest.fixture(scope="module")
def run_folder(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "first"
    run("train", data, "--output", folder, "--epochs", 2, "--variant", "gru1", "--target", "pose")
    return folder


def test_a_run_folder_holds_all_that_a_run_was_and_gave(run_folder):
    configuration = json.loads((run_folder / "configuration.json").read_text())
    epochs = json.loads((run_folder / "metrics.json").read_text())["epochs"]
    network, formulation, _ = load_checkpoint(run_folder / "weights.safetensors")

    assert configuration["recipe"]["variant"] == "gru1"
    assert configuration["recipe"]["epochs"] == 2
    assert configuration["recipe"]["augmentation"]["pitch"] == Augmentation().pitch
    assert configuration["versions"]["torch"]
    assert [epoch["epoch"] for epoch in epochs] == [1, 2]
    assert epochs[1]["validation"]["mpjpe_mm"] > 0
    assert network.config.layers == 1
    assert formulation == Formulation("facing", Target.POSE)
    events = EventAccumulator(str(run_folder)).Reload()
    losses = [event.value for event in events.Scalars("loss")]
    assert losses == pytest.approx([epoch["loss"] for epoch in epochs])
    assert events.Scalars("validation/mpjpe_mm")[0].step == 2


def test_weights_to_begin_with_are_noted_by_their_hash(data, run_folder, tmp_path):
    weights = run_folder / "weights.safetensors"
    run("train", data, "--output", tmp_path / "a", "--epochs", 1, "--variant", "gru1",
        "--target", "pose", "--initial", weights)  # fmt: skip
    configuration = json.loads((tmp_path / "a" / "configuration.json").read_text())
    assert configuration["initial"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    message = fails("train", data, "--output", tmp_path / "b", "--initial", "nothing.pth")
    assert "there are no refiner weights at nothing.pth" in message


def test_evaluates_what_it_trained(data, run_folder, tmp_path):
    weights, report = run_folder / "weights.safetensors", tmp_path / "report.json"

    run("evaluate", "scenes", data, "--weights", weights, "--json", report)

    assert json.loads(report.read_text())["level"]["after"]["mpjpe_mm"] > 0


def test_a_folder_is_not_overwritten_and_not_resumed_with_other_options(data, run_folder):
    arguments = ("train", data, "--output", run_folder, "--epochs", 2, "--variant", "gru1")

    assert "already contains a training; resume it with --resume" in fails(*arguments)
    message = fails(*arguments, "--resume")
    assert "recipe.target is 'pose', expected 'correction'" in message


def test_resuming_a_finished_run_changes_nothing(data, run_folder):
    metrics = (run_folder / "metrics.json").read_bytes()

    run(
        "train", data, "--output", run_folder, "--resume",
        "--epochs", 2, "--variant", "gru1", "--target", "pose",
    )  # fmt: skip

    assert (run_folder / "metrics.json").read_bytes() == metrics


def test_a_damaged_checkpoint_says_what_to_do(data, run_folder, tmp_path):
    for name in ("configuration.json", "metrics.json"):
        (tmp_path / name).write_bytes((run_folder / name).read_bytes())
    (tmp_path / "checkpoint.pt").write_bytes(b"damaged")

    message = fails(
        "train", data, "--output", tmp_path, "--resume",
        "--epochs", 2, "--variant", "gru1", "--target", "pose",
    )  # fmt: skip

    assert "checkpoint.pt cannot be read" in message
    assert "remove it to train from the start" in message


def test_two_workers_give_what_one_gives(data, run_folder, tmp_path):
    output = tmp_path / "run"
    arguments = (
        "train", data, "--output", output, "--epochs", 2, "--variant", "gru1", "--target", "pose",
    )  # fmt: skip
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone")

    subprocess.run(
        [*torchrun, "--nproc-per-node", "2", "-m", "pinet_ros.cli", *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=True,
    )

    epochs, expected = (
        json.loads((folder / "metrics.json").read_text())["epochs"]
        for folder in (output, run_folder)
    )
    for epoch, other in zip(epochs, expected, strict=True):
        assert epoch["loss"] == pytest.approx(other["loss"], rel=1e-4)
    for name, value in expected[-1]["validation"].items():
        assert epochs[-1]["validation"][name] == pytest.approx(value, rel=1e-4), name


def test_bad_arguments_are_errors(data, tmp_path):
    assert "nothing.npz" in fails("train", tmp_path / "nothing.npz", "--output", tmp_path / "a")
    message = fails("ablate", data, "--output", tmp_path / "e", "--test-predictions", "p.npz")
    assert "give it with --test" in message
    assert "quantum" in fails("train", data, "--output", tmp_path / "b", "--device", "quantum")
    message = fails("train", data, "--output", tmp_path / "c", "--epochs", 0)
    assert "epochs must be positive, got 0" in message
    with pytest.raises(SystemExit, match="2"):
        main(["train", str(data), "--output", str(tmp_path / "d"), "--others", "bogus"])
    assert list(tmp_path.iterdir()) == []


def test_damaged_folders_say_what_is_wrong(data, tmp_path):
    arguments = ("train", data, "--output", tmp_path, "--epochs", 1, "--variant", "gru1")
    (tmp_path / "configuration.json").write_text("[1]")
    assert "not the configuration of a training" in fails(*arguments, "--resume")

    run("train", data, "--output", tmp_path / "run", "--epochs", 1, "--variant", "gru1")
    torch.save({"weights": 1}, tmp_path / "run" / "checkpoint.pt")
    message = fails(*arguments[:3], tmp_path / "run", *arguments[4:], "--resume")
    assert "checkpoint.pt cannot be read ('network')" in message


def test_a_checkpoint_of_another_variant_is_named(data, run_folder, tmp_path):
    output = tmp_path / "run"
    run("train", data, "--output", output, "--epochs", 1, "--variant", "lstm1")
    (output / "checkpoint.pt").write_bytes((run_folder / "checkpoint.pt").read_bytes())

    message = fails(
        "train", data, "--output", output, "--epochs", 1, "--variant", "lstm1", "--resume"
    )

    assert "checkpoint.pt" in message
    assert "rnn.weight_ih_l0" in message


def test_variants_are_listed_with_their_sizes(tmp_path, capsys):
    run("variants", "--json", tmp_path / "variants.json")

    counts = json.loads((tmp_path / "variants.json").read_text())
    assert counts["gru3"] == 3_408_896
    assert counts["lstm4"] == 5_933_056
    assert "5.93 M" in capsys.readouterr().out


def test_ablates_every_variant_and_goes_on_with_what_is_there(data, tmp_path, capsys):
    arguments = ("ablate", data, "--output", tmp_path, "--seeds", 1, "--epochs", 1)
    run(*arguments)
    report = json.loads((tmp_path / "ablation.json").read_text())
    finished = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("errors_*.npz")}

    run(*arguments)

    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("errors_*.npz")} == finished
    assert json.loads((tmp_path / "ablation.json").read_text()) == report
    sizes = {label: row["parameters"] for label, row in report[next(_table(report, "6"))].items()}
    assert sizes["none (the input)"] is None
    assert sizes["4 LSTM"] == 5_984_512  # 5,933,056 without deviations and up
    # all begin at no correction, and one epoch is little: everything is near the input's error
    controls = report[next(_table(report, "Controls"))]
    before = controls["none (the input)"]["mpjpe_mm"]["mean"]
    for row in controls.values():
        assert row["mpjpe_mm"]["mean"] == pytest.approx(before, rel=0.1)
        assert row["mpjpe_mm"]["std"] is None
    gain = controls["none (the input)"]["to_full"]["mpjpe_mm"]
    assert gain["low"] <= gain["mean"] <= gain["high"]
    assert "Table 5: attention and direction" in capsys.readouterr().out


def _table(report, name):
    return (title for title in report if name in title)
