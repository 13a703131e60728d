"""Which camera_info the nodes take, and what they say of one that cannot be used."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from harness import Camera
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo

from pinet_ros.msg import PersonPoseArray
from pinet_ros.nodes.camera_player import camera_info


@pytest.mark.parametrize(
    ("namespace", "topic"),
    [
        ("", "/camera_info"),  # where it would be without a remapping and beside the image
        ("/robot1", "/robot1/camera_info"),
        ("", "/other/info"),
    ],
)
def test_a_remapped_camera_info_is_taken_wherever_it_is(ros, namespace, topic):
    ros.listen(PersonPoseArray, f"{namespace}/people/initial")
    remap = {"__ns": namespace or "/", "image": "/republished/image", "camera_info": topic}
    ros.start("pose_estimator", {"device": "cpu"}, remap=remap)
    ros.until(lambda: ros.node.count_subscribers("/republished/image") > 0)
    ros.until(lambda: ros.node.count_subscribers(topic) > 0)
    assert ros.node.count_subscribers("/republished/camera_info") == 0


def test_camera_info_is_beside_the_image_topic_that_ends_in_compressed(ros):
    ros.listen(PersonPoseArray, "people/initial")
    remap = {"image": "/camera/image_raw/compressed"}
    ros.start("pose_estimator", {"device": "cpu", "image_transport": "compressed"}, remap=remap)
    ros.until(lambda: ros.node.count_subscribers("/camera/image_raw/compressed") > 0)
    ros.until(lambda: ros.node.count_subscribers("/camera/camera_info") > 0)


def test_a_camera_info_that_was_published_before_is_taken(ros, photo, calibration):
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    ros.node.create_publisher(CameraInfo, "camera_info", latched).publish(
        camera_info(calibration, 1088, 1920)
    )
    camera = Camera(ros)  # publishes none as it has no calibration
    people = ros.listen(PersonPoseArray, "people/initial")
    estimator = ros.start("pose_estimator", {"device": "cpu"})
    camera.wait()
    camera.show(photo)
    ros.until(lambda: people)
    assert len(people[0].people) >= 2
    assert "incompatible QoS" not in estimator.output


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("durability", "transient_local", 0),
        ("reliability", "reliabel", 1),
        ("depth", "many", 1),
    ],
)
def test_a_qos_override_holds_or_is_refused(ros, name, value, expected):
    override = f"qos_overrides./camera_info.subscription.{name}"
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    ros.node.create_publisher(CameraInfo, "camera_info", latched)
    ros.listen(PersonPoseArray, "people/initial")
    estimator = ros.start("pose_estimator", {"device": "cpu", override: value})
    if expected:
        assert estimator.wait() == 1
        assert "qos_overrides./camera_info.subscription.* cannot be used" in estimator.output
        assert "reliability must be reliable or best_effort" in estimator.output
        assert "Traceback" not in estimator.output
        return
    ros.until(lambda: ros.node.count_subscribers("camera_info") == 2)
    offered = ros.node.get_subscriptions_info_by_topic("camera_info")
    durabilities = {info.qos_profile.durability for info in offered}
    assert durabilities == {DurabilityPolicy.TRANSIENT_LOCAL}


@pytest.mark.parametrize("focal", [-500.0, np.nan])
def test_a_camera_info_that_is_wrong_is_not_called_missing(ros, camera, photo, calibration, focal):
    ros.listen(PersonPoseArray, "people/initial")
    estimator = ros.start("pose_estimator", {"device": "cpu"})
    camera.wait()
    k = [focal, 0.0, 544.0, 0.0, focal, 960.0, 0.0, 0.0, 1.0]
    camera.show(photo, replace(calibration, k=k))
    ros.until(lambda: "focal lengths" in estimator.output)
    assert "the intrinsics must be finite with positive focal lengths, got fx=" in estimator.output
    assert "K = 0" not in estimator.output


def test_an_image_that_comes_just_before_its_camera_info_is_not_lost(ros, photo, calibration):
    camera = Camera(ros)
    people = ros.listen(PersonPoseArray, "people/initial")

    def both() -> bool:
        """Publish the image as soon as somebody listens, and the CameraInfo a little later."""
        if not camera.headers and camera.images.get_subscription_count():
            camera.show(photo)
            ros.spin(0.4)
            camera.calibration = calibration
        return bool(people)

    estimator = ros.start("pose_estimator", {"device": "cpu"})
    ros.until(both)
    assert people[0].header == camera.headers[0]
    assert "no camera_info" not in estimator.output
