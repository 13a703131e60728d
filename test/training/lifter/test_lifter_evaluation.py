"""Networks that know everybody, but see them too large, measured on made-up people."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import command_line
import numpy as np
import pytest
import torch
from made_up_poses import CAMERA, landmarks, samples, to_joints, write_scenes

from pinet_ros.errors import DatasetError
from pinet_ros.geometry.rotations import rotation_to_ray
from pinet_ros.skeleton import BLAZEPOSE_33, MUPOTS_17
from pinet_training.evaluation.lifter_evaluation import (
    OURS,
    PUBLISHED,
    evaluate_lifter,
    lifter_table,
)
from pinet_training.originals import fetch

COUNT = 5
POINTS = landmarks(COUNT, seed=4)
POINTS[4, :, 0] += 3.2  # at the border of the image
WRIST = MUPOTS_17.index("left_wrist")
OTHERS = np.arange(17) != MUPOTS_17.root


@pytest.fixture(scope="module")
def people():
    """Everybody is detected, and so is nobody, in a box of its own."""
    made = samples(POINTS)
    visible = made.visible.copy()
    visible[:, WRIST] = False
    return replace(made, detected=np.ones(len(made), bool), visible=visible)


def network(people, factor, presence, deviation=None):
    """Gives each crop's landmarks, a factor too large and so too far away.

    Crops are those of the people, in their order, and then of nobody.
    """
    corners = people.box.reshape(-1, 2, 2)
    sides = 1.2 * (corners[:, 1] - corners[:, 0]).max(axis=1)
    corner = corners.mean(axis=1) - sides[:, None] / 2
    images, worlds = np.zeros((COUNT + 1, 33, 2)), np.zeros((COUNT + 1, 33, 3))
    for row, points in enumerate(POINTS):
        images[row] = (CAMERA.project(points) - corner[row]) * 256 / sides[row]
        middle = points[list(BLAZEPOSE_33.pelvis)].mean(axis=0)
        ray = torch.as_tensor(middle / np.linalg.norm(middle))[None]
        worlds[row] = factor * (points - middle) @ rotation_to_ray(ray)[0].numpy()
    outputs = [images, worlds, np.zeros((COUNT + 1, 33)), np.array(presence)[:, None]]
    if deviation is not None:
        outputs.append(np.full((COUNT + 1, 18), np.log(deviation)))
    tensors = tuple(torch.tensor(each).float() for each in outputs)

    def run(crops):
        assert len(crops) == COUNT + 1
        return tensors

    return run


def test_errors_presence_and_deviations_are_those_of_the_networks(people):
    ours = network(people, 1.05, [1, -1, 1, 1, -1, -1], deviation=0.03)
    published = network(people, 1.1, [1, 1, 1, 1, 1, 1])
    report = evaluate_lifter({OURS: ours, PUBLISHED: published}, people, people, "cpu")
    assert report["people"] == COUNT
    assert report["wrong_boxes"] == 1

    joints = to_joints(POINTS)
    lengths = np.linalg.norm(joints - joints[:, [MUPOTS_17.root]], axis=2)
    far = np.linalg.norm(joints[:, MUPOTS_17.root], axis=1)
    for name, excess in ((OURS, 0.05), (PUBLISHED, 0.1)):
        assert report[name]["mpjpe_mm"] == pytest.approx(1000 * excess * lengths.mean(), rel=0.04)
        assert report[name]["pa_mpjpe_mm"] < 2
        assert report[name]["root_mm"] == pytest.approx(1000 * excess * far.mean(), rel=0.02)
    mean, low, high = report["ratio"]["mpjpe_mm"]
    assert mean == pytest.approx(0.5, abs=0.01)
    assert low <= mean <= high

    assert report[OURS]["dropped"] == {"all": 40, "cut_off": 100, "whole": 25}
    assert report[OURS]["passed"] == 0
    assert report[PUBLISHED]["dropped"] == {"all": 0, "cut_off": 0, "whole": 0}
    assert report[PUBLISHED]["passed"] == 100

    ratios = 0.05 * lengths[:, OTHERS] / 0.03
    wrists = 0.05 * lengths[:, WRIST] / 0.03
    for count in (1, 2):
        within = {name: each[count - 1] for name, each in report[OURS]["within"].items()}
        assert within["joints"] == pytest.approx(100 * (ratios < count).mean(), abs=4)
        assert within["hidden"] == pytest.approx(100 * (wrists < count).mean())
    assert report[OURS]["within"]["distance"] == [0, 100]  # 0.049 of 0.03
    assert all(each == [None, None] for each in report[PUBLISHED]["within"].values())

    table = lifter_table(report)
    assert "5 people and 1 wrong boxes of the detector" in table
    assert "mpjpe_mm: 0.5" in table
    assert "distance: 0.00 % within one deviation, 100.0 % within two" in table


def test_scenes_in_which_nobody_is_detected_are_refused(people):
    nobody = replace(people, detected=np.zeros(len(people), bool))
    run = network(people, 1.0, [1] * 6)
    with pytest.raises(DatasetError, match="the detector finds nobody in the test split"):
        evaluate_lifter({OURS: run, PUBLISHED: run}, people, nobody, "cpu")


def test_the_command_compares_with_the_published_network(tmp_path, capsys):
    fetch.fetch(["blazepose_lite"])
    write_scenes(tmp_path / "scenes", [1, 2, 2], ["train", "train", "test"])
    run = partial(command_line.run, "evaluate", "lifter")
    report = tmp_path / "report.json"
    run(tmp_path / "scenes", "--lifter", "blazepose_lite", "--json", report)
    said = capsys.readouterr().out
    assert "2 people and 1 wrong boxes of the detector" in said
    assert report.is_file()
