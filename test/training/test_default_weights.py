"""The weights that come with the package, on held-out scenes that they were not trained on."""

from __future__ import annotations

from pathlib import Path

import pytest

from pinet_ros.refinement.checkpoint import SHIPPED_WEIGHTS
from pinet_ros.refinement.refiner import Refiner
from pinet_training.datasets.scenes import load_scenes
from pinet_training.evaluation.scene_evaluation import (
    measure_scenes,
    report_controls,
    report_scenes,
)

DATA = Path(__file__).parents[1] / "data"
EXCERPTS = {"blazepose_full": "test_scenes.npz", "blazepose_heavy": "test_scenes_heavy.npz"}


@pytest.fixture(scope="module", params=SHIPPED_WEIGHTS)
def weights(request):
    return request.param


@pytest.fixture(scope="module")
def errors(weights):
    scenes = load_scenes(DATA / EXCERPTS[weights])
    return measure_scenes(scenes, Refiner(weights))


@pytest.fixture(scope="module")
def refined(errors):
    return report_scenes(errors)


@pytest.fixture(scope="module")
def controls(errors, weights):
    return report_controls(errors, Refiner(weights))["controls"]


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
