from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pinet_ros.people import People
from pinet_ros.training.datasets.scenes import Scene, Scenes, ScenesError
from pinet_ros.training.evaluation.metrics import JOINT_GROUPS, METRICS, mean_metrics
from pinet_ros.training.evaluation.scenes import evaluate_controls, evaluate_scenes

A_METRE = np.float32([0, 0, 1])


class RecordingRefiner:
    """Moves everybody by a metre and keeps what it was given."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []
        self.boxes: list[np.ndarray] = []

    def __call__(self, people: People) -> People:
        self.seen.append(people.joints)
        self.boxes.append(people.boxes)
        return people.with_joints(people.joints + A_METRE)


class Halved:
    """Halves everybody's size about the camera."""

    def __call__(self, people: People) -> People:
        return people.with_joints(people.joints / 2)


def test_reports_people_of_scenes_with_two_or_more(excerpt):
    lonely = [
        replace(s, estimates=s.estimates[:1], truth=s.truth[:1], boxes=s.boxes[:1])
        for s in excerpt
    ]
    scenes = Scenes((*excerpt, *lonely))

    report = evaluate_scenes(scenes, lambda people: people)

    assert list(report) == ["narrow", "wide"]
    for cameras, kind in report.items():
        assert list(kind) == ["n", "before", "after", "difference", "per_joint"]
        assert kind["n"] == sum(len(s) for s in excerpt if s.cameras == cameras)
        assert list(kind["before"]) == [*METRICS, "root_mm"]
        assert kind["after"] == kind["before"]
        for difference in kind["difference"].values():
            assert difference == {"mean": 0, "low": 0, "high": 0}


def test_before_and_after_are_the_metrics_of_the_poses(excerpt):
    report = evaluate_scenes(excerpt, RecordingRefiner())

    wide = [scene for scene in excerpt if scene.cameras == "wide"]
    estimates = np.concatenate([scene.estimates for scene in wide])
    truth = np.concatenate([scene.truth for scene in wide])
    assert report["wide"]["before"] == mean_metrics(estimates, truth)
    assert report["wide"]["after"] == pytest.approx(
        mean_metrics(estimates + A_METRE, truth), rel=1e-6
    )


def test_the_difference_has_an_interval(excerpt):
    wide = excerpt.select(cameras="wide")

    kind = evaluate_scenes(wide, Halved())["wide"]

    for name, difference in kind["difference"].items():
        change = kind["after"][name] - kind["before"][name]
        assert difference["mean"] == pytest.approx(change), name
        assert difference["low"] <= difference["mean"] <= difference["high"], name
    assert kind["difference"]["root_mm"]["low"] < kind["difference"]["root_mm"]["high"]


def test_joint_groups_before_and_after(excerpt):
    wide = excerpt.select(cameras="wide")

    per_joint = evaluate_scenes(wide, Halved())["wide"]["per_joint"]

    pelvis, wrists = 14, [4, 7]
    for when, scale in {"before": 1.0, "after": 0.5}.items():
        assert list(per_joint[when]) == list(JOINT_GROUPS)
        distances = [
            1000 * np.linalg.norm((scale * (e[j] - e[pelvis])) - (t[j] - t[pelvis]))
            for scene in wide
            for e, t in zip(scene.estimates, scene.truth, strict=True)
            for j in wrists
        ]
        assert per_joint[when]["wrists"]["mpjpe_mm"] == pytest.approx(np.mean(distances), rel=1e-5)


def test_any_kind_of_camera_is_reported(excerpt):
    scenes = Scenes(tuple(replace(scene, cameras="MuCo-3DHP") for scene in excerpt))

    report = evaluate_scenes(scenes, lambda people: people)

    assert list(report) == ["MuCo-3DHP"]
    assert report["MuCo-3DHP"]["n"] == sum(len(scene) for scene in excerpt)


def test_a_kind_of_camera_without_people_is_left_out(excerpt):
    assert list(evaluate_scenes(excerpt.select(cameras="wide"), lambda p: p)) == ["wide"]


def test_controls_give_each_person_the_company_they_are_named_after():
    rng = np.random.default_rng(0)
    poses = rng.normal(size=(4, 17, 3)).astype(np.float32)
    boxes = rng.uniform(0, 500, size=(4, 4)).astype(np.float32)
    scenes = Scenes(
        tuple(
            Scene(poses[p], poses[p], boxes[p], np.arange(2), "narrow", "test")
            for p in ([0, 1], [2, 3])
        )
    )
    refiner = RecordingRefiner()

    report = evaluate_controls(scenes, refiner)

    assert list(report) == ["alone", "duplicate", "wrong_neighbours"]
    alone, duplicate, wrong = (refiner.seen[i : i + 4] for i in (0, 4, 8))
    for person in range(4):
        for seen in (alone, duplicate, wrong):
            np.testing.assert_array_equal(seen[person][0], poses[person])
        assert [len(seen[person]) for seen in (alone, duplicate, wrong)] == [1, 3, 2]
        np.testing.assert_array_equal(duplicate[person][2], poses[person ^ 1])
        assert 0 < np.abs(duplicate[person][1] - poses[person]).mean() < 0.5
        stranger = np.flatnonzero((poses == wrong[person][1]).all(axis=(1, 2))).item()
        assert stranger // 2 != person // 2
        for control, rows in enumerate(
            ([person], [person, person, person ^ 1], [person, stranger])
        ):
            np.testing.assert_array_equal(refiner.boxes[4 * control + person], boxes[rows])
    for control in report.values():
        assert control["narrow"]["after"]["root_mm"] == pytest.approx(1000, rel=1e-5)


def test_controls_need_somebody_elsewhere(excerpt):
    with pytest.raises(ScenesError, match="two or more scenes, got 1"):
        evaluate_controls(Scenes(excerpt.scenes[:1]), RecordingRefiner())
