from __future__ import annotations

import json
import os

import pytest

from pinet_ros.cli.main import main
from pinet_training.refiner.variants import VARIANTS


def test_a_written_list_replaces_another_as_a_whole(tmp_path):
    written, kept = tmp_path / "variants.json", tmp_path / "kept.json"
    written.write_text("an older list")
    os.link(written, kept)  # sees what is written into the older file itself

    with pytest.raises(SystemExit) as end:
        main(["variants", "--json", str(written)])

    assert end.value.code == 0
    assert json.loads(written.read_text()).keys() == VARIANTS.keys()
    assert kept.read_text() == "an older list"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.json", "variants.json"]
