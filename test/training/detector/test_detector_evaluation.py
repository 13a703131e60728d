"""A detector beside the published one."""

from __future__ import annotations

import json
from functools import partial

import command_line
import cv2
import numpy as np
from made_up_poses import write_scenes

from pinet_ros.detection.detections import Detections
from pinet_training.detector.detector_recall import KnownPicture
from pinet_training.detector.known_pictures import picture_of_nobody
from pinet_training.evaluation.detector_evaluation import detector_table, evaluate_detector
from pinet_training.originals import fetch

IMAGE = np.zeros((2, 2, 3), np.uint8)
BOX = np.array([[10.0, 10, 60, 110]])


def gives(boxes, scores):
    found = Detections(boxes=np.float32(boxes).reshape(-1, 4), scores=np.float32(scores))
    return lambda _: found


def test_people_wrong_boxes_and_boxes_without_people_are_counted():
    picture = KnownPicture("", lambda: IMAGE, BOX, np.zeros((0, 4)))
    detectors = {
        "ours": gives([*BOX, [200, 200, 240, 300]], [0.45, 0.35]),
        "published": gives([], []),
    }
    report = evaluate_detector(detectors, [picture] * 20, [picture_of_nobody("", IMAGE)])
    assert (report["people"], report["pictures"], report["without_people"]) == (20, 20, 1)
    assert report["detectors"]["ours"]["thresholds"] == {
        "0.3": {"found": 20, "sharing": 0, "wrong": 20, "on_nobody": 2},
        "0.4": {"found": 20, "sharing": 0, "wrong": 0, "on_nobody": 1},
        "0.5": {"found": 0, "sharing": 0, "wrong": 0, "on_nobody": 0},
        "0.6": {"found": 0, "sharing": 0, "wrong": 0, "on_nobody": 0},
    }
    assert report["detectors"]["ours"]["recall"] == {"0.05": 100, "0.1": 100, "0.2": 100}
    assert report["detectors"]["published"]["recall"]["0.2"] == 0
    table = detector_table(report)
    assert "20 people in 20 pictures; 1 pictures without people" in table
    assert report["detectors"]["ours"]["right"]["0.3 to 0.5"] == (20, 40)
    found = "threshold 0.4: 20 found, 0 in a box of somebody else, 0 wrong boxes"
    assert f"{found}, 1 in pictures without people" in table
    assert "0.3 to 0.5: 20 of 40, 0.5 to 0.7: 0 of 0" in table


def test_the_command_takes_scenes_and_photos(tmp_path, capsys):
    fetch.fetch(["nanodet"])
    write_scenes(tmp_path / "scenes", [1, 2], ["train", "test"], detections=False)
    (tmp_path / "photos").mkdir()
    cv2.imwrite(str(tmp_path / "photos" / "sky.png"), np.full((40, 60, 3), 200, np.uint8))
    run = partial(command_line.run, "evaluate", "detector")
    report = tmp_path / "report.json"
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"00000/001.jpg": [], "sky.png": [[0, 0, 20, 40, 0.9]]}))
    options = ("--boxes", other, "--json", report)
    run(tmp_path / "scenes", "--without-people", tmp_path / "photos", *options)
    assert "2 people in 1 pictures; 1 pictures without people" in capsys.readouterr().out
    counted = {
        name: part["thresholds"]["0.4"]["on_nobody"]
        for name, part in json.loads(report.read_text())["detectors"].items()
    }
    assert counted == {"ours": 0, "published": 0, "other": 1}
    assert "there is a detector other already" in command_line.fails(
        "evaluate", "detector", tmp_path / "scenes", "--boxes", other, "--boxes", other
    )
