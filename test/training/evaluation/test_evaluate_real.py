"""Real people: the whole command on two moments, and its parts on what is made up."""

from __future__ import annotations

import argparse
import csv
import json
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from stand_ins import refined

from pinet_ros.errors import PinetError
from pinet_ros.lifting.blazepose import Landmarks
from pinet_ros.people import People
from pinet_ros.refinement.refiner import Refinement
from pinet_ros.skeleton import BLAZEPOSE_33, MUPOTS_17
from pinet_training.cli.evaluate_command import add_commands
from pinet_training.datasets.pose2sim import CAMERAS, CLIPS, load_views, read_moments
from pinet_training.evaluation.metrics import JOINT_GROUPS
from pinet_training.evaluation.real_evaluation import report
from pinet_training.evaluation.real_truth import (
    MAN,
    RENDERED_WOMAN,
    TruePerson,
    true_people,
    without_doubtful_joints,
)
from pinet_training.evaluation.sightings import Sighting, find_people
from pinet_training.evaluation.triangulation import Triangulation
from pinet_training.originals import fetch

pytestmark = pytest.mark.slow

METRICS = {"mpjpe_mm", "pa_mpjpe_mm", "limbs_mpjpe_mm", "limbs_pa_mpjpe_mm", "root_mm"}


@pytest.fixture(scope="module", autouse=True)
def clips():
    fetch.fetch(["pose2sim_clips", "nanodet", "blazepose_full"])


@pytest.fixture(scope="module")
def views():
    return load_views()


def _run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    parsed = parser.parse_args(["evaluate", "real", *arguments])
    return parsed.run(parsed)


def _landmarks_at(place: tuple[float, float, float], views, seed: int = 0):
    """33 points about a place in the world, and how each camera sees them."""
    points = np.random.default_rng(seed).uniform([-0.3, -0.3, -0.9], [0.3, 0.3, 0.9], (33, 3))
    points[BLAZEPOSE_33.indices("left_hip", "right_hip")] = [[0.1, 0, 0], [-0.1, 0, 0]]
    points += place
    return points, [views[camera].project(points) for camera in CAMERAS]


def _together(*images: np.ndarray) -> Landmarks:
    count = len(images)
    return Landmarks(
        image=np.array(images).reshape(count, 33, 2),
        world=np.zeros((count, 33, 3)),
        visibility=np.ones((count, 33)),
        presence=np.ones(count),
        log_deviations=np.full((count, 18), np.nan),
    )


def _person(world: np.ndarray) -> TruePerson:
    landmarks = Triangulation(np.zeros((33, 3)), np.ones((4, 33), bool), np.zeros((4, 33)))
    return TruePerson(world, landmarks)


def test_the_cameras_look_at_the_treadmill(views):
    for camera in CAMERAS:
        view = views[camera]
        assert np.linalg.det(view.rotation) == pytest.approx(1)
        assert 1.5 < view.position[2] < 2.5  # metres above the floor
        x, y = view.project(np.array([-1.0, 0.0, 0.0]))
        assert 0 < x < view.camera.width
        assert 0 < y < view.camera.height
        assert view.to_camera(np.array([-1.0, 0.0, 0.0]))[2] > 0


def test_moments_are_spread_over_the_recording():
    numbers = []
    for number, images in islice(read_moments(10), 3):
        numbers.append(number)
        assert list(images) == list(CLIPS)
        for of_clip in images.values():
            assert list(of_clip) == list(CAMERAS)
            assert {image.shape[0] for image in of_clip.values()} == {1920}
    assert numbers == [0, 11, 22]


def test_who_is_who_is_told_by_the_place_in_the_world(views):
    man, man_seen = _landmarks_at((-1.0, 0.0, 1.0), views)
    woman, woman_seen = _landmarks_at((0.1, -0.4, 0.8), views, seed=1)
    _, far_seen = _landmarks_at((-4.4, 0.3, 1.0), views, seed=2)
    landmarks = {
        "single_person": [_together(f, m) for f, m in zip(far_seen, man_seen, strict=True)],
        "multi_person": [_together(w) for w in woman_seen],
    }
    people = true_people([views[camera] for camera in CAMERAS], landmarks)
    assert set(people) == {MAN, RENDERED_WOMAN}
    for who, points in ((MAN, man), (RENDERED_WOMAN, woman)):
        np.testing.assert_allclose(people[who].landmarks.points, points, atol=1e-6)
        wrist = points[BLAZEPOSE_33.index("left_wrist")]
        np.testing.assert_allclose(
            people[who].joints[MUPOTS_17.index("left_wrist")], wrist, atol=1e-6
        )


