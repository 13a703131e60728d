"""The worst failures, of poses whose errors are known."""

from __future__ import annotations

import argparse

import numpy as np
import pytest

from pinet_ros.errors import PinetError
from pinet_training.cli.evaluate_command import add_commands
from pinet_training.datasets.scenes import Scene, Scenes
from pinet_training.evaluation.failures import find_failures
from pinet_training.evaluation.scene_errors import SceneErrors

WRIST = 4


def _moved(truth: np.ndarray, metres: list[float]) -> np.ndarray:
    """The poses (N,17,3) with one wrist off by so much for each person."""
    poses = truth.copy()
    poses[:, WRIST, 0] += np.float32(metres)
    return poses


@pytest.fixture
def errors() -> SceneErrors:
    """Three scenes; by which the wrist of each person is off before and after, in metres."""
    before = ([0.1, 0.2], [0.9, 0.5], [0.3])
    after = ([0.4, 0.6], [0.8, 0.7], [0.1])
    rng = np.random.default_rng(0)
    scenes = []
    for offsets in before:
        count = len(offsets)
        truth = rng.normal([0, 0, 4], 0.3, (count, 17, 3)).astype(np.float32)
        boxes, bodies = np.zeros((count, 4), np.float32), np.arange(count)
        scenes.append(Scene(_moved(truth, offsets), truth, boxes, bodies, "level", "test"))
    refined = [_moved(s.truth, offsets) for s, offsets in zip(scenes, after, strict=True)]
    return SceneErrors(Scenes(tuple(scenes)), refined)


def _offsets(failures) -> list[tuple[float, float]]:
    return [
        tuple(
            round(float(f.poses[when][WRIST, 0] - f.poses["truth"][WRIST, 0]), 3)
            for when in ("before", "after")
        )
        for f in failures
    ]


def test_the_worst_come_first_and_one_of_each_scene(errors):
    found = find_failures(errors, 12)

    assert _offsets(found["highest"]) == [(0.9, 0.8), (0.2, 0.6), (0.3, 0.1)]
    assert _offsets(found["worsened"]) == [(0.2, 0.6), (0.5, 0.7)]  # nobody else is worse
    worst = found["highest"][0]
    assert worst.errors["before"]["mpjpe_mm"] == pytest.approx(900 / 17, rel=1e-4)
    assert worst.errors["after"] == pytest.approx({"mpjpe_mm": 800 / 17, "root_mm": 0}, rel=1e-4)
    assert [len(of_kind) for of_kind in find_failures(errors, 1).values()] == [1, 1]


def test_drawing_takes_pictures(excerpt_path, tmp_path):
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    for option in ("--draw", "--pictures"):
        parsed = parser.parse_args(["evaluate", "scenes", str(excerpt_path), option, "somewhere"])
        with pytest.raises(PinetError, match="--draw and --pictures need each other"):
            parsed.run(parsed)
