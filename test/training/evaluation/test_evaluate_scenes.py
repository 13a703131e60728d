from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stand_ins import refined

from pinet_ros.people import People
from pinet_ros.refinement.refiner import Refinement
from pinet_training.datasets.scenes import Scene, Scenes
from pinet_training.evaluation.metrics import JOINT_GROUPS, METRICS, mean_metrics
from pinet_training.evaluation.scene_evaluation import (
    measure_scenes,
    report_controls,
    report_scenes,
)

pytestmark = pytest.mark.slow

A_METRE = np.float32([0, 0, 1])


def scene_of(estimates, truth, missed, scores=None) -> Scene:
    """Of one kind of camera, without boxes."""
    return Scene(
        estimates=np.float32(estimates),
        truth=np.float32(truth),
        boxes=np.full((len(truth), 4), np.nan, np.float32),
        bodies=np.arange(len(truth)),
        cameras="level",
        split="test",
        missed=np.float32(missed).reshape(-1, 17, 3),
        scores=scores,
    )


def first_alone(scene: Scene) -> Scene:
    """The scene with its first person as the only one found."""
    of_people = ("estimates", "truth", "boxes", "deviations", "bodies", "scores", "visible")
    return replace(scene, **{name: getattr(scene, name)[:1] for name in of_people})


def _evaluate(scenes: Scenes, refiner) -> dict:
    """The report by kinds of cameras."""
    report = report_scenes(measure_scenes(scenes, refiner))
    del report["breakdown"]
    return report


class Forward:
    """Moves everybody by a metre."""

    def __call__(self, people: People) -> Refinement:
        return refined(people.with_joints(people.joints + A_METRE))


class Halved:
    """Halves everybody's size about the camera."""

    def __call__(self, people: People) -> Refinement:
        return refined(people.with_joints(people.joints / 2))


def test_reports_people_of_scenes_with_two_or_more(excerpt):
    lonely = [first_alone(scene) for scene in excerpt]
    scenes = Scenes((*excerpt, *lonely))

    report = _evaluate(scenes, refined)

    assert list(report) == ["level", "steep", "all"]
    for cameras, kind in report.items():
        assert list(kind) == ["n", "before", "after", "difference", "per_joint", "all"]
        assert kind["n"] == sum(len(s) for s in excerpt if cameras in (s.cameras, "all"))
        assert list(kind["before"]) == [*METRICS, "root_mm"]
        assert kind["after"] == kind["before"]
        for difference in kind["difference"].values():
            assert difference == {"mean": 0, "low": 0, "high": 0}


def test_before_and_after_are_the_metrics_of_the_poses(excerpt):
    report = _evaluate(excerpt, Forward())

    steep = [scene for scene in excerpt if scene.cameras == "steep"]
    estimates = np.concatenate([scene.estimates for scene in steep])
    truth = np.concatenate([scene.truth for scene in steep])
    assert report["steep"]["before"] == mean_metrics(estimates, truth)
    assert report["steep"]["after"] == pytest.approx(
        mean_metrics(estimates + A_METRE, truth), rel=1e-6
    )


def test_the_difference_has_an_interval(excerpt):
    steep = excerpt.select(cameras="steep")

    kind = _evaluate(steep, Halved())["steep"]

    for name, difference in kind["difference"].items():
        change = kind["after"][name] - kind["before"][name]
        assert difference["mean"] == pytest.approx(change), name
        assert difference["low"] <= difference["mean"] <= difference["high"], name
    assert kind["difference"]["root_mm"]["low"] < kind["difference"]["root_mm"]["high"]


def test_a_missed_person_has_all_joints_wrong(excerpt):
    # the last person of each scene of three or more is missed
    level = excerpt.select(cameras="level", minimum_people=3)
    scenes = Scenes(tuple(scene_of(s.estimates[:-1], s.truth[:-1], s.truth[-1:]) for s in level))

    kind = _evaluate(scenes, Halved())["level"]

    people = sum(len(scene) for scene in level)
    assert (kind["n"], kind["all"]["n"]) == (people - len(level), people)
    assert kind["all"]["found"] == kind["n"]
    for when, scale in {"before": 1.0, "after": 0.5}.items():
        assert list(kind["all"][when]) == [
            *("pck150", "auc", "pck150_absolute", "auc_absolute", "root_ap25")
        ]
        right = {"pck150": 0, "pck150_absolute": 0, "auc": 0.0, "auc_absolute": 0.0}
        for scene in scenes:
            for estimate, true in zip(scale * scene.estimates, scene.truth, strict=True):
                for joint in range(17):
                    absolute = 1000 * np.linalg.norm(estimate[joint] - true[joint])
                    relative = 1000 * np.linalg.norm(
                        estimate[joint] - estimate[14] - true[joint] + true[14]
                    )
                    right["pck150"] += relative < 150
                    right["pck150_absolute"] += absolute < 150
                    right["auc"] += np.mean([relative < t for t in range(0, 151, 5)])
                    right["auc_absolute"] += np.mean([absolute < t for t in range(0, 151, 5)])
        for name, count in right.items():
            expected = 100 * count / (17 * people)
            assert kind["all"][when][name] == pytest.approx(expected, rel=1e-6), name
    alike = _evaluate(level, Halved())["level"]
    assert alike["all"]["before"]["auc"] == pytest.approx(alike["before"]["auc"])


