"""Errors by what makes scenes hard, against the same people chosen by a loop."""

from __future__ import annotations

import numpy as np
import pytest
from stand_ins import refined

from pinet_ros.people import People
from pinet_ros.refinement.refiner import Refinement
from pinet_training.datasets.scenes import Scene, Scenes
from pinet_training.evaluation.breakdown import break_down
from pinet_training.evaluation.scene_evaluation import measure_scenes


def _scene(rng: np.random.Generator, people: int, pitch: float, visible: list[float]) -> Scene:
    truth = rng.normal([0, 0, 4], 0.3, (people, 17, 3)).astype(np.float32)
    extra = rng.normal([0, 0, 4], 0.3, (1, 17, 3)).astype(np.float32)
    return Scene(
        estimates=truth + rng.normal(0, 0.05, truth.shape).astype(np.float32),
        truth=truth,
        boxes=np.zeros((people, 4), np.float32),
        bodies=np.arange(people),
        cameras="level",
        split="test",
        visible=np.array(visible, np.float32),
        extra=extra,
        extra_boxes=np.zeros((1, 4), np.float32),
        camera_pitch=np.radians(pitch),
    )


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    rng = np.random.default_rng(0)
    return Scenes(
        (
            _scene(rng, 2, -20, [1.0, 0.3]),
            _scene(rng, 1, 2, [0.6]),
            _scene(rng, 5, 40, [1.0, 1.0, 16 / 17, 0.5, 0.75]),
            _scene(rng, 2, 15, [1.0, np.nan]),
        )
    )


def _halve_the_error(scenes: Scenes):
    """A refiner that knows the truth; it sees what is extra in a scene as well."""
    truth = {scene.estimates.tobytes(): scene.truth for scene in scenes}

    def refine(people: People) -> Refinement:
        count = len(people) - 1
        first = people.joints[:count]
        better = (first + truth[first.tobytes()]) / 2
        return refined(people.with_joints(np.concatenate([better, people.joints[count:]])))

    return refine


def _mpjpe(predicted: np.ndarray, truth: np.ndarray) -> float:
    apart = (predicted - predicted[14]) - (truth - truth[14])
    return 1000 * float(np.mean([np.sqrt((joint**2).sum()) for joint in apart]))


def test_groups_hold_whom_they_say(scenes):
    report = break_down(measure_scenes(scenes, _halve_the_error(scenes)))
    counts = {
        name: {label: group["n"] for label, group in groups.items()}
        for name, groups in report.items()
    }
    assert counts == {
        "visible": {"under 50 %": 1, "50 to 75 %": 2, "75 to 99 %": 2, "all": 4},
        "people": {"1": 1, "2": 4, "4 and more": 5},
        "camera_pitch": {"up": 2, "level, -5 to 5": 1, "5 to 15": 2, "over 30": 5},
    }


def test_errors_are_those_of_the_groups_people(scenes):
    group = break_down(measure_scenes(scenes, _halve_the_error(scenes)))["visible"]["all"]
    people = [(0, 0), (2, 0), (2, 1), (3, 0)]
    expected = np.mean(
        [
            _mpjpe(scenes.scenes[n].estimates[row].astype(float), scenes.scenes[n].truth[row])
            for n, row in people
        ]
    )
    assert group["before"]["mpjpe_mm"] == pytest.approx(expected, rel=1e-5)
    assert group["after"]["mpjpe_mm"] == pytest.approx(expected / 2, rel=1e-5)
    difference = group["difference"]["mpjpe_mm"]
    assert difference["mean"] == pytest.approx(-expected / 2, rel=1e-5)
    assert difference["low"] <= difference["mean"] <= difference["high"] < 0


def test_what_scenes_do_not_tell_is_left_out(scenes):
    unknown = Scenes(
        tuple(Scene(s.estimates, s.truth, s.boxes, s.bodies, s.cameras, s.split) for s in scenes)
    )
    report = break_down(measure_scenes(unknown, refined))
    assert report["visible"] == {}
    assert report["camera_pitch"] == {}
    assert sum(group["n"] for group in report["people"].values()) == 10
