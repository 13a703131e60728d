from __future__ import annotations

from collections import Counter

import cv2
import numpy as np
import pytest
import rclpy
import yaml
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from demo.recorder import Recorder
from pinet_ros.msg import PersonPoseArray
from pinet_ros.people import People
from pinet_ros.ros.images import encode_bgr8
from pinet_ros.ros.messages import people_to_message
from pinet_ros.skeleton import MUPOTS_17


@pytest.fixture
def recorder(ros, tmp_path):
    rclpy.init(domain_id=ros.domain)
    recorder = Recorder(tmp_path, rate=10.0)
    yield recorder
    recorder.close()
    recorder.destroy_node()
    rclpy.shutdown()


def header(second: int) -> Header:
    made = Header(frame_id="camera")
    made.stamp.sec = second
    return made


def receive(ros, recorder, condition) -> None:
    """Let test and recorder work until a condition holds."""
    ros.until(lambda: rclpy.spin_once(recorder, timeout_sec=0.02) or condition())


def test_images_whose_camera_info_came_too_early_were_played_too(ros, recorder):
    infos = ros.node.create_publisher(CameraInfo, "camera_info", 10)
    people = ros.node.create_publisher(PersonPoseArray, "people", 10)
    ros.until(lambda: infos.get_subscription_count() and people.get_subscription_count())
    headers = [header(second) for second in range(1, 6)]

    for each in headers[2:]:
        infos.publish(CameraInfo(header=each))
    for each in headers[:4]:
        people.publish(people_to_message(People.empty(MUPOTS_17), each))

    receive(ros, recorder, lambda: len(recorder.people) == 4)
    receive(ros, recorder, lambda: len(recorder.headers) == 3)
    assert recorder.played == 5
    assert recorder.strays == 0


SIZES = [(64, 48), (40, 80), (64, 48), (200, 100), (33, 17)]


def test_images_of_all_sizes_are_in_the_video(ros, tmp_path):
    rclpy.init(domain_id=ros.domain)
    recorder = Recorder(tmp_path, rate=1.0)
    try:
        images = ros.node.create_publisher(Image, "people/image", 10)
        ros.until(images.get_subscription_count)
        for second, (width, height) in enumerate(SIZES):
            shade = np.full((height, width, 3), 50 * (second + 1), np.uint8)
            images.publish(encode_bgr8(shade, Image(header=header(second))))
        receive(ros, recorder, lambda: len(recorder.drawn) == len(SIZES))
    finally:
        recorder.close()
        recorder.destroy_node()
        rclpy.shutdown()
    video = cv2.VideoCapture(str(tmp_path / "people.mp4"))
    frames = []
    while (read := video.read())[0]:
        frames.append(read[1])
    assert [frame.shape for frame in frames] == [(48, 64, 3)] * len(SIZES)
    for stamp, number in recorder.drawn.items():
        assert frames[number][24, 32] == pytest.approx(50 * (stamp // 10**9 + 1), abs=6)
    assert frames[1][24, 2] == pytest.approx(0, abs=6)  # beside an upright image


def test_the_bag_shows_everything_by_itself(ros, photo, tmp_path):
    rclpy.init(domain_id=ros.domain)
    recorder = Recorder(tmp_path, rate=1.0)
    try:
        kinds = {"image": Image, "camera_info": CameraInfo, "people": PersonPoseArray}
        topics = {name: ros.node.create_publisher(kind, name, 10) for name, kind in kinds.items()}
        ros.until(lambda: all(topic.get_subscription_count() for topic in topics.values()))
        for second in range(3):
            topics["camera_info"].publish(CameraInfo(header=header(second)))
            topics["image"].publish(encode_bgr8(photo, Image(header=header(second))))
            empty = people_to_message(People.empty(MUPOTS_17), header(second))
            topics["people"].publish(empty)
        receive(ros, recorder, lambda: len(recorder.people) == 3 and recorder.images == 3)
        receive(ros, recorder, lambda: len(recorder.headers) == 3)
    finally:
        recorder.close()
        recorder.destroy_node()
        rclpy.shutdown()

    with AnyReader([tmp_path / "bag"]) as reader:
        found = [
            (connection.topic, reader.deserialize(data, connection.msgtype))
            for connection, _, data in reader.messages()
        ]
    assert Counter(topic for topic, _ in found) == {
        "/image/compressed": 3,
        "/camera_info": 3,
        "/people": 3,
        "/tf_static": 1,
    }
    last = dict(found)
    assert last["/image/compressed"].format == "jpeg"
    assert last["/image/compressed"].header.frame_id == "camera"
    image = cv2.imdecode(last["/image/compressed"].data, cv2.IMREAD_COLOR)
    assert np.abs(image.astype(int) - photo).mean() < 5
    (transform,) = last["/tf_static"].transforms
    assert (transform.header.frame_id, transform.child_frame_id) == ("map", "camera")
    rotation = transform.transform.rotation
    x, y, z, w = rotation.x, rotation.y, rotation.z, rotation.w
    forward = (2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y))
    down = (2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w))
    assert forward == pytest.approx((1, 0, 0))
    assert down == pytest.approx((0, 0, -1))


def test_humble_can_open_the_bag(recorder, tmp_path):
    recorder.close()
    text = (tmp_path / "bag" / "metadata.yaml").read_text()
    information = yaml.safe_load(text)["rosbag2_bagfile_information"]
    assert information["version"] <= 8
    for topic in information["topics_with_message_count"]:
        # Humble reads a string; from version 9 on it is a list
        assert isinstance(topic["topic_metadata"]["offered_qos_profiles"], str)
    assert {"storage_identifier", "relative_file_paths", "duration", "starting_time"} < set(
        information
    )
    assert {"compression_format", "compression_mode", "files"} < set(information)
