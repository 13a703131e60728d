"""Settings stored with results: differences are reported."""

from __future__ import annotations

import json

import pytest

from pinet_ros.errors import DatasetError
from pinet_training.runs.settings import Difference, as_json, first_difference, hold_settings

SETTINGS = {"seed": 3, "size": (4, 5), "networks": {"a": {"x": "1"}, "b": None}}


def test_settings_come_back_as_json_has_them(tmp_path):
    hold_settings(tmp_path / "new" / "settings.json", SETTINGS)
    held = json.loads((tmp_path / "new" / "settings.json").read_text())
    assert held == as_json(SETTINGS)
    assert held["size"] == [4, 5]


def test_the_same_settings_are_held_and_not_written_again(tmp_path):
    path = tmp_path / "settings.json"
    hold_settings(path, SETTINGS)
    before = path.stat().st_mtime_ns
    hold_settings(path, SETTINGS)
    assert path.stat().st_mtime_ns == before


def test_other_settings_are_refused_or_replace_those_there(tmp_path):
    path = tmp_path / "settings.json"
    hold_settings(path, SETTINGS)
    with pytest.raises(DatasetError) as caught:
        hold_settings(path, SETTINGS | {"seed": 4})
    assert str(caught.value) == (
        f"{path}: seed is 3, expected 4; continue with the settings in this file, choose another "
        f"folder, or remove the folder {tmp_path} to start over"
    )
    hold_settings(path, SETTINGS | {"seed": 4}, replace=True)
    assert json.loads(path.read_text())["seed"] == 4


def test_damaged_settings_are_named_and_can_be_replaced(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text("{")
    with pytest.raises(DatasetError, match=r"settings.json is not a JSON file"):
        hold_settings(path, SETTINGS)
    hold_settings(path, SETTINGS, replace=True)
    hold_settings(path, SETTINGS)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"seed": 4}, Difference("seed", 3, 4)),
        ({"new": 1}, Difference("new", None, 1)),
        ({"networks": None}, Difference("networks", {"a": {"x": "1"}, "b": None}, None)),
        ({"networks": {"a": {"x": "2"}}}, Difference("networks.a.x", "1", "2")),
        ({"networks": {"a": {"x": "1"}}}, None),  # what is None is as good as not there
        ({"networks": {"a": {"x": "1"}}, "size": (4, 6)}, Difference("size", [4, 5], [4, 6])),
    ],
)
def test_the_first_difference_is_found_within_what_is_shared(changes, expected):
    held, wanted = as_json(SETTINGS), as_json({**SETTINGS, **changes})
    assert first_difference(held, wanted) == expected
    if expected is not None:
        mirrored = Difference(expected.name, expected.wanted, expected.held)
        assert first_difference(wanted, held) == mirrored
