"""The weights that come with the package, on held-out scenes that they were not trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pinet_ros.refinement.checkpoint import (
    load_checkpoint,
    save_checkpoint,
)
from pinet_ros.refinement.inference import AS_PREDICTED, EVERYBODY
from pinet_ros.refinement.refiner import Refiner
from pinet_training.datasets.scene_loading import load_scenes
from pinet_training.datasets.scenes import people_of
from pinet_training.evaluation.scene_evaluation import (
    measure_scenes,
    report_controls,
    report_scenes,
)

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[1] / "data"
EXCERPTS = {"blazepose_full": "test_scenes.npz"}


@pytest.fixture(scope="module", params=EXCERPTS)
def weights(request):
    return request.param


@pytest.fixture(scope="module")
def errors(weights):
    scenes = load_scenes(DATA / EXCERPTS[weights])
    return measure_scenes(scenes, Refiner(weights, "cpu", config=EVERYBODY))


@pytest.fixture(scope="module")
def refined(errors):
    return report_scenes(errors)


@pytest.fixture(scope="module")
def controls(errors, weights):
    return report_controls(errors, Refiner(weights, "cpu", config=EVERYBODY))["controls"]


@pytest.mark.parametrize("cameras", ["level", "steep"])
def test_all_errors_fall_by_a_tenth_or_more(cameras, refined):
    before, after = refined[cameras]["before"], refined[cameras]["after"]

    for metric in ("mpjpe_mm", "pa_mpjpe_mm", "root_mm"):
        assert after[metric] < 0.9 * before[metric], metric
    assert after["pck150"] > before["pck150"]


@pytest.mark.parametrize("cameras", ["level", "steep"])
@pytest.mark.parametrize("control", ["alone", "duplicate", "wrong_neighbours"])
def test_no_company_makes_a_person_worse_than_the_input(control, cameras, controls):
    before, after = controls[control][cameras]["before"], controls[control][cameras]["after"]

    for metric in ("mpjpe_mm", "pa_mpjpe_mm", "root_mm"):
        assert after[metric] < before[metric], metric


@pytest.mark.parametrize("cameras", ["level", "steep"])
def test_the_right_others_help_to_place_a_person(cameras, refined, controls):
    with_others = refined[cameras]["after"]["root_mm"]

    assert with_others < controls["alone"][cameras]["after"]["root_mm"]
    assert with_others < controls["wrong_neighbours"][cameras]["after"]["root_mm"]


def test_in_half_precision_they_give_the_same_poses(weights, tmp_path):
    whole, half = tmp_path / "whole.safetensors", tmp_path / "half.safetensors"
    save_checkpoint(whole, *load_checkpoint(weights))
    save_checkpoint(half, *load_checkpoint(weights), half=True)

    assert half.stat().st_size == pytest.approx(whole.stat().st_size / 2, rel=0.02)
    full, halved = (
        Refiner(each, "cpu", config=EVERYBODY, inference=AS_PREDICTED) for each in (whole, half)
    )
    for scene in load_scenes(DATA / EXCERPTS[weights]).scenes[:100]:
        people = people_of(scene)
        expected = full(people).people.joints
        found = halved(people).people.joints  # equal to 0.1 mm, and 1e-5 of the distance
        np.testing.assert_allclose(found, expected, atol=1e-4, rtol=1e-5)