def test_a_joint_on_a_bone_of_another_length_is_not_believed():
    pose = np.random.default_rng(0).uniform(-1, 1, (17, 3))
    pose += pose[MUPOTS_17.mirror] * [-1, 1, 1]  # both sides have the same bones
    moments = [{MAN: _person(pose + number)} for number in range(5)]
    moments += [{}, {MAN: _person(pose.copy()), RENDERED_WOMAN: _person(2 * pose)}]
    right_elbow, right_wrist, left_ankle = MUPOTS_17.indices(
        "right_elbow", "right_wrist", "left_ankle"
    )
    forearm = pose[right_wrist] - pose[right_elbow]
    moments[1][MAN].joints[right_wrist] += 0.3 * forearm
    moments[2][MAN].joints[right_wrist] -= 0.15 * forearm
    moments[3][MAN].joints[left_ankle] = np.nan  # not known anyway

    checked = without_doubtful_joints(moments)

    assert [set(people) for people in checked] == [set(people) for people in moments]
    for number, people in enumerate(checked):
        for who, person in people.items():
            wrong = [right_wrist] if number == 1 else []
            assert np.flatnonzero(person.doubtful).tolist() == wrong
            expected = moments[number][who].joints.copy()
            expected[wrong] = np.nan
            np.testing.assert_array_equal(person.joints, expected)


def test_joints_that_are_not_believed_count_for_nothing():
    rng = np.random.default_rng(0)
    truth = rng.normal([0, 0, 4], 0.4, (3, 17, 3))
    wrists = MUPOTS_17.indices("right_wrist", "left_wrist")
    before = truth + rng.normal(0, 0.05, truth.shape)
    before[:, wrists[0]] += 7
    people = [_person(truth[number]) for number in range(3)]
    for person in people:
        person.joints[wrists[0]] = np.nan
        person.doubtful[wrists[0]] = True
    sightings = [
        Sighting(MAN, "single_person/cam01", number, before[number], before[number] + 0.1, joints)
        for number, joints in enumerate(person.joints for person in people)
    ]

    found = report(sightings, [{MAN: person} for person in people])

    assert (found["truth"][MAN]["doubtful"], found["truth"][MAN]["known"]) == (3, 48 / 51)
    whole = found["all"]
    assert (whole["n"], whole["moments"]) == (3, 3)
    rest = [joint for joint in range(17) if joint != wrists[0]]
    apart = (before - before[:, [14]]) - (truth - truth[:, [14]])
    expected = 1000 * np.linalg.norm(apart[:, rest], axis=-1).mean()
    assert whole["before"]["mpjpe_mm"] == pytest.approx(expected)
    left = 1000 * np.linalg.norm(apart[:, wrists[1]], axis=-1).mean()
    assert whole["before"]["per_joint"]["wrists"]["mpjpe_mm"] == pytest.approx(left)
    assert whole["difference"]["root_mm"]["low"] > 0
    for difference in whole["difference"]["per_joint"].values():  # centred, a shift is nothing
        assert difference["mpjpe_mm"]["low"] == pytest.approx(0, abs=1e-9)


