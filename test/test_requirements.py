"""What is installed beside ROS from apt: one list, for the Makefile and the recipe in the docs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def printed(*lists: str, **environment: str) -> list[str]:
    """The requirements that the script prints."""
    command = [sys.executable, str(ROOT / "scripts" / "requirements.py"), *lists]
    ended = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=True
    )
    return ended.stdout.splitlines()


def names(requirements: list[str]) -> set[str]:
    return {each.split("<")[0].split(">")[0] for each in requirements}


@pytest.fixture
def apt(tmp_path) -> dict[str, str]:
    """An environment in which NumPy and OpenCV come from outside the virtual environment."""
    (tmp_path / "numpy.py").write_text('__version__ = "1.21.5"')
    (tmp_path / "cv2.py").write_text("")
    return {"PYTHONPATH": str(tmp_path)}


def test_beside_apt_numpy_keeps_its_major_version_and_opencv_is_that_of_apt(apt):
    robot = printed("robot", **apt)
    assert "numpy<2" in robot
    assert names(robot) == names(printed("core")) - {"opencv-python"}
    assert printed("constraints", **apt) == ["numpy<2"]


def test_beside_numpy_1_the_tests_do_without_what_needs_numpy_2(apt):
    assert names(printed("test")) - names(printed("test", **apt)) == {"rerun-sdk"}


def test_opencv_is_installed_where_apt_has_none():
    import cv2

    from_pip = Path(sys.prefix) in Path(cv2.__file__).parents
    assert ("opencv-python" in names(printed("robot"))) == from_pip


def test_several_lists_are_one():
    assert printed("robot", "training") == [*printed("robot"), *printed("training")]


def test_the_recipe_for_robots_installs_what_make_installs():
    makefile, page = (ROOT / "Makefile").read_text(), (ROOT / "docs" / "robot.md").read_text()
    assert "CORE := $(if $(SOURCED),robot,core)" in makefile
    assert "scripts/requirements.py constraints" in makefile
    assert "scripts/requirements.py robot >" in page
    assert "pip install torch" not in page
