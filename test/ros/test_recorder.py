from __future__ import annotations

import pytest
import rclpy
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from demo.recorder import Recorder
from pinet_ros.msg import PersonPoseArray
from pinet_ros.people import People
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


def test_images_whose_camera_info_came_too_early_were_played_too(ros, recorder):
    infos = ros.node.create_publisher(CameraInfo, "camera_info", 10)
    people = ros.node.create_publisher(PersonPoseArray, "people", 10)
    ros.until(lambda: infos.get_subscription_count() and people.get_subscription_count())
    headers = []
    for second in range(5):
        header = Header(frame_id="camera")
        header.stamp.sec = second + 1
        headers.append(header)

    for header in headers[2:]:
        infos.publish(CameraInfo(header=header))
    for header in headers[:4]:
        people.publish(people_to_message(People.empty(MUPOTS_17), header))

    ros.until(lambda: rclpy.spin_once(recorder, timeout_sec=0.02) or len(recorder.people) == 4)
    ros.until(lambda: rclpy.spin_once(recorder, timeout_sec=0.02) or len(recorder.headers) == 3)
    assert recorder.played == 5
    assert recorder.strays == 0
