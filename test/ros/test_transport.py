"""Images between processes: the shared memory that Fast DDS is given."""

from __future__ import annotations

import os
import re
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image

from pinet_ros.ros import transport

Usage = namedtuple("Usage", "free")
MIB = 2**20


@pytest.fixture
def profile(monkeypatch):
    """Sets up shared memory for a /dev/shm with so many bytes left; gives the segment's size."""

    def set_up(free: int, publishes_images: bool) -> int:
        for name in ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(transport.shutil, "disk_usage", lambda _: Usage(free))
        transport.set_up_shared_memory(publishes_images=publishes_images)
        content = Path(os.environ["FASTDDS_DEFAULT_PROFILES_FILE"]).read_text()
        monkeypatch.delenv("FASTDDS_DEFAULT_PROFILES_FILE")
        return int(re.search(r"<segment_size>(\d+)<", content)[1])

    return set_up


def test_a_sender_takes_a_large_segment_where_there_is_room(profile, capfd):
    assert profile(1000 * MIB, True) == 64 * MIB
    assert profile(1000 * MIB, False) < 2 * MIB
    assert capfd.readouterr().err == ""


def test_in_a_container_all_nodes_have_room(profile, capfd):
    free = 64 * MIB
    for publishes_images in (True, False, False, True):  # player, estimator, refiner, overlay
        size = profile(free, publishes_images)
        assert size >= (8 * MIB if publishes_images else MIB / 2)
        free -= size
    assert capfd.readouterr().err == ""


def test_too_little_memory_is_said_with_what_to_do(profile, capfd):
    profile(10 * MIB, True)
    assert "start the container with --shm-size=256m or --ipc=host" in capfd.readouterr().err


def test_a_profile_of_the_user_stays(monkeypatch):
    monkeypatch.setenv("FASTDDS_DEFAULT_PROFILES_FILE", "/my/profile.xml")
    transport.set_up_shared_memory(publishes_images=True)
    assert os.environ["FASTDDS_DEFAULT_PROFILES_FILE"] == "/my/profile.xml"


def test_images_of_3840_x_2160_arrive_at_a_best_effort_subscriber(ros, tmp_path):
    import cv2

    for number in range(8):
        picture = np.full((2160, 3840, 3), 20 + 10 * number, np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.jpg"), picture)
    images = ros.listen(Image, "image", qos_profile_sensor_data)
    ros.listen(CameraInfo, "camera_info")
    parameters = {"source": str(tmp_path), "rate": 1.0, "wait_for_subscribers": 1}
    player = ros.start("camera_player", parameters)
    ros.until(lambda: not player.alive)
    assert "after 8 images" in player.output
    assert len(images) >= 7  # with Fast DDS's own queue it is about half of them