def test_an_estimate_belongs_to_whom_it_is_nearest_to(views):
    rng = np.random.default_rng(0)
    view = views["cam02"]
    world = {
        MAN: rng.uniform([-1.3, -0.3, 0], [-0.7, 0.3, 1.8], (17, 3)),
        RENDERED_WOMAN: rng.uniform([-0.1, -0.6, 0], [0.3, -0.1, 1.6], (17, 3)),
    }
    truth = {who: _person(joints) for who, joints in world.items()}
    images = np.stack(
        [
            view.project(world[RENDERED_WOMAN]) + 30,  # the woman, twice
            view.project(world[RENDERED_WOMAN]),
        ]
    )
    people = People(
        MUPOTS_17,
        joints=rng.normal(size=(2, 17, 3)),
        joints_image=images,
        confidence=np.ones((2, 17)),
        boxes=np.zeros((2, 4)),
        scores=np.ones(2),
    )

    def shifted(given: People) -> Refinement:
        return refined(given.with_joints(given.joints + 1))

    (found,) = find_people("multi_person", "cam02", 7, view, truth, people, shifted)

    assert (found.who, found.view, found.moment) == (RENDERED_WOMAN, "multi_person/cam02", 7)
    np.testing.assert_array_equal(found.before, people.joints[1])
    np.testing.assert_array_equal(found.after, people.joints[1] + 1)
    np.testing.assert_allclose(found.truth, view.to_camera(world[RENDERED_WOMAN]))
    assert find_people("single_person", "cam02", 7, view, truth, people, shifted) == []
    nobody = People.empty(MUPOTS_17)
    assert find_people("multi_person", "cam02", 7, view, truth, nobody, shifted) == []


def test_nobody_found_is_a_report_without_values():
    empty = report([], [])
    assert empty["camera"] == {}
    assert empty["all"]["n"] == 0
    assert {empty["all"]["before"][metric] for metric in METRICS} == {None}
    assert empty["truth"] == {MAN: {"moments": 0}, RENDERED_WOMAN: {"moments": 0}}


def test_two_moments_end_to_end(tmp_path: Path, capsys):
    status = _run(
        *("--frames", "2", "--draw", str(tmp_path / "drawn")),
        *("--json", str(tmp_path / "real.json"), "--csv", str(tmp_path / "real.csv")),
    )
    assert status == 0
    found = json.loads((tmp_path / "real.json").read_text())
    assert set(found["camera"]) <= {f"{clip}/{camera}" for clip in CLIPS for camera in CAMERAS}
    assert sum(part["n"] for part in found["camera"].values()) == found["all"]["n"] > 10
    for part in (found["all"], found["rendered_woman"], *found["camera"].values()):
        for when in ("before", "after"):
            assert METRICS | {"per_joint"} == set(part[when])
            assert 0 < part[when]["pa_mpjpe_mm"] < 200
        differences = dict(part["difference"])
        by_joint = differences.pop("per_joint")
        assert set(by_joint) == set(JOINT_GROUPS)
        for name, difference in by_joint.items():
            change = [part[when]["per_joint"][name]["mpjpe_mm"] for when in ("after", "before")]
            assert difference["mpjpe_mm"]["mean"] == pytest.approx(change[0] - change[1])
        for name, difference in differences.items():
            change = part["after"][name] - part["before"][name]
            assert difference["mean"] == pytest.approx(change)
    for agreement in found["truth"].values():
        assert agreement["moments"] == 2
        assert agreement["median_px"] < 10
        assert agreement["known"] > 0.9
    with (tmp_path / "real.csv").open(newline="") as file:
        rows = {tuple(row[:-1]): row[-1] for row in csv.reader(file)}
    value = found["all"]["after"]["per_joint"]["wrists"]["mpjpe_mm"]
    assert float(rows["all", "matched", "wrists", "after", "mpjpe_mm"]) == value
    low = found["all"]["difference"]["per_joint"]["knees"]["mpjpe_mm"]["low"]
    assert float(rows["all", "matched", "knees", "difference_low", "mpjpe_mm"]) == low
    assert f"The man in all cameras, {found['all']['n']} times" in capsys.readouterr().out
    drawn = sorted(path.name for path in (tmp_path / "drawn").iterdir())
    assert drawn == [f"{clip}_{number}.jpg" for clip in sorted(CLIPS) for number in ("000", "099")]
    green = cv2.imread(str(tmp_path / "drawn" / drawn[0])).astype(int)
    assert ((green[..., 1] - green[..., [0, 2]].max(axis=-1)) > 100).sum() > 1000


def test_frames_must_be_of_the_recording():
    for wrong in ("0", "101"):
        with pytest.raises(PinetError, match="from 1 to 100"):
            _run("--frames", wrong)


def test_clips_that_are_not_there_say_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setenv("PINET_CACHE", str(tmp_path))
    with pytest.raises(PinetError, match="pinet models fetch pose2sim_clips"):
        load_views()
