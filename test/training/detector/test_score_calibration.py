"""Scores that are probabilities."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pinet_ros.detection.nanodet_network import NanoDetNetwork
from pinet_training.detector.detector_recall import Recalls
from pinet_training.detector.score_calibration import Calibration, calibrate, fit_calibration


def recalls(scores, wrong):
    scores = np.asarray(scores, float)
    return Recalls(scores, scores, np.asarray(wrong, float), 1)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (2.5, 1.0), (0.6, -0.8)])
def test_calibrated_scores_are_the_share_of_boxes_on_people(scale, shift):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, 40_000)
    right = rng.random(len(logits)) < 1 / (1 + np.exp(-(scale * logits + shift)))
    scores = 1 / (1 + np.exp(-logits))
    found = fit_calibration(recalls(scores[right], scores[~right]))
    assert found.scale == pytest.approx(scale, rel=0.05)
    assert found.shift == pytest.approx(shift, abs=0.05)


def test_people_who_are_not_found_and_no_boxes_at_all_change_nothing():
    assert fit_calibration(recalls([0.0, 0.0], [])) == Calibration()


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (np.linspace(0.06, 0.2, 3000), []),
        (np.full(1000, 0.1), []),
        (np.linspace(0.6, 0.9, 40), np.linspace(0.1, 0.4, 40)),
        (np.linspace(0.06, 0.3, 50), np.linspace(0.3, 0.9, 50)),
    ],
)
def test_boxes_that_are_hard_to_fit_get_the_best_calibration_in_its_bounds(right, wrong):
    def loss(scale, shift):
        scores = np.concatenate([right, wrong])
        signs = np.where(np.arange(len(scores)) < len(right), 1, -1)
        logits = scale * np.log(scores / (1 - scores)) + shift
        return np.log1p(np.exp(-signs * logits)).sum() + ((scale - 1) ** 2 + shift**2) / 2

    found = fit_calibration(recalls(right, wrong))
    best = min(loss(a, b) for a in np.linspace(0.2, 5, 97) for b in np.linspace(-10, 10, 161))
    assert loss(found.scale, found.shift) < best + 0.1


def test_a_calibrated_network_gives_the_same_boxes_with_other_scores():
    torch.manual_seed(0)
    network = NanoDetNetwork().eval()
    images = torch.randn(1, 3, 416, 416)
    with torch.no_grad():
        before, boxes = network.logits(images)
        calibrate(network, Calibration(1.7, -0.4))
        after, same = network.logits(images)
    torch.testing.assert_close(after, 1.7 * before - 0.4)
    torch.testing.assert_close(same, boxes)