def test_the_average_precision_of_the_root_counts_the_missed():
    truth = np.random.default_rng(0).normal(scale=0.3, size=(5, 17, 3)) + 4 * A_METRE
    truth[:, :, 0] += 3 * np.arange(5)[:, None]
    refiner = Forward()  # moves everybody by a metre: who was wrong is right then
    scenes = Scenes(
        (
            scene_of([truth[0], truth[1] - A_METRE], truth[:2], truth[2], np.array([0.5, 0.9])),
            scene_of(truth[3:] - A_METRE, truth[3:], [], np.array([0.8, 0.7])),
            scene_of(truth[:1], truth[:1], truth[1:]),  # one found: does not count
        )
    )

    everybody = _evaluate(scenes, refiner)["level"]["all"]

    assert (everybody["n"], everybody["found"]) == (5, 4)
    # the only right one comes last: 1 of 4 detections and 1 of 5 people
    assert everybody["before"]["root_ap25"] == pytest.approx(100 * 1 / 4 * 1 / 5)
    # the only wrong one comes last: before it 3 of 3 detections and 3 of 5 people
    assert everybody["after"]["root_ap25"] == pytest.approx(100 * 3 / 5)


def test_without_scores_the_average_precision_is_one_point_of_the_curve():
    truth = np.ones((3, 17, 3)) + 3 * np.arange(3)[:, None, None]
    scenes = Scenes((scene_of([truth[0], truth[1] + 1], truth[:2], truth[2]),))

    everybody = _evaluate(scenes, refined)["level"]["all"]

    assert everybody["before"]["root_ap25"] == pytest.approx(100 * 1 / 2 * 1 / 3)


def test_joint_groups_before_and_after(excerpt):
    steep = excerpt.select(cameras="steep")

    per_joint = _evaluate(steep, Halved())["steep"]["per_joint"]

    pelvis, wrists = 14, [4, 7]
    for when, scale in {"before": 1.0, "after": 0.5}.items():
        assert list(per_joint[when]) == list(JOINT_GROUPS)
        distances = [
            1000 * np.linalg.norm((scale * (e[j] - e[pelvis])) - (t[j] - t[pelvis]))
            for scene in steep
            for e, t in zip(scene.estimates, scene.truth, strict=True)
            for j in wrists
        ]
        assert per_joint[when]["wrists"]["mpjpe_mm"] == pytest.approx(np.mean(distances), rel=1e-5)


def test_any_kind_of_camera_is_reported(excerpt):
    scenes = Scenes(tuple(replace(scene, cameras="MuCo-3DHP") for scene in excerpt))

    report = _evaluate(scenes, refined)

    assert list(report) == ["MuCo-3DHP"]
    assert report["MuCo-3DHP"]["n"] == sum(len(scene) for scene in excerpt)


def test_a_kind_of_camera_without_people_is_left_out(excerpt):
    assert list(_evaluate(excerpt.select(cameras="steep"), refined)) == ["steep"]


def test_all_cameras_together_are_those_of_each_kind(excerpt):
    report = _evaluate(excerpt, Halved())

    kinds, whole = [report[name] for name in ("level", "steep")], report["all"]
    for when in ("before", "after"):
        for metric, value in whole[when].items():
            parts = [kind["n"] * kind[when][metric] for kind in kinds]
            assert whole["n"] * value == pytest.approx(sum(parts)), metric
    assert whole["all"]["n"] == sum(kind["all"]["n"] for kind in kinds)


class Gatherer:
    """Moves everybody to where the person of least depth is: what is gained needs the others."""

    def __call__(self, people: People) -> Refinement:
        depths = people.joints[:, :, 2]
        joints = people.joints.copy()
        joints[:, :, 2] += depths.min() - depths[:, [14]]
        return refined(people.with_joints(joints))


def test_what_the_others_are_worth_is_the_difference_from_the_person_alone(excerpt):
    errors = measure_scenes(excerpt, Gatherer())

    report = {**report_scenes(errors), **report_controls(errors, Gatherer())}

    assert list(report["together_minus_alone"]) == ["level", "steep", "all"]
    for cameras, differences in report["together_minus_alone"].items():
        alone = report["controls"]["alone"][cameras]["after"]
        for metric in ("mpjpe_mm", "pa_mpjpe_mm", "root_mm"):
            together = report[cameras]["after"][metric]
            difference = differences[metric]
            expected = pytest.approx(together - alone[metric], abs=1e-4)
            assert difference["mean"] == expected, metric
            assert difference["low"] <= difference["mean"] <= difference["high"]
        assert differences["root_mm"]["low"] < differences["root_mm"]["high"]


def test_people_who_were_found_alone_are_in_no_control(excerpt):
    lonely = first_alone(excerpt.scenes[0])
    both = [
        report_controls(measure_scenes(scenes, Halved()), Halved())
        for scenes in (excerpt, Scenes((lonely, *excerpt)))
    ]
    assert both[0] == both[1]
