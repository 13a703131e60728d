from __future__ import annotations

from dataclasses import replace

import pytest
from stand_ins import refined

from pinet_ros.cli.predictions.predictions import Predictions
from pinet_ros.errors import DatasetError
from pinet_ros.people import People
from pinet_ros.refinement.checkpoint import Checkpoint
from pinet_ros.refinement.formulation import Distance, Formulation
from pinet_ros.refinement.model import PINet
from pinet_ros.refinement.refiner import Refinement, Refiner
from pinet_training.evaluation.metrics import METRICS
from pinet_training.evaluation.mupots_evaluation import evaluate_mupots

FIRST = "TS1_img_000000"


def evaluate(stage, refiner=None):
    return evaluate_mupots(stage.annotations(), stage.predictions(), refiner)


class HalfWay:
    """A refiner that moves everybody half of the way to the truth."""

    def __init__(self, truths) -> None:
        self._truths = iter(truths)

    def __call__(self, people: People) -> Refinement:
        return refined(people.with_joints((people.joints + next(self._truths)) / 2))


def test_refinement_is_compared_person_by_person(stage):
    stage.predicted[FIRST] = stage.predicted[FIRST][:1]
    before = evaluate(stage)
    truths = [truth[: len(stage.predicted[key])] for key, truth in stage.truth.items()]

    report = evaluate(stage, HalfWay(truths))

    parts = ("all", "matched", "per_sequence", "per_joint", "sequence_average", "image_average")
    for name in parts:
        assert report[name] == before[name]
    after = report["after"]
    assert after["matched"]["n"] == 25
    for name in ("mpjpe_mm", "root_mm"):
        halved = report["all"][name] / 2
        assert after["all"][name] == pytest.approx(halved, rel=1e-5)
    assert set(report["difference"]) == {*METRICS, "root_mm"}
    for name, difference in report["difference"].items():
        change = after["all"][name] - report["all"][name]
        assert difference["mean"] == pytest.approx(change)
        assert difference["low"] <= difference["mean"] <= difference["high"]
    assert report["difference"]["mpjpe_mm"]["high"] < 0 < report["difference"]["auc"]["low"]


def test_the_interval_is_over_sequences(stage):
    """TS1 gains and TS2 loses: how much depends on which sequences are drawn."""
    aims = [
        truth if key.startswith("TS1") else 3 * stage.predicted[key] - 2 * truth
        for key, truth in stage.truth.items()
    ]

    difference = evaluate(stage, HalfWay(aims))["difference"]["mpjpe_mm"]

    of_sequences = {}
    for name in ("TS1", "TS2"):
        alone = [key for key in stage.truth if key.startswith(name)]
        report = evaluate_mupots(
            replace(
                stage.annotations(),
                images=tuple(i for i in stage.annotations().images if i.sequence == name),
            ),
            Predictions(None, {key: stage.predictions().images[key] for key in alone}),
            HalfWay([aim for key, aim in zip(stage.truth, aims, strict=True) if key in alone]),
        )
        of_sequences[name] = report["difference"]["mpjpe_mm"]
    assert difference["low"] == pytest.approx(of_sequences["TS1"]["mean"])
    assert difference["high"] == pytest.approx(of_sequences["TS2"]["mean"])
    assert of_sequences["TS1"]["low"] is of_sequences["TS1"]["high"] is None


def test_people_without_a_box_for_weights_that_need_one_are_named(stage):
    by_boxes = Refiner(Checkpoint(PINet(), Formulation(distance=Distance.BOXES)), "cpu")

    with pytest.raises(DatasetError, match=rf"predictions.npz: image '{FIRST}': .*without a box"):
        evaluate(stage, by_boxes)
