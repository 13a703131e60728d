from __future__ import annotations

import numpy as np
import pytest

from pinet_ros.people import People
from pinet_ros.skeleton import MUPOTS_17

rerun = pytest.importorskip("rerun")  # cannot be installed beside the NumPy 1 of an older ROS


def standing(count: int) -> People:
    joints = np.random.default_rng(0).normal(size=(count, 17, 3))
    return People(
        MUPOTS_17,
        joints=joints,
        joints_image=np.zeros((count, 17, 2)),
        confidence=np.ones((count, 17)),
        boxes=np.zeros((count, 4)),
        scores=np.ones(count),
    )


def test_shows_bones_and_joints_of_frames_with_and_without_people(monkeypatch):
    from demo.viewer import Viewer

    viewer = Viewer(spawn=False)
    log, logged = rerun.log, []

    def keep(path, entity, **options):
        logged.append((path, entity))
        log(path, entity, **options)

    monkeypatch.setattr(rerun, "log", keep)
    memory = rerun.memory_recording()
    partly = standing(2)
    partly.joints[1, MUPOTS_17.index("right_elbow")] = np.nan  # two bones end there
    for seconds, people in enumerate((standing(2), partly, People.empty(MUPOTS_17))):
        viewer.show(seconds, np.zeros((48, 64, 3), np.uint8), people)
    bones = [len(entity.strips) for path, entity in logged if path == "world/bones"]
    joints = [len(entity.positions) for path, entity in logged if path == "world/joints"]
    assert bones == [32, 30, 0]
    assert joints == [34, 33, 0]
    assert [path for path, _ in logged].count("image") == 3
    assert memory.num_msgs() > 0
