"""Whom the refiner refines, and with how many others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pinet_ros.errors import PinetError
from pinet_ros.geometry.turning import turn_points
from pinet_ros.people import People
from pinet_ros.refinement.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from pinet_ros.refinement.formulation import PUBLISHED, Formulation, Order, interaction_order
from pinet_ros.refinement.inference import EVERYBODY, RefinerConfig
from pinet_ros.refinement.refiner import Refiner
from pinet_ros.skeleton import MUPOTS_17

MILLIMETRE = 1e-3


def nearest(people: People, row: int, count: int) -> np.ndarray:
    """Rows of a person and so many others, the nearest first."""
    roots = people.joints[:, MUPOTS_17.root]
    return np.linalg.norm(roots - roots[row], axis=1).argsort(kind="stable")[: 1 + count]


@pytest.mark.parametrize("formulation", [Formulation(), PUBLISHED, Formulation(neighbours=2)])
def test_in_a_crowd_each_person_is_refined_with_the_nearest_others(
    network, make_people, formulation
):
    refiner = Refiner(Checkpoint(network, formulation), "cpu")
    crowd = make_people(16)
    refined = refiner(crowd)
    for row in (0, 7, 15):
        rows = nearest(crowd, row, formulation.neighbours)
        alone = refiner(crowd.select(rows))
        np.testing.assert_allclose(
            refined.people.joints[row], alone.people.joints[0], atol=0.1 * MILLIMETRE
        )
        assert set(np.flatnonzero(refined.attention[row])) == set(rows)
        assert refined.attention[row].sum() == pytest.approx(1)


def test_without_neighbours_nobody_counts_but_the_person(network, make_people):
    refiner = Refiner(Checkpoint(network, Formulation(neighbours=0)), "cpu")
    crowd = make_people(4)
    refined = refiner(crowd).people.joints
    for row in range(4):
        alone = refiner(crowd.select(np.array([row]))).people.joints[0]
        np.testing.assert_allclose(refined[row], alone, atol=0.1 * MILLIMETRE)


def test_how_many_others_count_is_stored_with_the_weights(network, tmp_path):
    save_checkpoint(tmp_path / "alone.safetensors", network, Formulation(neighbours=0))
    assert load_checkpoint(tmp_path / "alone.safetensors").formulation.neighbours == 0
    with pytest.raises(ValueError, match="neighbours must be 0 or more, got -1"):
        Formulation(neighbours=-1)


def test_only_the_nearest_others_are_put_in_order():
    roots = torch.tensor([[0.0, 0, 3], [0, 0, 6], [1, 0, 3], [-9, 0, 3]])

    def order(kind: Order) -> list[list[int]]:
        generator = torch.Generator().manual_seed(0)
        return interaction_order(roots, kind, generator=generator, neighbours=2).tolist()

    assert order(Order.NEAR_TO_FAR) == [[0, 2, 1], [1, 0, 2], [2, 0, 1], [3, 0, 1]]
    assert order(Order.FAR_TO_NEAR) == [[0, 1, 2], [1, 2, 0], [2, 1, 0], [3, 1, 0]]
    chosen = [[row[0], *sorted(row[1:])] for row in order(Order.RANDOM)]
    assert chosen == [[0, 1, 2], [1, 0, 2], [2, 0, 1], [3, 0, 1]]


def test_of_too_many_people_the_nearest_are_refined(network, make_people):
    crowd = make_people(9)
    distances = np.linalg.norm(crowd.joints[:, MUPOTS_17.root], axis=1)
    few = Refiner(Checkpoint(network, Formulation()), "cpu", config=RefinerConfig(max_people=4))
    refinement = few(crowd)
    rows = np.sort(distances.argsort()[:4])
    np.testing.assert_array_equal(np.flatnonzero(refinement.refined), rows)
    assert refinement.passed.surplus_people == 5
    others = ~refinement.refined
    np.testing.assert_array_equal(refinement.people.joints[others], crowd.joints[others])
    alone = few(crowd.select(rows)).people.joints
    np.testing.assert_allclose(refinement.people.joints[rows], alone, atol=0.1 * MILLIMETRE)


@pytest.mark.parametrize(
    ("learnt", "estimator", "expected"),
    [
        ((), "", True),
        ((), "anything/12345678", True),
        (("blazepose_full",), "blazepose_full/4495eb0e", True),
        (("blazepose_full",), "blazepose_full", True),
        (("blazepose_full/4495eb0e",), "blazepose_full/4495eb0e", True),
        (("blazepose_full/4495eb0e",), "blazepose_full/00000000", False),
        (("blazepose_full", "mppe"), "mppe/0a0a0a0a", True),
        (("blazepose_full",), "blazepose_fuller/4495eb0e", False),
        (("blazepose_full",), "", False),
    ],
)
def test_people_of_estimators_that_the_weights_do_not_know_pass(
    network, make_people, tmp_path, learnt, estimator, expected
):
    save_checkpoint(tmp_path / "own.safetensors", network, Formulation(), learnt)
    crowd = replace(make_people(3), estimator=estimator)
    refinement = Refiner(tmp_path / "own.safetensors", "cpu")(crowd)
    assert refinement.refined.all() == expected
    assert refinement.passed.unknown_estimator == (0 if expected else 3)
    moved = np.abs(refinement.people.joints - crowd.joints).max()
    assert (moved > MILLIMETRE) == expected
    assert refinement.people.estimator == estimator
    assert Refiner(tmp_path / "own.safetensors", "cpu", config=EVERYBODY)(crowd).refined.all()


@pytest.mark.parametrize("lifter", ["blazepose_full", "blazepose_lite"])
def test_the_weights_of_the_package_know_their_lifters(lifter, make_people):
    crowd = make_people(2)
    refiner = Refiner(lifter, "cpu")
    assert refiner(replace(crowd, estimator=f"{lifter}/12345678")).refined.all()
    assert not refiner(replace(crowd, estimator="mppe/12345678")).refined.any()
    assert not refiner(crowd).refined.any()


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_people_of_a_turned_camera_are_refined_as_if_it_were_upright(
    network, make_people, degrees
):
    upright = make_people(3)
    turned = upright.with_joints(turn_points(upright.joints, -degrees))  # as that camera sees them
    weights = Checkpoint(network, Formulation())
    config = RefinerConfig(image_rotation=degrees)
    refined = Refiner(weights, "cpu", config=config)(turned).people.joints
    expected = Refiner(weights, "cpu")(upright).people.joints
    np.testing.assert_allclose(turn_points(refined, degrees), expected, atol=0.1 * MILLIMETRE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_rotation": 45}, "image_rotation must be one of 0, 90, 180, 270, got 45"),
        ({"max_people": 0}, "max_people must be 1 to 1000, got 0"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(PinetError, match=message):
        RefinerConfig(**options)
