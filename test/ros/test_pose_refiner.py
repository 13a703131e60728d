from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diagnostic_msgs.msg import DiagnosticArray
from std_msgs.msg import Header
from test_messages import random_people
from visualization_msgs.msg import Marker, MarkerArray

from pinet_ros.msg import PeopleAttention, PersonPoseArray
from pinet_ros.people import People
from pinet_ros.refinement.checkpoint import build_network, save_checkpoint
from pinet_ros.refinement.formulation import Formulation
from pinet_ros.refinement.inference import EVERYBODY
from pinet_ros.refinement.model import NetworkConfig
from pinet_ros.refinement.refiner import Refiner
from pinet_ros.ros.messages import people_from_message, people_to_message
from pinet_ros.skeleton import COCO_17, MUPOTS_17

ANYBODY = {"device": "cpu", "refine_unknown": True}


def standing_people(count: int, joint_set=MUPOTS_17) -> People:
    """People of human size, one beside the other, 4 m away."""
    people = random_people(count, joint_set)
    joints = 0.3 * people.joints
    joints += np.stack([np.arange(count), np.zeros(count), np.full(count, 4)], axis=1)[:, None]
    return people.with_joints(joints)


def random_weights(folder: Path, variant: str) -> Path:
    """A file of weights without meaning, of one of the variants."""
    path = folder / f"{variant}.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = build_network(NetworkConfig(attention=variant != "no_attention"))
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.08)  # weights that differ between people
    save_checkpoint(path, network, Formulation())
    return path


class AnyEstimator:
    """Somebody else's estimator: publishes people/initial."""

    def __init__(self, ros) -> None:
        self._ros = ros
        self._publisher = ros.node.create_publisher(PersonPoseArray, "people/initial", 10)
        self.refined = ros.listen(PersonPoseArray, "people")
        self.markers = ros.listen(MarkerArray, "people/markers")

    def wait(self) -> None:
        self._ros.until(lambda: self._publisher.get_subscription_count() > 0)
        self._ros.until(lambda: self._ros.node.count_publishers("people") > 0)
        self._ros.spin(0.5)

    def publish(self, message: PersonPoseArray) -> None:
        self._publisher.publish(message)

    def header(self) -> Header:
        stamp = self._ros.node.get_clock().now().to_msg()
        return Header(stamp=stamp, frame_id="lidar_camera")

    def ask(self, people: People) -> PersonPoseArray:
        """Publish people and wait for the refined ones."""
        before, header = len(self.refined), self.header()
        self.publish(people_to_message(people, header))
        self._ros.until(lambda: len(self.refined) == before + 1)
        self._ros.until(lambda: len(self.markers) == before + 1)
        assert self.refined[-1].header == header
        return self.refined[-1]


@pytest.fixture
def estimator(ros) -> AnyEstimator:
    return AnyEstimator(ros)


def test_refines_the_people_of_any_estimator_and_draws_them(ros, estimator):
    node = ros.start("pose_refiner", ANYBODY)
    estimator.wait()
    refiner = Refiner(device="cpu", config=EVERYBODY)
    for people in (standing_people(3), standing_people(1), standing_people(2, COCO_17)):
        answer = people_from_message(estimator.ask(people))
        expected = refiner(people).people
        assert answer.joint_set == MUPOTS_17
        np.testing.assert_allclose(answer.joints, expected.joints, atol=1e-5)
        np.testing.assert_array_equal(answer.track_ids, people.track_ids)
        np.testing.assert_array_equal(answer.deviations, expected.deviations)
        np.testing.assert_allclose(
            answer.position_covariances, expected.position_covariances, atol=1e-5
        )
        assert np.abs(answer.joints - people.to_joint_set(MUPOTS_17).joints).max() > 0.001
        drawn = [m for m in estimator.markers[-1].markers if m.action == Marker.ADD]
        assert len(drawn) == 3 * len(people)
    answer = estimator.ask(People.empty(MUPOTS_17))
    assert answer.people == []
    cleared = estimator.markers[-1].markers
    assert len(cleared) == 6
    assert {marker.action for marker in cleared} == {Marker.DELETE}
    assert node.interrupt() == 0
    ros.until(lambda: estimator.markers[-1].markers[0].action == Marker.DELETEALL)


def test_survives_bad_people_and_says_so_once(ros, estimator):
    node = ros.start("pose_refiner", ANYBODY)
    diagnostics = ros.listen(DiagnosticArray, "/diagnostics")
    estimator.wait()
    people = standing_people(3)
    people.joints[1, 4] = np.nan
    expected = Refiner(device="cpu", config=EVERYBODY)(people).people
    for _ in range(2):
        answer = people_from_message(estimator.ask(people))
        np.testing.assert_allclose(answer.joints, expected.joints, atol=1e-5)
        np.testing.assert_array_equal(answer.joints[1], people.joints[1])
    at_origin = people_from_message(
        estimator.ask(people.with_joints(people.joints - people.joints[:, 14:15]))
    )
    assert not np.isnan(at_origin.joints[0]).any()
    unknown_set = people_to_message(people, estimator.header())
    unknown_set.joint_set = "smpl_24"
    short = people_to_message(people, estimator.header())
    short.people[0].joints = short.people[0].joints[:5]
    negative = people_to_message(people, estimator.header())
    negative.people[0].log_distance_variance = -1.0
    for message in (unknown_set, short, negative, unknown_set, short, negative):
        estimator.publish(message)
        ros.spin(0.2)
    estimator.ask(standing_people(2))
    assert node.alive
    assert node.output.count("joints that are NaN") == 1
    assert node.output.count("'smpl_24' is not known") == 1
    assert node.output.count("needs 17 joints") == 1
    assert node.output.count("log_distance_variance must be 0 or more") == 1
    ros.until(lambda: "MessageError" in [v.key for v in diagnostics[-1].status[0].values])
    counted = {value.key: value.value for value in diagnostics[-1].status[0].values}
    assert counted["not_refined"] == "5"


