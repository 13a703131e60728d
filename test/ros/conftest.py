from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Camera, Ros


@pytest.fixture
def ros(tmp_path: Path) -> Iterator[Ros]:
    made = Ros(tmp_path)
    yield made
    made.close()


@pytest.fixture
def camera(ros: Ros) -> Camera:
    return Camera(ros)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that start nodes in processes of their own are slow."""
    for item in items:
        if "ros" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
