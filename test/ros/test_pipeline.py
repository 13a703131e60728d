"""Player, pipeline and overlay together, on real people."""

from __future__ import annotations

import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, Image

from pinet_ros.geometry.calibration import write_calibration
from pinet_ros.msg import PersonPoseArray
from pinet_ros.ros.images import decode
from pinet_ros.ros.messages import people_from_message


@pytest.fixture
def player(clip, calibration, tmp_path):
    write_calibration(tmp_path / "camera.yaml", calibration)
    return {
        "source": str(clip),
        "calibration": str(tmp_path / "camera.yaml"),
        "rate": 2.0,
        "wait_for_subscribers": 2,
    }


def key(message) -> tuple:
    header = message.header
    return header.stamp.sec, header.stamp.nanosec, header.frame_id


@pytest.mark.parametrize("nodes", [["pose_pipeline"], ["pose_estimator", "pose_refiner"]])
def test_people_of_a_video_in_a_namespace(ros, player, nodes):
    namespace = {"__ns": "/robot"}
    infos = ros.listen(CameraInfo, "/robot/camera_info")
    initial = ros.listen(PersonPoseArray, "/robot/people/initial")
    people = ros.listen(PersonPoseArray, "/robot/people")
    drawn = ros.listen(Image, "/robot/people/image")
    processes = [ros.start(node, {"device": "cpu"}, remap=namespace) for node in nodes]
    processes.append(ros.start("pose_overlay", remap=namespace))
    ros.start("camera_player", player, remap=namespace)
    ros.until(lambda: len(drawn) >= 5)
    played = {key(info) for info in infos}
    for messages in (initial, people, drawn):
        # this test's subscription may have begun later than the node's
        assert {key(message) for message in messages if key(message) >= min(played)} <= played
    for message in people:
        found = people_from_message(message)
        assert len(found) >= 2  # the two people in front
        assert found.known.all()
        distances = np.linalg.norm(found.joints[:, 14], axis=1)
        assert ((distances > 1) & (distances < 12)).all()
    before = {key(message): people_from_message(message).joints for message in initial}
    after = {key(message): people_from_message(message).joints for message in people}
    both = before.keys() & after.keys()  # discovery may have been later for one of the two
    moved = [np.abs(after[stamp] - before[stamp]).max() for stamp in both]
    assert min(moved) > 0.001  # refined, not passed on
    assert [process.interrupt() for process in processes] == [0] * len(processes)


def test_the_overlay_draws_where_the_people_are(ros, player, clip, photo):
    people = ros.listen(PersonPoseArray, "people")
    drawn = ros.listen(Image, "people/image")
    ros.start("pose_overlay")
    ros.start("pose_pipeline", {"device": "cpu"})
    ros.start("camera_player", player)
    ros.until(lambda: drawn and people)
    image, _ = decode(drawn[0])
    assert image.shape == photo.shape
    changed = np.abs(image.astype(int) - photo).max(axis=2) > 40
    for person in people_from_message(people[0]).boxes[:2]:
        x0, y0, x1, y1 = np.clip(person, 0, [1087, 1919] * 2).astype(int)
        assert changed[y0:y1, x0:x1].mean() > 0.01
