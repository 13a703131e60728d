"""`pinet` where the package pinet_training is not installed, or not whole."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import numpy as np
import pytest
from command_line import fails, run

from pinet_ros.util import plugins

COMMANDS = (
    *("predict", "evaluate", "train", "train-lifter", "train-detector", "ablate"),
    *("scenes", "compose", "variants", "models"),
)


@pytest.fixture
def not_installed(monkeypatch):
    """As where no package has registered anything."""
    monkeypatch.setattr(plugins, "entry_points", lambda **_: [])


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_missing_says_how_to_get_it(not_installed, command):
    message = fails(command, "--help")
    assert message.startswith(f"pinet: `pinet {command}` is part of the package pinet_training")
    assert "pip install ./pinet_training" in message
    assert "-DPINET_TRAINING=ON" in message


def test_the_help_names_what_the_package_would_add(not_installed, capsys):
    run("--help")
    said = " ".join(capsys.readouterr().out.split())
    assert "estimate" in said
    assert f"The package pinet_training adds: {', '.join(COMMANDS)}." in said


def test_the_help_names_the_commands_of_the_package(capsys):
    run("--help")
    said = capsys.readouterr().out
    for command in ("estimate", "refine", "models", "bench", *COMMANDS):
        assert f"    {command} " in said or f"    {command}\n" in said
    assert "pinet_training adds" not in said


def test_files_that_only_the_package_reads_say_so(not_installed, tmp_path):
    (tmp_path / "preds_3d_kpt_mupots.mat").write_bytes(b"")
    message = fails("refine", tmp_path / "preds_3d_kpt_mupots.mat", "--output", "out.npz")
    assert "preds_3d_kpt_mupots.mat is part of the package pinet_training" in message
    (tmp_path / "coco.json").write_text('{"annotations": []}')
    message = fails("refine", tmp_path / "coco.json", "--output", "out.npz")
    assert "coco.json is part of the package pinet_training" in message


def test_what_the_package_needs_and_lacks_is_named(monkeypatch):
    broken = EntryPoint("train", "nowhere.to_be_found:add_commands", "pinet.commands")
    monkeypatch.setattr(plugins, "entry_points", lambda **_: [broken])
    message = fails("train", "--help")
    assert "`pinet train` needs nowhere, which is not installed" in message


def test_refine_works_without_the_package(not_installed, tmp_path):
    joints = np.random.default_rng(0).normal(size=(2, 17, 3)) + np.array([0, 0, 5])
    np.savez(tmp_path / "in.npz", joints=joints, unit="m", frame=["a", "a"], person=[0, 1])
    run("refine", tmp_path / "in.npz", "--output", tmp_path / "out.npz", "--refine-unknown")
    with np.load(tmp_path / "out.npz") as refined:
        assert refined["joints"].shape == (2, 17, 3)
        assert np.abs(refined["joints"] - joints).max() > 1e-3
