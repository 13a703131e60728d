from __future__ import annotations

import pytest

from pinet_training.runs.run_folder import RunFolder, RunFolderError


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path):
    folder = RunFolder(tmp_path, {})
    state = {"network": {}, "averaged": None, "optimiser": {}, "epochs": 1}
    folder.save_checkpoint(state, [])

    with pytest.raises(AttributeError, match="pickle"):
        folder.save_checkpoint({**state, "epochs": lambda: None}, [])

    assert folder.load_checkpoint("cpu") == state
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.pt", "metrics.json"]


def test_a_run_is_resumed_whatever_the_versions_but_not_with_another_recipe(tmp_path):
    deciding = {"recipe": {"target": "pose", "seed": 1}, "data": {"sha256": "ab"}}
    RunFolder(tmp_path, deciding).begin()
    kept = tmp_path / "configuration.json"
    kept.write_text(kept.read_text().replace('"pinet_ros": "', '"pinet_ros": "9.9 '))

    RunFolder(tmp_path, deciding, resume=True)

    other = {**deciding, "recipe": {"target": "pose", "seed": 2}}
    with pytest.raises(RunFolderError, match=r"recipe.seed is 1, expected 2; resume with"):
        RunFolder(tmp_path, other, resume=True)
