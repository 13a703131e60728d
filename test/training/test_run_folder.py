from __future__ import annotations

import pytest

from pinet_ros.training.run_folder import RunFolder


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path):
    folder = RunFolder(tmp_path, {})
    state = {"network": {}, "optimiser": {}, "epochs": 1}
    folder.save_checkpoint(state, [])

    with pytest.raises(AttributeError, match="pickle"):
        folder.save_checkpoint({**state, "epochs": lambda: None}, [])

    assert folder.load_checkpoint("cpu") == state
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.pt", "metrics.json"]
