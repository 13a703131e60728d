from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pinet_training.datasets.scene_loading import load_scenes
from pinet_training.datasets.scenes import Scenes


@pytest.fixture(scope="session")
def excerpt_path() -> Path:
    """Part of the held-out scenes; test/data/README.md says where they are from."""
    return Path(__file__).parents[1] / "data" / "test_scenes.npz"


@pytest.fixture(scope="session")
def excerpt(excerpt_path) -> Scenes:
    return load_scenes(excerpt_path)


@pytest.fixture(scope="session")
def trainable(excerpt) -> Scenes:
    """The excerpt as if it were of the train split."""
    return Scenes(tuple(replace(scene, split="train") for scene in excerpt))
