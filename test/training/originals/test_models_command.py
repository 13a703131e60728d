"""The commands on an empty and on a filled cache folder."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import command_line
import pytest

from pinet_training.originals import catalog

run = partial(command_line.run, "models")


def test_list_shows_the_state_of_every_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("PINET_CACHE", str(tmp_path))
    (tmp_path / "nanodet.bin").write_bytes(b"broken")
    run("list")
    lines = capsys.readouterr().out.splitlines()
    assert str(tmp_path) in lines[0]
    states = {line.split()[3]: line.split()[0] for line in lines[1:] if line.startswith("  ")}
    names = [file.name for model in catalog.MODELS.values() for file in model.files]
    assert states == dict.fromkeys(names, "missing") | {"nanodet.bin": "broken"}
    assert any(line.startswith("demo_clip: ") for line in lines)


def test_fetch_says_when_there_is_nothing_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("PINET_CACHE", str(tmp_path))
    monkeypatch.setitem(catalog.MODELS, "nothing", catalog.Model("nothing", (), "", ""))
    run("fetch", "nothing")
    assert "nothing to fetch" in capsys.readouterr().out
