"""People in pictures with known poses: who is found, and how wrong their poses are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from command_line import fails, run
from scipy.spatial.transform import Rotation
from stand_ins import refined

from pinet_ros.detection.detections import Detections, Dropped
from pinet_ros.errors import DatasetError
from pinet_ros.estimator import Estimate
from pinet_ros.geometry.camera import Camera
from pinet_ros.people import People
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.datasets.people_pictures import read_people_pictures
from pinet_training.evaluation.picture_evaluation import evaluate_pictures

CAMERA = Camera.from_field_of_view(60, 640, 480)
BODY = np.random.default_rng(0).uniform([-0.3, -0.8, -0.2], [0.3, 0.8, 0.2], (17, 3))
BODY -= BODY[MUPOTS_17.root]
PLACES = np.array([[-1.2, 0, 5], [0, 0, 5], [1.2, 0, 5.5]])


@pytest.fixture
def folder(tmp_path):
    """Two pictures of one moment and one of another, three people in each, two kinds of truth."""
    names = ["a_1.png", "b_1.png", "a_2.png"]
    for name in names:
        cv2.imwrite(str(tmp_path / name), np.zeros((480, 640, 3), np.uint8))
    joints = np.tile(PLACES[:, None] + BODY, (3, 1, 1))
    joints[1, 3] = np.nan  # a joint that is not known
    np.savez(
        tmp_path / "truth.npz",
        picture=names,
        picture_camera_matrix=np.tile(CAMERA.matrix, (3, 1, 1)),
        picture_distortion=np.zeros((3, 5)),
        person_picture=np.repeat(names, 3),
        person_joints=joints,
        person_strict=np.tile([True, False, False], 3),
    )
    return tmp_path


def people_at(joints) -> People:
    """Estimates of these poses (N,17,3)."""
    pixels = CAMERA.project(joints)
    return People.from_joints(MUPOTS_17, joints, joints_image=pixels)


class Estimator:
    """Finds people with these poses, of those that it detects, in every picture."""

    def __init__(self, people: People, detected: People | None = None) -> None:
        self._people = people
        boxes = (detected or people).boxes
        self._detections = Detections(boxes, np.ones(len(boxes), np.float32))
        self.floors = []

    def __call__(self, image, camera, *, floor) -> Estimate:
        self.floors.append(floor)
        return Estimate(self._people, self._detections, Dropped(), {})


def test_who_is_found_missed_dropped_and_wrong(folder):
    everybody = people_at(PLACES[:, None] + BODY)
    nobody_there = people_at(np.array([[3.5, 0, 9]])[:, None] + BODY)
    found = People.concatenate([everybody.select(np.array([0])), nobody_there])
    detected = People.concatenate([everybody.select(np.array([0, 1])), nobody_there])

    report = evaluate_pictures(read_people_pictures(folder), Estimator(found, detected), refined)

    counts = ("in_sight", "found", "missed", "dropped", "wrong")
    assert [report["strict"][name] for name in counts] == [3, 3, 0, 0, 3]
    assert [report["loose"][name] for name in counts] == [6, 0, 3, 3, 3]
    assert report["loose"]["before"]["mpjpe_mm"] is None


def test_the_errors_are_those_that_were_made(folder):
    turn = Rotation.from_euler("y", 20, degrees=True).as_matrix()
    scale = 1.1  # of everything about the camera, which the image does not show
    joints = scale * (PLACES[:, None] + BODY @ turn.T)
    joints[:, MUPOTS_17.root] = scale * PLACES

    def refine(people):
        """Each person alone stays; together they go to the true places."""
        return refined(people if len(people) == 1 else people_at(PLACES[:, None] + BODY))

    report = evaluate_pictures(read_people_pictures(folder), Estimator(people_at(joints)), refine)

    for part, places in ((report["strict"], PLACES[:1]), (report["loose"], PLACES[1:])):
        before = part["before"]
        distances = np.linalg.norm(places, axis=1)
        assert before["root_mm"] == pytest.approx(1000 * (scale - 1) * distances.mean(), rel=1e-3)
        assert before["orientation_deg"] == pytest.approx(20, abs=0.2)
        assert before["pa_mpjpe_mm"] == pytest.approx(0, abs=1)
        assert part["alone"] == pytest.approx(
            before | {"image_percent": part["alone"]["image_percent"]}
        )
        assert part["after"]["mpjpe_mm"] == pytest.approx(0, abs=0.1)
        mean, low, high = part["difference"]["mpjpe_mm"]
        assert mean == pytest.approx(-before["mpjpe_mm"], abs=0.1)
        assert low <= mean <= high
    assert report["strict"]["ankles"]["found"] == 3
    assert report["strict"]["no_ankles"]["found"] == 0
    assert report["strict"]["no_ankles"]["before"]["root_mm"] is None


def test_what_is_no_truth_is_refused(folder):
    with np.load(folder / "truth.npz") as file:
        arrays = dict(file)
    np.savez(folder / "truth.npz", **arrays | {"person_picture": np.repeat(["c.png"], 9)})
    assert "person_picture names 'c.png'" in fails("evaluate", "pictures", folder)
    np.savez(folder / "truth.npz", **arrays | {"person_strict": np.ones(4)})
    assert "person_strict must have 9 rows, got 4" in fails("evaluate", "pictures", folder)
    (folder / "truth.npz").unlink()
    assert "truth.npz" in fails("evaluate", "pictures", folder)


def test_the_estimator_is_told_where_the_floor_is(folder):
    with np.load(folder / "truth.npz") as file:
        arrays = dict(file)
    up, heights = np.tile([0, -0.8, -0.6], (3, 1)), np.array([1.0, 2.0, 3.0])
    floors = {"picture_up": up, "picture_camera_height": heights}
    np.savez(folder / "truth.npz", **arrays | floors)
    estimator = Estimator(people_at(PLACES[:, None] + BODY))
    pictures = read_people_pictures(folder)
    evaluate_pictures(pictures, estimator, refined)
    evaluate_pictures(pictures, estimator, refined, floor="true")
    evaluate_pictures(pictures, estimator, refined, floor="up")
    assert estimator.floors[:3] == [None] * 3
    assert [floor.height for floor in estimator.floors[3:6]] == [1, 2, 3]
    assert np.isnan([floor.height for floor in estimator.floors[6:]]).all()
    for floor in estimator.floors[3:]:
        np.testing.assert_allclose(floor.up, up[0])
    heights[1] = np.nan
    np.savez(folder / "truth.npz", **arrays | floors)
    heights_read = [each.floor.height for each in read_people_pictures(folder)]
    np.testing.assert_array_equal(heights_read, [1, np.nan, 3])
    up[2] = np.nan
    np.savez(folder / "truth.npz", **arrays | floors)
    assert [bool(each.floor) for each in read_people_pictures(folder)] == [True, True, False]
    np.savez(folder / "truth.npz", **arrays, picture_up=up)
    with pytest.raises(DatasetError, match="has picture_up only; a floor needs picture_up and"):
        read_people_pictures(folder)
    np.savez(folder / "truth.npz", **arrays | floors | {"picture_camera_height": -heights})
    message = fails("evaluate", "pictures", folder, "--floor", "true")
    assert "the camera must be above the floor, got a height of -1 m" in message


def test_a_floor_that_is_not_known_cannot_be_stood_on(folder):
    message = fails("evaluate", "pictures", folder, "--floor", "true")
    assert "lacks picture_up and picture_camera_height" in message


@pytest.mark.slow
def test_the_command_prints_the_figures_and_writes_them(folder, capsys):
    run("evaluate", "pictures", folder, "--json", folder / "out.json")
    assert "strict: 0 of 3 found, 3 missed, 0 dropped, 0 wrong" in capsys.readouterr().out
    assert (folder / "out.json").is_file()
