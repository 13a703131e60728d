"""What a rendered data set says that it holds."""

from __future__ import annotations

import json

import pytest

from pinet_training.rendering.contents import contents_text, describe_contents, write_contents
from pinet_training.rendering.shards import RenderedScenes


def test_scenes_and_people_are_counted_by_kind(made_up, tmp_path):
    rendered = RenderedScenes.begin(tmp_path, made_up.settings)
    rendered.write(0, made_up.pictures(3), made_up.truth([2, 0, 3]))
    contents = describe_contents(rendered)
    assert (contents["scenes"], contents["people"]) == (3, 5)
    assert contents["scenes_by_people"] == {"0": 1, "2": 1, "3": 1}
    assert contents["stances"] == {"captured": 1.0}
    assert contents["clothes"] == {"cap": 1.0, "skirt": 1.0}
    assert contents["share_of_seen"]["cut off"] == pytest.approx(0.8, abs=0.3)
    assert contents_text(contents).startswith("3 scenes with 5 people")
    write_contents(contents, tmp_path / "contents.json")
    assert json.loads((tmp_path / "contents.json").read_text()) == contents