def test_people_of_an_unknown_estimator_pass_and_are_counted(ros, estimator):
    node = ros.start("pose_refiner", {"device": "cpu"})
    diagnostics = ros.listen(DiagnosticArray, "/diagnostics")
    estimator.wait()
    people = standing_people(3)
    for name in ("", "mppe/0a0a0a0a", "mppe/0a0a0a0a"):
        answer = people_from_message(estimator.ask(replace(people, estimator=name)))
        np.testing.assert_array_equal(answer.joints, people.joints)
        np.testing.assert_allclose(answer.root_deviations, people.root_deviations, rtol=1e-5)
        assert answer.estimator == name
    known = replace(people, estimator="blazepose_full/4495eb0e")
    answer = people_from_message(estimator.ask(known))
    assert np.abs(answer.joints - people.joints).max() > 0.001
    assert node.output.count("people of the estimator 'mppe/0a0a0a0a' are passed on") == 1
    assert node.output.count("people of the estimator 'unknown' are passed on") == 1
    assert "set refine_unknown" in node.output
    estimator.ask(replace(people, estimator="mppe\n" * 10_000))
    assert max(map(len, node.output.splitlines())) < 1500

    def counted() -> dict[str, str]:
        return {value.key: value.value for value in diagnostics[-1].status[0].values}

    ros.until(lambda: diagnostics and counted().get("unknown_estimator") == "12")


def test_a_crowd_is_refined_in_time_and_the_node_stops_promptly(ros, estimator):
    node = ros.start("pose_refiner", {**ANYBODY, "max_people": 20})
    diagnostics = ros.listen(DiagnosticArray, "/diagnostics")
    estimator.wait()
    people = standing_people(30)
    answer = people_from_message(estimator.ask(people))
    moved = np.abs(answer.joints - people.joints).max(axis=(1, 2)) > 0.001
    assert moved.sum() == 20
    assert not moved[20:].any()  # the farthest
    crowd = people_to_message(standing_people(1000), estimator.header())
    estimator.publish(crowd)
    ros.until(lambda: len(estimator.refined) == 2)
    assert len(estimator.refined[1].people) == 1000
    estimator.publish(crowd)
    ros.spin(0.2)
    assert node.interrupt() == 0

    def counted() -> dict[str, str]:
        return {value.key: value.value for value in diagnostics[-1].status[0].values}

    assert int(counted()["surplus_people"]) >= 10


@pytest.mark.parametrize("executable", ["pose_refiner", "pose_pipeline"])
def test_publishes_the_attention_where_asked(ros, estimator, executable):
    weights = random_weights(ros.folder, "gru3")
    received = ros.listen(PeopleAttention, "people/attention")
    parameters = {"device": "cpu", "weights": str(weights), "publish_attention": True}
    ros.start(executable, parameters)
    estimator.wait()
    ros.until(lambda: ros.node.count_publishers("people/attention") > 0)
    people = standing_people(4)
    people.joints[2, 4] = np.nan
    refiner = Refiner(weights, "cpu")
    for shown in (people, standing_people(1), People.empty(MUPOTS_17)):
        header = estimator.ask(shown).header
        ros.until(lambda header=header: received and received[-1].header == header)
        message, expected = received[-1], refiner(shown).attention
        assert message.track_ids.tolist() == shown.track_ids.tolist()
        found = np.reshape(message.weights, (len(shown), len(shown)))
        np.testing.assert_allclose(found, expected, atol=1e-6)
    weights_of_four = np.reshape(received[0].weights, (4, 4))
    assert np.isnan(weights_of_four[2]).all()
    assert np.ptp(weights_of_four[0, [0, 1, 3]]) > 0.01  # a wrong order would be seen


def test_does_not_publish_the_attention_otherwise(ros, estimator):
    ros.start("pose_refiner", ANYBODY)
    estimator.wait()
    estimator.ask(standing_people(2))
    assert ros.node.count_publishers("people/attention") == 0


def test_attention_of_a_network_without_it_ends_with_a_message(ros):
    weights = random_weights(ros.folder, "no_attention")
    parameters = {"device": "cpu", "weights": str(weights), "publish_attention": True}
    node = ros.start("pose_refiner", parameters)
    assert node.wait() == 1
    assert "no_attention.safetensors is of a network without attention" in node.output
    assert "Traceback" not in node.output


def test_missing_weights_end_with_a_message(ros):
    node = ros.start("pose_refiner", {"device": "cpu", "weights": "gone.safetensors"})
    assert node.wait() == 1
    assert "gone.safetensors" in node.output
    assert "Traceback" not in node.output
