from __future__ import annotations

import itertools
import os
import struct
from dataclasses import replace

import cv2
import numpy as np
import pytest
from mp4_times import with_intervals
from rclpy.qos import qos_profile_sensor_data
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image

from pinet_ros.geometry.calibration import write_calibration
from pinet_ros.ros.images import decode


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for shade in (10, 20, 30):
        cv2.imwrite(str(folder / f"{shade}.png"), np.full((48, 64, 3), shade, np.uint8))
    return folder


def test_plays_a_folder_once_and_ends(ros, pictures):
    images, infos = ros.listen(Image, "image"), ros.listen(CameraInfo, "camera_info")
    player = ros.start(
        "camera_player",
        {
            "source": str(pictures),
            "rate": 20.0,
            "frame_id": "left_optical",
            "wait_for_subscribers": 1,
        },
    )
    ros.until(lambda: len(images) == 3 and len(infos) == 3)
    assert player.wait() == 0
    assert [decode(image)[0][0, 0, 0] for image in images] == [10, 20, 30]
    assert {image.header.frame_id for image in images} == {"left_optical"}
    assert [info.header for info in infos] == [image.header for image in images]
    stamps = [image.header.stamp.sec + image.header.stamp.nanosec * 1e-9 for image in images]
    assert stamps == sorted(set(stamps))
    assert not any(infos[0].k)  # no calibration was given: not calibrated


def test_plays_a_video_with_its_calibration_to_a_best_effort_subscriber(
    ros, clip, calibration, tmp_path
):
    write_calibration(tmp_path / "camera.yaml", calibration)
    images = ros.listen(Image, "image", qos_profile_sensor_data)
    infos = ros.listen(CameraInfo, "camera_info")
    ros.start(
        "camera_player",
        {
            "source": str(clip),
            "calibration": str(tmp_path / "camera.yaml"),
            "rate": 10.0,
            "wait_for_subscribers": 1,
        },
    )
    ros.until(lambda: len(infos) == 20)
    ros.spin(0.5)
    assert len(images) >= 19  # the shared memory is large enough: images are not lost
    np.testing.assert_allclose(infos[0].k, calibration.k)
    np.testing.assert_allclose(infos[0].d, calibration.d)
    assert (infos[0].width, infos[0].height) == (1088, 1920)
    capture = cv2.VideoCapture(str(clip))
    np.testing.assert_array_equal(decode(images[0])[0], capture.read()[1])


def test_loops_when_asked_to(ros, pictures):
    images = ros.listen(Image, "image")
    ros.start("camera_player", {"source": str(pictures), "rate": 30.0, "loop": True})
    ros.until(lambda: len(images) >= 8)
    shades = [int(decode(image)[0][0, 0, 0]) for image in images]
    following = {10: 20, 20: 30, 30: 10}
    assert all(after == following[before] for before, after in itertools.pairwise(shades))


def test_what_cannot_be_used_is_skipped_named_and_counted(ros, pictures, calibration, tmp_path):
    small = replace(calibration, width=64, height=48)
    write_calibration(tmp_path / "camera.yaml", small)
    cv2.imwrite(str(pictures / "15.png"), np.zeros((40, 64, 3), np.uint8))  # of another size
    (pictures / "25.png").write_bytes(b"no image")
    (pictures / "._10.png").write_bytes(b"of a Mac")
    (pictures / "30.png").rename(pictures / os.fsdecode(b"caf\xe9.png"))
    images, _ = ros.listen(Image, "image"), ros.listen(CameraInfo, "camera_info")
    player = ros.start(
        "camera_player",
        {
            "source": str(pictures),
            "calibration": str(tmp_path / "camera.yaml"),
            "wait_for_subscribers": 1,
        },
    )
    assert player.wait() == 0
    ros.until(lambda: len(images) == 3)
    assert "25.png cannot be read" in player.output
    assert "64x48 pixels, the image has 64x40" in player.output
    assert "end of the source after 3 images; skipped 2 gaps or images" in player.output
    assert "._10" not in player.output


