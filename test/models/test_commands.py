"""The commands on an empty and on a filled cache folder."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from pinet_ros.models import catalog
from pinet_ros.models.commands import add_commands


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    arguments = parser.parse_args(["models", *words])
    return arguments.run(arguments)


def test_list_shows_the_state_of_every_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("PINET_CACHE", str(tmp_path))
    (tmp_path / "nanodet.bin").write_bytes(b"broken")
    assert run("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert str(tmp_path) in lines[0]
    states = {line.split()[3]: line.split()[0] for line in lines[1:] if line.startswith("  ")}
    names = [file.name for model in catalog.MODELS.values() for file in model.files]
    assert states == dict.fromkeys(names, "missing") | {"nanodet.bin": "broken"}
    assert any(line.startswith("demo_clip (on request)") for line in lines)


def test_fetch_says_when_there_is_nothing_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("PINET_CACHE", str(tmp_path))
    monkeypatch.setitem(catalog.MODELS, "nothing", catalog.Model("nothing", (), "", ""))
    assert run("fetch", "nothing") == 0
    assert "nothing to fetch" in capsys.readouterr().out
