"""The examples without ROS, run as a user runs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(script: str, *arguments) -> subprocess.CompletedProcess:
    """Run an example to its end."""
    return subprocess.run(
        [sys.executable, str(EXAMPLES / script), *map(str, arguments)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def lines(script: str, *arguments) -> list[str]:
    """What an example prints that ends well."""
    ended = run(script, *arguments)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_examples_are_short(script):
    assert len(script.read_text().splitlines()) <= 40


def test_a_picture_gives_skeletons(photo, calibration, tmp_path):
    cv2.imwrite(str(tmp_path / "photo.png"), photo)

    printed = lines("picture_to_skeletons.py", tmp_path / "photo.png", calibration.k[0])

    people = [re.fullmatch(r"person \d: (\d+\.\d\d) m away", line) for line in printed]
    distances = sorted(float(person[1]) for person in people if person)
    assert printed[0] == f"{len(distances)} people"
    assert len(printed) == 1 + 3 * len(distances)
    # the man and the woman, see the still of the demo
    assert distances[0] == pytest.approx(2.9, abs=0.3)
    assert distances[1] == pytest.approx(4.0, abs=0.3)
    number = r"([+-]?\d+\.\d\d)"
    wrist = rf"  \w+_wrist: {number} m to the right, {number} m down, {number} m ahead"
    wrists = [re.fullmatch(wrist, line) for line in printed if "wrist" in line]
    assert len(wrists) == 2 * len(distances)
    depths = [float(found[3]) for found in wrists]
    assert min(depths) == pytest.approx(distances[0], abs=0.8)


def test_a_file_that_is_no_picture_is_refused(tmp_path):
    ended = run("picture_to_skeletons.py", tmp_path / "nothing.png", 900)
    assert ended.returncode == 2
    assert "nothing.png is not a picture" in ended.stderr


def test_made_up_people_are_refined():
    printed = lines("refine_other_estimator.py")
    assert len(printed) == 2
    for line in printed:
        moved = re.fullmatch(r"person \d: moved (\d\.\d{3}) m on average, most the \w+", line)
        assert 0.001 < float(moved[1]) < 0.5


def test_people_of_a_file_are_refined(tmp_path):
    joints = np.random.default_rng(1).normal((0.0, 0.0, 4.0), 0.3, size=(3, 17, 3))
    joints[1, 5] = np.nan
    np.savez(tmp_path / "people.npz", joints=joints)

    printed = lines("refine_other_estimator.py", tmp_path / "people.npz")

    assert len(printed) == 3
    assert printed[0].startswith("person 0: moved ")
    assert printed[1] == "person 1: not refined, because joints are unknown"
    assert printed[2].startswith("person 2: moved ")
