"""The example that subscribes to the people, run as a user runs it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from harness import Process
from std_msgs.msg import Header

from pinet_ros.msg import PersonPoseArray
from pinet_ros.people import People
from pinet_ros.ros.messages import people_to_message
from pinet_ros.skeleton import MUPOTS_17

SCRIPT = Path(__file__).parents[2] / "examples" / "nearest_person.py"


def people_at(*places) -> PersonPoseArray:
    """A message of people whose joints are all at one place each, metres."""
    joints = np.repeat(np.array(places, float).reshape(-1, 1, 3), len(MUPOTS_17), axis=1)
    return people_to_message(People.from_joints(MUPOTS_17, joints), Header())


@pytest.fixture
def example(ros, tmp_path):
    """The running example, and a function that publishes to it."""
    command = [sys.executable, str(SCRIPT), "--ros-args", "-r", "people:=/robot/people"]
    process = Process(command, ros.environment, tmp_path / "example.log")
    publisher = ros.node.create_publisher(PersonPoseArray, "/robot/people", 10)
    try:
        ros.until(lambda: publisher.get_subscription_count() > 0)
        yield process, publisher.publish
    finally:
        process.interrupt()


def test_the_nearest_person_is_printed(ros, example):
    process, publish = example
    unknown = (np.nan, np.nan, np.nan)
    for places in ([(0, 0, 4), (-1.5, 0, 2)], [], [unknown, (0.5, 0, 3)]):
        publish(people_at(*places))

    ros.until(lambda: process.output.count("\n") >= 3)

    assert process.output.splitlines() == [
        "person 1: 2.50 m, -1.50 m right",
        "nobody",
        "person 1: 3.04 m, +0.50 m right",
    ]
    assert process.interrupt() == 0
