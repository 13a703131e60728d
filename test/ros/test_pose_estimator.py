from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version

import cv2
import numpy as np
import pytest
import torch
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from harness import Camera
from sensor_msgs.msg import CompressedImage

from pinet_ros.estimator import EstimatorConfig, PoseEstimator
from pinet_ros.msg import PersonPoseArray
from pinet_ros.positioning.floor import Floor
from pinet_ros.positioning.placement import place
from pinet_ros.ros.messages import people_from_message


@pytest.fixture(scope="module")
def expected(photo, calibration):
    """What the core says of the photo."""
    estimator = PoseEstimator(device="cpu")
    return estimator(photo, calibration.camera(1088, 1920)).people


@pytest.fixture(scope="module")
def nobody(photo):
    return np.zeros_like(photo)


def test_publishes_what_the_core_finds_under_the_image_s_header(
    ros, camera, photo, nobody, calibration, expected
):
    people = ros.listen(PersonPoseArray, "people/initial")
    diagnostics = ros.listen(DiagnosticArray, "/diagnostics")
    estimator = ros.start("pose_estimator", {"device": "cpu"})
    camera.wait()
    camera.show(photo, calibration)
    ros.until(lambda: len(people) == 1)
    camera.show(nobody, calibration)
    ros.until(lambda: len(people) == 2)
    assert [message.header for message in people] == camera.headers
    found = people_from_message(people[0])
    assert len(found) == len(expected) >= 2
    np.testing.assert_allclose(found.joints, expected.joints, atol=1e-3)
    np.testing.assert_allclose(found.joints_image, expected.joints_image, atol=0.1)
    assert people[1].people == []

    def status() -> DiagnosticStatus:
        return diagnostics[-1].status[0]

    ros.until(lambda: diagnostics and ("received", "2") in _values(status()))
    assert status().level == DiagnosticStatus.OK
    values = dict(_values(status()))
    assert values["dropped"] == "0"
    assert float(values["latency_p50_ms"]) > float(values["lift_p50_ms"]) > 0
    assert f"run by onnxruntime {version('onnxruntime')}" in estimator.output
    assert estimator.interrupt() == 0


def test_people_are_placed_on_a_fixed_floor(ros, camera, photo, calibration, expected):
    people = ros.listen(PersonPoseArray, "people/initial")
    mounting = {"camera_height": 1.4, "camera_pitch": 0.1, "camera_roll": -0.02}
    ros.start("pose_estimator", {"device": "cpu", "floor": "fixed", **mounting})
    camera.wait()
    camera.show(photo, calibration)
    ros.until(lambda: len(people) == 1)
    found = people_from_message(people[0])
    placed = place(expected, Floor.of_camera(1.4, 0.1, -0.02))
    np.testing.assert_allclose(found.joints, placed.joints, atol=2e-3)
    assert np.abs(placed.joints - expected.joints).max() > 0.05
    np.testing.assert_allclose(found.distance_deviations, placed.distance_deviations, rtol=1e-2)


def _values(status: DiagnosticStatus) -> list[tuple[str, str]]:
    return [(pair.key, pair.value) for pair in status.values]


def test_survives_bad_images_and_says_so_once(ros, camera, photo, calibration):
    people = ros.listen(PersonPoseArray, "people/initial")
    diagnostics = ros.listen(DiagnosticArray, "/diagnostics")
    estimator = ros.start("pose_estimator", {"device": "cpu", "input_timeout": 60.0})
    camera.wait()
    for _ in range(3):
        truncated = camera.message(photo)
        del truncated.data[-100:]
        camera.images.publish(truncated)
        ros.spin(0.3)
        wrong_step = camera.message(photo)
        wrong_step.step = 7
        camera.images.publish(wrong_step)
        ros.spin(0.3)
    before_time = camera.message(photo)
    before_time.header.stamp.sec = -1
    camera.images.publish(before_time)  # no CameraInfo has come yet
    ros.spin(0.5)
    camera.show(photo, replace(calibration, k=[0.0] * 9, p=[0.0] * 12))
    ros.spin(0.5)
    assert people == []
    camera.show(photo, calibration)
    ros.until(lambda: people)
    assert people[0].header == camera.headers[-1]
    assert estimator.output.count("it is truncated") == 1
    assert estimator.output.count("no camera_info on /camera_info yet") == 1
    assert estimator.output.count("K = 0: the camera is not calibrated") == 1
    ros.until(lambda: ("CameraError", "2") in _values(diagnostics[-1].status[0]))
    assert int(dict(_values(diagnostics[-1].status[0]))["ImageError"]) >= 5
    ros.until(lambda: diagnostics[-1].status[0].level == DiagnosticStatus.WARN)
    ros.until(lambda: diagnostics[-1].status[0].level == DiagnosticStatus.OK)  # it has passed


