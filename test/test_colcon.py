"""What colcon runs as tests."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(shutil.which("cmake") is None, reason="CMake is not installed")
def test_tests_that_cannot_run_fail_and_say_what_to_install():
    script = ROOT / "cmake" / "no_pytest.cmake"
    ended = subprocess.run(["cmake", "-P", str(script)], capture_output=True, text=True)
    assert ended.returncode != 0
    assert "ament-cmake-pytest" in ended.stderr
    assert script.name in (ROOT / "CMakeLists.txt").read_text()
