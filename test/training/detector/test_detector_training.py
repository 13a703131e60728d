"""Training NanoDet, on a few people who are made up without rendering."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import command_line
import cv2
import numpy as np
import pytest
import torch
from killed_training import killed_after
from made_up_poses import write_scenes

from pinet_ros.detection.nanodet_weights import load_nanodet
from pinet_ros.errors import DatasetError
from pinet_training.cli import train_detector_command as command
from pinet_training.detector import detector_training
from pinet_training.detector.detector_recipe import DetectorRecipe
from pinet_training.detector.detector_scenes import DetectorScenes, read_detector_scenes
from pinet_training.detector.detector_training import (
    DetectorData,
    detector_configuration,
    train_detector,
)
from pinet_training.detector.score_calibration import Calibration
from pinet_training.originals import fetch
from pinet_training.originals.nanodet_original import published_nanodet
from pinet_training.runs.recipes import RecipeError
from pinet_training.runs.run_folder import RunFolder
from pinet_training.runs.workers import Workers

fails = partial(command_line.fails, "train-detector")
run = partial(command_line.run, "train-detector")

SMALL = DetectorRecipe(epochs=2, steps=2, batch_size=2, warm_up=1, decay=0.5, real=0.4)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    fetch.fetch(["nanodet"])
    folder = tmp_path_factory.mktemp("training") / "scenes"
    write_scenes(folder, [1, 2, 2], ["train", "train", "test"], detections=False)
    return folder


@pytest.fixture(scope="module")
def data(scenes):
    place = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    return DetectorData(
        *(read_detector_scenes(scenes, split) for split in ("train", "test")), [place]
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "epochs must be positive, got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
        ({"decay": 1.0}, r"decay must be 0 or more and below 1, got 1\.0"),
        ({"real": -0.1}, "real must be 0 or more and below 1"),
        ({"kept": 1.0}, "kept must be 0 or more and below 1"),
        ({"seed": -1}, "seed must not be negative"),
    ],
)
def test_recipes_out_of_range_are_refused(values, message):
    with pytest.raises(RecipeError, match=message):
        DetectorRecipe(**values)


def test_people_of_scenes_have_boxes(data):
    assert [len(scene.people) for scene in data.train.scenes] == [1, 2]
    assert [len(scene.people) for scene in data.held_out.scenes] == [2]
    with pytest.raises(DatasetError, match="the train split of the scenes has no people"):
        DetectorData(DetectorScenes(None, []), data.held_out)


def test_a_stopped_training_goes_on_to_the_same_weights(data, tmp_path, monkeypatch):
    configuration = detector_configuration(SMALL, data)
    said = []

    def folder(name, resume=False):
        return RunFolder(tmp_path / name, configuration, resume=resume)

    network, expected = train_detector(data, SMALL, folder=folder("a"), log=said.append)
    with killed_after(3, monkeypatch):
        train_detector(data, SMALL, folder=folder("b"), log=None)
    _, resumed = train_detector(data, SMALL, folder=folder("b", resume=True), log=None)
    assert resumed == expected
    assert all(math.isfinite(record["loss"]) for record in expected)
    assert "rendered_0.1" in said[-1]
    first, second = (
        load_nanodet(tmp_path / name / "weights.safetensors").state_dict() for name in "ab"
    )
    published = published_nanodet().state_dict()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
        torch.testing.assert_close(value, network.state_dict()[name].half().float())
    assert any((value != published[name].half().float()).any() for name, value in first.items())


def test_a_batch_has_a_view_for_each_worker(data):
    with pytest.raises(RecipeError, match="at least the number of workers, 3, got 2"):
        train_detector(data, SMALL, workers=Workers(0, 3), log=None)


def test_what_is_kept_lies_between_the_published_weights_and_the_trained_ones(data):
    results = {}
    for kept in (0.0, 0.5):
        recipe = replace(SMALL, epochs=1, kept=kept)
        results[kept] = train_detector(data, recipe, log=None)[0].state_dict()
    published = published_nanodet().state_dict()
    calibrated = {f"heads.{scale}.1.{part}" for scale in range(3) for part in ("weight", "bias")}
    for name, value in results[0.5].items():
        if name in calibrated:  # in its first channel
            value, results[0.0][name], published[name] = (
                each[1:] for each in (value, results[0.0][name], published[name])
            )
        torch.testing.assert_close(value, (published[name] + results[0.0][name]) / 2)


@pytest.mark.parametrize("kept", [0.0, 0.5])
def test_the_result_is_calibrated(kept, data, monkeypatch):
    images = torch.rand(1, 3, 416, 416)
    logits = {}
    for scale, shift in ((1.0, 0.0), (1.7, -0.4)):
        fitted = Calibration(scale, shift)
        monkeypatch.setattr(detector_training, "fit_calibration", lambda _, fitted=fitted: fitted)
        network, _ = train_detector(data, replace(SMALL, epochs=1, kept=kept), log=None)
        with torch.no_grad():
            logits[scale] = network.logits(images)[0]
    torch.testing.assert_close(logits[1.7], 1.7 * logits[1.0] - 0.4, atol=1e-4, rtol=1e-4)


def test_the_command_reads_scenes_photos_and_people(scenes, tmp_path, monkeypatch, capsys):
    given = []

    def trained(data, recipe, device, *, folder, **options):
        given.append((data, recipe, options))

    monkeypatch.setattr(command, "train_detector", trained)
    monkeypatch.setattr(command, "prepare", lambda *_: None)
    photos = tmp_path / "photos"
    photos.mkdir()
    cv2.imwrite(str(photos / "sea.png"), np.zeros((8, 9, 3), np.uint8))
    options = ("--epochs", 3, "--device", "cpu", "--without-people", photos)
    run(scenes, "--output", tmp_path / "run", *options)
    ((data, recipe, _),) = given
    assert recipe == DetectorRecipe(epochs=3)
    assert [image.shape for image in data.without_people] == [(8, 9, 3)]
    assert len(data.train) == 2
    assert f"wrote {tmp_path / 'run' / 'weights.safetensors'}" in capsys.readouterr().out
    message = fails(scenes, "--output", tmp_path / "x", "--without-people", tmp_path / "none")
    assert "none cannot be read" in message
    assert "epochs must be positive" in fails(scenes, "--output", tmp_path / "x", "--epochs", 0)