def test_an_uncalibrated_camera_needs_a_field_of_view(ros, camera, photo, calibration):
    people = ros.listen(PersonPoseArray, "people/initial")
    uncalibrated = replace(calibration, k=[0.0] * 9, p=[0.0] * 12)
    refusing = ros.start("pose_estimator", {"device": "cpu"})
    camera.wait()
    for _ in range(3):
        camera.show(photo, uncalibrated)
        ros.spin(0.3)
    assert people == []
    assert refusing.output.count("K = 0: the camera is not calibrated") == 1
    assert refusing.interrupt() == 0
    ros.until(lambda: camera.images.get_subscription_count() == 0)
    ros.start("pose_estimator", {"device": "cpu", "fallback_field_of_view": 36.0})
    camera.wait()
    camera.show(photo, uncalibrated)
    ros.until(lambda: people)
    assert len(people[0].people) >= 2


def test_the_smallest_of_too_many_people_are_counted_and_warned_of_once(
    ros, camera, photo, calibration, expected
):
    people = ros.listen(PersonPoseArray, "people/initial")
    diagnostics = ros.listen(DiagnosticArray, "/diagnostics")
    estimator = ros.start("pose_estimator", {"device": "cpu", "max_people": 1})
    camera.wait()
    for shown in (1, 2):
        camera.show(photo, calibration)
        ros.until(lambda shown=shown: len(people) == shown)

    x0, y0, x1, y1 = expected.boxes.clip(0, [1088, 1920, 1088, 1920]).T
    largest = expected.boxes[((x1 - x0) * (y1 - y0)).argmax()]
    for message in people:
        np.testing.assert_allclose(people_from_message(message).boxes, [largest], atol=0.1)
    surplus = ("surplus_people", str(2 * (len(expected) - 1)))
    ros.until(lambda: surplus in _values(diagnostics[-1].status[0]))
    assert "bad_boxes" not in dict(_values(diagnostics[-1].status[0]))
    assert estimator.output.count("more people than max_people (1) were detected") == 1


def test_3dmppe_lifts_by_the_files_that_are_given(ros, camera, photo, calibration, mppe_snapshots):
    files = dict(zip(("posenet", "rootnet"), map(str, mppe_snapshots), strict=True))
    chosen = {"lifter": "mppe", **files, "runtime": "torch", "max_people": 1}
    people = ros.listen(PersonPoseArray, "people/initial")
    ros.start("pose_estimator", {"device": "cpu", **chosen})
    camera.wait()
    camera.show(photo, calibration)
    ros.until(lambda: people)

    estimator = PoseEstimator(EstimatorConfig(**chosen), "cpu")
    expected = estimator(photo, calibration.camera(1088, 1920)).people
    found = people_from_message(people[0])
    assert people[0].header == camera.headers[0]
    assert len(found) == len(expected) == 1
    np.testing.assert_allclose(found.joints, expected.joints, atol=0.01)
    assert np.isnan(found.confidence).all()


