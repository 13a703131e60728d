"""The demo as a user runs it, on a few frames."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from harness import next_domain
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

from pinet_ros.geometry.calibration import write_calibration

pytestmark = pytest.mark.slow

SCRIPTS = Path(__file__).parents[2] / "scripts"
FRAMES = 6


@pytest.fixture
def demo(tmp_path, calibration):
    """Runs the demo on images, and on *.png files that the test has left, as the last ones.

    Gives the process's end and the output folder.
    """

    def run(images: list[np.ndarray] | None, *options: str):
        source = tmp_path / "frames"
        source.mkdir()
        for damaged in tmp_path.glob("*.png"):
            damaged.rename(source / f"999-{damaged.name}")
        for number, image in enumerate(images or []):
            cv2.imwrite(str(source / f"{number:03}.png"), image)
        write_calibration(tmp_path / "camera.yaml", calibration)
        command = [sys.executable, "-m", "demo", "--output", str(tmp_path / "out")]
        ended = subprocess.run(
            [*command, "--video", str(source), *options],
            env=os.environ | {"ROS_DOMAIN_ID": str(next_domain()), "PYTHONPATH": str(SCRIPTS)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        return ended, tmp_path / "out"

    return run


@pytest.fixture
def frames(clip):
    capture = cv2.VideoCapture(str(clip))
    return [capture.read()[1] for _ in range(FRAMES)]


def test_leaves_a_video_a_still_a_bag_and_a_summary(demo, frames, tmp_path):
    ended, output = demo(frames, "--rate", "1", "--calibration", str(tmp_path / "camera.yaml"))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    summary = json.loads((output / "summary.json").read_text())
    assert summary["frames_played"] == FRAMES
    assert summary["frames_refined"] >= FRAMES - 2
    assert summary["headers_not_of_an_image"] == 0
    assert min(map(int, summary["people_per_frame"])) >= 2
    assert all(1 < metres < 12 for metres in summary["distances_m"])
    assert summary["latency_p95_ms"] > summary["stages_p50_ms"]["lift"] > 0
    assert f"{FRAMES} played" in ended.stdout
    video = cv2.VideoCapture(str(output / "people.mp4"))
    assert video.get(cv2.CAP_PROP_FPS) == 1
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == pytest.approx(FRAMES, abs=1)
    assert cv2.imread(str(output / "still.png")).std() > 10
    with AnyReader(
        [output / "bag"], default_typestore=get_typestore(Stores.ROS2_KILTED)
    ) as reader:
        topics = {connection.topic: connection for connection in reader.connections}
        assert set(topics) == {
            "/camera_info",
            "/image/compressed",
            "/people",
            "/people/initial",
            "/people/markers",
            "/tf_static",
        }
        people = [
            reader.deserialize(data, connection.msgtype)
            for connection, _, data in reader.messages([topics["/people"]])
        ]
        assert topics["/image/compressed"].msgcount == FRAMES
    assert len(people) == summary["frames_refined"]
    assert people[0].joint_set == "mupots_17"
    assert len(people[0].people[0].joints) == 17


def test_pictures_of_all_sizes_and_a_damaged_one(demo, frames, tmp_path):
    images = [frames[0], frames[1][:, 200:900], cv2.resize(frames[2], None, fx=0.5, fy=0.5)]
    images += frames[3:5]
    (tmp_path / "damaged.png").write_bytes(cv2.imencode(".png", frames[0])[1].tobytes()[:5000])
    ended, output = demo(images, "--rate", "1", "--field-of-view", "60")
    assert "Traceback" not in ended.stdout + ended.stderr
    assert f"in {output}: people.mp4, still.png" in ended.stdout
    video = cv2.VideoCapture(str(output / "people.mp4"))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == pytest.approx(len(images), abs=1)
    assert cv2.imread(str(output / "still.png")).std() > 10


def test_fails_when_nobody_is_there(demo):
    ended, output = demo([np.zeros((480, 640, 3), np.uint8)] * 3, "--field-of-view", "60")
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "no people were found" in ended.stdout
    assert (output / "summary.json").is_file()


def test_asks_for_the_camera_of_one_s_own_video(demo):
    ended, _ = demo([np.zeros((48, 64, 3), np.uint8)])
    assert ended.returncode == 1
    assert "CALIB=camera.yaml" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("relative", [False, True])
def test_does_not_write_over_the_video_it_plays(demo, tmp_path, relative):
    video = tmp_path / "frames"
    if relative:
        video = Path(os.path.relpath(video))
    ended, _ = demo(
        None, "--field-of-view", "60", "--output", str(tmp_path), "--video", str(video)
    )
    assert ended.returncode == 1
    assert "move it elsewhere" in ended.stderr
    assert (tmp_path / "frames").is_dir()
