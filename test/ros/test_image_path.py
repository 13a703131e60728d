"""How many files of the project one image passes on its way from the callback to the marker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from harness import next_domain

from pinet_ros.geometry.calibration import write_calibration

pytestmark = pytest.mark.slow

MOST = 26


def test_an_image_passes_few_files(photo, calibration, tmp_path):
    cv2.imwrite(str(tmp_path / "photo.png"), photo)
    write_calibration(tmp_path / "camera.yaml", calibration)
    program = str(Path(__file__).with_name("image_path.py"))
    ended = subprocess.run(
        [sys.executable, program, str(tmp_path / "photo.png"), str(tmp_path / "camera.yaml")],
        env=os.environ | {"ROS_DOMAIN_ID": str(next_domain())},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    passed = json.loads(ended.stdout.splitlines()[-1])

    assert passed["markers"] >= 6  # bones, joints and a label of two people
    assert len(passed["files"]) <= MOST, passed["files"]
    expected = ["nodes/pose_estimator.py", "estimator.py", "detection/nanodet.py",
                "lifting/blazepose.py", "nodes/pose_refiner.py", "refinement/refiner.py",
                "ros/markers.py"]  # fmt: skip
    assert [file for file in passed["files"] if file in expected] == expected
