"""When the live nodes work, and what they say when nothing usable comes."""

from __future__ import annotations

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image

from pinet_ros.msg import PersonPoseArray


class Statuses:
    """The latest status of each node."""

    def __init__(self, ros) -> None:
        self._messages = ros.listen(DiagnosticArray, "/diagnostics")

    def __call__(self, node: str) -> DiagnosticStatus:
        found = [s for m in self._messages for s in m.status if s.name == node]
        return found[-1] if found else DiagnosticStatus()


@pytest.fixture
def status(ros) -> Statuses:
    return Statuses(ros)


def test_a_chain_rests_while_nobody_wants_its_result(ros, camera, photo, calibration, status):
    ros.start("pose_pipeline", {"device": "cpu"})
    ros.until(lambda: status("pose_refiner").message == "no subscribers")
    ros.until(lambda: status("pose_estimator").message == "no subscribers")
    assert camera.images.get_subscription_count() == 0
    assert ros.node.count_subscribers("people/initial") == 0

    people: list[PersonPoseArray] = []
    wanted = ros.node.create_subscription(PersonPoseArray, "people", people.append, 10)
    camera.wait()
    camera.show(photo, calibration)
    ros.until(lambda: people)
    ros.until(lambda: status("pose_estimator").message == "running")

    ros.node.destroy_subscription(wanted)
    ros.until(lambda: camera.images.get_subscription_count() == 0)
    ros.until(lambda: status("pose_estimator").message == "no subscribers")
    assert status("pose_estimator").level == DiagnosticStatus.OK


def test_a_node_may_always_work(ros, camera, photo, calibration, status):
    ros.start("pose_estimator", {"device": "cpu", "always_on": True})
    camera.wait()
    camera.show(photo, calibration)
    ros.until(lambda: ("people", "0") not in _values(status("pose_estimator")))
    assert dict(_values(status("pose_estimator")))["received"] == "1"


def _values(status: DiagnosticStatus) -> list[tuple[str, str]]:
    return [(pair.key, pair.value) for pair in status.values] or [("people", "0")]


@pytest.mark.parametrize(
    ("offered", "parameters", "advice"),
    [
        (
            CompressedImage,
            {},
            "sends sensor_msgs/msg/CompressedImage, this node takes sensor_msgs/msg/Image; set "
            "image_transport: compressed",
        ),
        (Image, {"image_transport": "compressed"}, "set image_transport: raw"),
        (PersonPoseArray, {}, "sends pinet_ros/msg/PersonPoseArray"),
    ],
)
def test_a_publisher_of_another_type_is_named(ros, status, offered, parameters, advice):
    topic = "/camera/image/compressed" if parameters else "/camera/image"
    ros.node.create_publisher(offered, topic, 10)
    ros.listen(PersonPoseArray, "people/initial")
    ros.start(
        "pose_estimator",
        {"device": "cpu", "input_timeout": 0.5, **parameters},
        remap={"image": topic},
    )
    ros.until(lambda: "nothing on" in status("pose_estimator").message)
    assert advice in status("pose_estimator").message


def test_stamps_of_zero_are_warned_of(ros, camera, photo, calibration, status):
    ros.listen(PersonPoseArray, "people/initial")
    estimator = ros.start("pose_estimator", {"device": "cpu"})
    camera.wait()
    camera.calibration = calibration
    ros.spin(0.5)
    message = camera.message(photo)
    message.header.stamp.sec = message.header.stamp.nanosec = 0
    camera.images.publish(message)
    ros.until(lambda: "the stamps on /image are 0" in status("pose_estimator").message)
    assert status("pose_estimator").level == DiagnosticStatus.WARN
    assert estimator.output.count("let the driver set header.stamp") == 1


def test_simulated_time_that_stands_still_does_not_silence_a_node(ros, status):
    ros.listen(PersonPoseArray, "people/initial")
    parameters = {"device": "cpu", "use_sim_time": True, "input_timeout": 1.0}
    estimator = ros.start("pose_estimator", parameters)
    ros.until(lambda: "nothing on /clock" in status("pose_estimator").message)
    clock = ros.node.create_publisher(Clock, "/clock", 10)
    ros.until(lambda: clock.get_subscription_count() > 0)

    def tick() -> bool:
        message = Clock()
        message.clock.sec = 100  # a bag that is paused
        clock.publish(message)
        ros.spin(0.2)
        return "nothing on /image" in status("pose_estimator").message

    ros.until(tick)
    assert "nothing arrives on /image: it has no publisher" in estimator.output


def test_the_overlay_draws_nobody_onto_images_that_it_cannot_tell_apart(
    ros, camera, calibration, status
):
    drawn = ros.listen(Image, "people/image")
    overlay = ros.start("pose_overlay", {"fallback_field_of_view": 60.0})
    people = ros.node.create_publisher(PersonPoseArray, "people", 10)
    camera.wait()
    message = camera.message(np.zeros((48, 64, 3), np.uint8))
    for sec in (0, 7, 7):
        message.header.stamp.sec, message.header.stamp.nanosec = sec, 0
        camera.images.publish(message)
        ros.spin(0.3)
    found = PersonPoseArray(header=message.header, joint_set="mupots_17")
    found.header.stamp.sec = 0
    people.publish(found)
    ros.until(lambda: "have a stamp of 0" in overlay.output)
    assert "two Image messages have the same stamp" in overlay.output
    assert drawn == []
