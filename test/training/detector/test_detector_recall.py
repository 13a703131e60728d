"""Recall at numbers of wrong boxes, counted by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from unittest.mock import MagicMock

import cv2
import numpy as np
import pytest

from pinet_ros.detection.detections import Detections
from pinet_ros.errors import DatasetError
from pinet_ros.imaging.pictures import PictureError
from pinet_training.detector.detector_recall import KnownPicture, measure_recalls
from pinet_training.detector.detector_scenes import DetectorScenes, SceneOfPeople
from pinet_training.detector.known_pictures import (
    boxes_of_another,
    pictures_of_people,
    pictures_of_scenes,
    pictures_with_boxes,
)

A, B, C = [0.0, 0, 10, 20], [30.0, 0, 40, 20], [60.0, 0, 70, 20]
FAR = [200.0, 0, 210, 20]


def picture(people, ignored=()):
    boxes = [np.array(each, float).reshape(-1, 4) for each in (people, ignored)]
    return KnownPicture("", lambda: np.zeros((1, 1, 3), np.uint8), *boxes)


def detector(*answers):
    """Gives the boxes and scores of each picture, in their order."""
    left = list(answers)

    def detect(_):
        boxes, scores = left.pop(0)
        return Detections(
            boxes=np.array(boxes, np.float32).reshape(-1, 4), scores=np.array(scores, np.float32)
        )

    return detect


def test_people_and_wrong_boxes_are_counted():
    pictures = [picture([A, B]), picture([C], [FAR]), picture([])]
    detect = detector(
        ([A, [31, 0, 41, 20], FAR], [0.9, 0.5, 0.6]),  # B a little off, and one on nobody
        ([FAR, A], [0.8, 0.3]),  # whom one may find or not, and one on nobody
        ([], []),
    )
    recalls = measure_recalls(detect, pictures)
    np.testing.assert_allclose(recalls.scores, [0.9, 0.5, 0.0], rtol=1e-6)
    np.testing.assert_allclose(sorted(recalls.wrong), [0.3, 0.6], rtol=1e-6)
    assert recalls.at(0.55) == (1, 1)
    assert recalls.at(0.2) == (2, 2)
    assert recalls.threshold_at(0.1) == pytest.approx(0.6)  # none may be wrong in 3 pictures
    assert recalls.threshold_at(0.4) == pytest.approx(0.3)
    assert recalls.threshold_at(1.0) == 0


def test_a_box_around_two_people_finds_one():
    beside = [1.0, 0, 11, 20]
    both = picture([A, beside])
    recalls = measure_recalls(detector(([A], [0.8])), [both])
    assert sorted(recalls.scores) == pytest.approx([0, 0.8])
    assert (recalls.at(0.5), recalls.sharing(0.5), recalls.sharing(0.9)) == ((1, 0), 1, 0)
    recalls = measure_recalls(detector(([A, beside], [0.8, 0.6])), [both])
    assert sorted(recalls.scores) == pytest.approx([0.6, 0.8])
    assert (recalls.sharing(0.5), recalls.sharing(0.7)) == (0, 1)


def test_boxes_of_people_are_counted_by_score():
    pictures = [picture([A, B])]
    detect = detector(([A, B, FAR], [0.6, 0.8, 0.6]))
    recalls = measure_recalls(detect, pictures)
    assert recalls.right(0.5, 0.7) == (1, 2)
    assert recalls.right(0.7, 0.9) == (1, 1)
    assert recalls.right(0.0, 0.5) == (0, 0)


def test_small_people_of_scenes_may_be_found_or_not():
    scene = SceneOfPeople(np.array([[0.0, 0, 10, 39], [0, 0, 10, 41]]), np.array([FAR]))
    (found,) = pictures_of_scenes(DetectorScenes(MagicMock(), [scene]), 5)
    np.testing.assert_array_equal(found.people, [[0, 0, 10, 41]])
    np.testing.assert_array_equal(found.ignored, [[0, 0, 10, 39], FAR])


def test_photos_have_boxes(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((90, 80, 3), 7, np.uint8))
    boxes = {"a.png": [[10, 20, 30, 60], [1, 2, 3, 39]], "b.png": []}
    (tmp_path / "boxes.json").write_text(json.dumps(boxes))
    first, second = pictures_with_boxes(tmp_path)
    np.testing.assert_array_equal(first.people, [[10, 20, 40, 80]])
    np.testing.assert_array_equal(first.ignored, [[1, 2, 4, 41]])
    assert first.image().shape == (90, 80, 3)
    assert second.people.shape == second.ignored.shape == (0, 4)
    with pytest.raises(PictureError, match=r"b\.png"):
        second.image()
    for damaged, message in (
        ([[1, 2, 3]], "must have shape"),
        ([[1, 2, None, 4]], "must hold finite numbers"),
        ([[1, 2, 3, -4]], ": the width and height of a box must be 0 or more"),
        (0, "must have shape"),
    ):
        (tmp_path / "boxes.json").write_text(json.dumps({"a.png": damaged}))
        with pytest.raises(DatasetError, match=rf"boxes\.json: a\.png ?{message}"):
            pictures_with_boxes(tmp_path)


def test_another_detector_may_have_answered_before(tmp_path):
    file = tmp_path / "other.json"
    file.write_text(json.dumps({"a": [[*FAR, 0.3], [*A, 0.7]], "b": []}))
    detect = boxes_of_another(file)
    recalls = measure_recalls(detect, [replace(picture([A]), name="a")])
    assert recalls.scores == pytest.approx([0.7])
    assert recalls.wrong == pytest.approx([0.3])
    assert len(detect(replace(picture([]), name="b"))) == 0
    with pytest.raises(DatasetError, match=r"other\.json: lacks the field 'c'"):
        detect(replace(picture([]), name="c"))
    for damaged in ([[*FAR, 90]], [[5, 0, 1, 1, 0.5]]):
        file.write_text(json.dumps({"a": damaged}))
        with pytest.raises(DatasetError, match=r"a: a box must be x_min, y_min, x_max, y_max and"):
            boxes_of_another(file)(replace(picture([]), name="a"))


def test_real_people_are_those_of_the_looser_truth(photo, calibration, tmp_path):
    cv2.imwrite(str(tmp_path / "a_1.png"), photo)
    camera = calibration.camera(1088, 1920)
    rng = np.random.default_rng(0)
    middles = np.array([[0.0, 0, 4], [0, 0, 5], [9, 0, 4]])
    joints = middles[:, None] + rng.normal(0, 0.3, (3, 17, 3))
    np.savez(
        tmp_path / "truth.npz",
        picture=["a_1.png"],
        picture_camera_matrix=camera.matrix[None],
        picture_distortion=np.zeros((1, 5)),
        person_picture=["a_1.png"] * 3,
        person_joints=joints,
        person_strict=[False, True, False],
    )
    (found,) = pictures_of_people(tmp_path)
    assert found.image().shape == photo.shape
    assert len(found.people) == 1
    assert len(found.ignored) == 2  # of the stricter truth, and out of sight
    x0, y0, x1, y1 = found.people[0]
    assert 0 <= x0 < x1 <= 1088
    assert 0 <= y0 < y1 <= 1920