def test_a_calibration_of_another_size_ends_a_video_at_once(ros, tmp_path, calibration):
    write_calibration(tmp_path / "camera.yaml", calibration)
    source = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(source), cv2.VideoWriter_fourcc(*"mp4v"), 10, (64, 48))
    for gray in range(20, 120, 10):
        writer.write(np.full((48, 64, 3), gray, np.uint8))
    writer.release()
    files = {"source": str(source), "calibration": str(tmp_path / "camera.yaml"), "loop": True}
    player = ros.start("camera_player", files)
    assert player.wait() == 1
    assert player.output.count("1088x1920 pixels, the image has 64x48") == 1


@pytest.mark.parametrize(
    ("namespace", "frame"), [("/", "camera_optical_frame"), ("/a/b", "a/b/camera_optical_frame")]
)
def test_each_namespace_has_a_camera_frame_of_its_own(ros, pictures, namespace, frame):
    images = ros.listen(Image, f"{namespace.rstrip('/')}/image")
    ros.listen(CameraInfo, f"{namespace.rstrip('/')}/camera_info")
    parameters = {"source": str(pictures), "wait_for_subscribers": 1}
    ros.start("camera_player", parameters, remap={"__ns": namespace})
    ros.until(lambda: images)
    assert images[0].header.frame_id == frame


def test_says_whom_it_waits_for(ros, pictures):
    player = ros.start("camera_player", {"source": str(pictures), "wait_for_subscribers": 1})
    ros.until(lambda: "waiting for 1 subscribers of image and of camera_info" in player.output)
    assert player.interrupt() == 0


def test_plays_a_video_by_its_own_times(ros, tmp_path):
    source = tmp_path / "phone.mp4"
    writer = cv2.VideoWriter(str(source), cv2.VideoWriter_fourcc(*"mp4v"), 10, (64, 48))
    for gray in range(20, 120, 10):
        writer.write(np.full((48, 64, 3), gray, np.uint8))
    writer.release()
    content = source.read_bytes()
    (ticks,) = struct.unpack_from(">I", content, content.index(b"stts") + 16)
    slow, fast = ticks * 7 // 4, ticks // 4
    source.write_bytes(with_intervals(content, [(5, slow), (5, fast)]))
    images = ros.listen(Image, "image")
    ros.listen(CameraInfo, "camera_info")
    player = ros.start("camera_player", {"source": str(source), "wait_for_subscribers": 1})
    assert player.wait() == 0
    ros.until(lambda: len(images) == 10)
    stamps = [image.header.stamp.sec + image.header.stamp.nanosec * 1e-9 for image in images]
    intervals = np.diff(stamps)
    assert np.median(intervals[:5]) > 3 * np.median(intervals[5:])
    assert intervals[0] > 0.1  # the first interval counts too
    assert sum(intervals) == pytest.approx(5 * 0.175 + 4 * 0.025, abs=0.2)


def test_waits_for_simulated_time_and_says_so(ros, pictures):
    images = ros.listen(Image, "image")
    player = ros.start("camera_player", {"source": str(pictures), "use_sim_time": True})
    ros.until(lambda: "waiting for /clock, as use_sim_time is true" in player.output)
    assert images == []
    clock = ros.node.create_publisher(Clock, "/clock", 10)
    message = Clock()

    def tick() -> bool:
        message.clock.sec += 1
        clock.publish(message)
        ros.spin(0.05)
        return not player.alive

    ros.until(tick)
    assert len(images) == 3
    assert all(image.header.stamp.sec for image in images)
    assert player.output.count("waiting for /clock") == 1


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, "needs the parameter source"),
        ({"source": 99}, "the webcam 99 cannot be opened"),
        ({"source": "/dev/video99"}, "the webcam 99 cannot be opened"),
        ({"source": "nowhere.mp4"}, "'nowhere.mp4' does not exist"),
        ({"source": __file__}, "cannot be opened"),
        ({"source": "PICTURES", "calibration": "none.yaml"}, "none.yaml cannot be read"),
        ({"source": "PICTURES", "calibration": "CAMERA"}, "1088x1920 pixels, the image has 64x48"),
    ],
)
def test_what_cannot_be_played_ends_with_a_message(
    ros, pictures, calibration, tmp_path, parameters, expected
):
    write_calibration(tmp_path / "camera.yaml", calibration)
    files = {"PICTURES": str(pictures), "CAMERA": str(tmp_path / "camera.yaml")}
    player = ros.start("camera_player", {k: files.get(v, v) for k, v in parameters.items()})
    assert player.wait() == 1
    assert expected in player.output
    assert "Traceback" not in player.output