def test_compressed_images_in_a_camera_s_namespace(ros, photo, calibration, expected):
    people = ros.listen(PersonPoseArray, "people/initial")
    camera = Camera(ros, CompressedImage, "/front/", "image_raw/compressed")
    camera.calibration = calibration
    ros.start(
        "pose_estimator",
        {"device": "cpu", "image_transport": "compressed"},
        remap={"image": "/front/image_raw"},
    )
    camera.wait()  # camera_info is found in the image topic's namespace
    message = CompressedImage(format="png", header=camera.header())
    message.data.frombytes(cv2.imencode(".png", photo)[1].tobytes())
    camera.images.publish(message)
    ros.until(lambda: people)
    assert people[0].header == message.header
    found = people_from_message(people[0])
    np.testing.assert_allclose(found.joints, expected.joints, atol=1e-3)


@pytest.mark.parametrize(
    ("parameters", "expected_message"),
    [
        ({"device": "gpu"}, "device must be auto, cpu, cuda or cuda:N, got 'gpu'"),
        ({"score_threshold": 3}, "score_threshold must be of type float from 0.0 to 1.0"),
        ({"max_people": -1}, "max_people must be of type int from 1 to 200, such as 20"),
        ({"detector": "yolo"}, "parameter detector must be one of nanodet, maskrcnn_"),
        ({"lifter": "mppe"}, "set posenet and rootnet to"),
        ({"score_treshold": 0.5}, "no parameter score_treshold; did you mean score_thresh"),
        ({"image_rotation": 45}, "image_rotation must be one of 0, 90, 180, 270, got 45"),
        ({"floor": "fixed"}, "a fixed floor needs camera_height"),
        (
            {"qos_overrides./image.subscription.deadline": 5},
            "deadline cannot be overridden; only history, depth, reliability, durability can be",
        ),
        ({"lifter_weights": "none"}, "there are no weights of blazepose_full at none; give a"),
        ({"detector_weights": "none"}, "there are no weights of nanodet at none; give a"),
        pytest.param(
            {"device": "cuda"},
            "'cuda' was asked for but torch",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU"),
        ),
    ],
)
def test_what_it_cannot_start_with_ends_with_a_message(ros, parameters, expected_message):
    estimator = ros.start("pose_estimator", parameters)
    assert estimator.wait() == 1
    assert expected_message in estimator.output
    assert "Traceback" not in estimator.output


def test_says_that_nothing_comes_and_why(ros):
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import Image

    ros.node.create_publisher(
        Image, "image", QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    )
    ros.listen(PersonPoseArray, "people/initial")
    diagnostics = ros.listen(DiagnosticArray, "/diagnostics")
    ros.start(
        "pose_estimator",
        {
            "device": "cpu",
            "input_timeout": 1.0,
            "qos_overrides./image.subscription.reliability": "reliable",
        },
    )
    ros.until(lambda: any("nothing on /image" in m.status[0].message for m in diagnostics))
    message = diagnostics[-1].status[0].message
    assert "a publisher offers BEST_EFFORT" in message
    assert "ask for best_effort" in message


def test_a_lifecycle_manager_can_start_and_stop_it(ros, camera, photo, calibration):
    from lifecycle_msgs.msg import Transition
    from lifecycle_msgs.srv import ChangeState

    people = ros.listen(PersonPoseArray, "people/initial")
    ros.start("pose_estimator", {"device": "cpu", "autostart": False})
    client = ros.node.create_client(ChangeState, "/pose_estimator/change_state")
    ros.until(client.service_is_ready)

    def change(transition: int) -> None:
        future = client.call_async(ChangeState.Request(transition=Transition(id=transition)))
        ros.until(future.done)
        assert future.result().success

    for _ in range(2):  # it can go round more than once
        assert camera.images.get_subscription_count() == 0
        change(Transition.TRANSITION_CONFIGURE)
        change(Transition.TRANSITION_ACTIVATE)
        camera.wait()
        people.clear()
        camera.show(photo, calibration)
        ros.until(lambda: people)
        change(Transition.TRANSITION_DEACTIVATE)
        change(Transition.TRANSITION_CLEANUP)
        ros.until(lambda: camera.images.get_subscription_count() == 0)
