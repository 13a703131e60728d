from __future__ import annotations

import pytest
import torch

from pinet_ros.refinement.formulation import Order, interaction_order


def test_orders_by_distance_in_space():
    # the second stands right behind the first, the third beside it
    roots = torch.tensor([[0.0, 0, 3], [0, 0, 6], [1, 0, 3], [-9, 0, 3]])

    assert interaction_order(roots).tolist() == [
        [0, 2, 1, 3],
        [1, 0, 2, 3],
        [2, 0, 1, 3],
        [3, 0, 1, 2],
    ]


def test_ties_keep_the_index():
    roots = torch.tensor([[1.0, 0, 0], [0, 0, 0], [-1, 0, 0], [0, 1, 0]])

    assert interaction_order(roots)[1].tolist() == [1, 0, 2, 3]


def test_nobody_comes_before_the_person_itself_at_the_same_place():
    roots = torch.tensor([[5.0, 0, 0], [1, 2, 3], [1, 2, 3], [1, 2, 3]])

    assert interaction_order(roots).tolist() == [
        [0, 1, 2, 3],
        [1, 2, 3, 0],
        [2, 1, 3, 0],
        [3, 1, 2, 0],
    ]


def test_each_person_comes_once_in_every_batch():
    roots = torch.randn(3, 12, 3, generator=torch.Generator().manual_seed(0))

    order = interaction_order(roots)

    assert order.shape == (3, 12, 12)
    assert (order.sort(dim=-1).values == torch.arange(12)).all()
    assert (order[..., 0] == torch.arange(12)).all()
    for batch in range(3):
        assert torch.equal(order[batch], interaction_order(roots[batch]))


def test_one_person_and_nobody():
    assert interaction_order(torch.zeros(1, 3)).tolist() == [[0]]
    assert interaction_order(torch.zeros(0, 3)).shape == (0, 0)


def test_far_to_near_turns_the_others_round():
    roots = torch.tensor([[0.0, 0, 3], [0, 0, 6], [1, 0, 3], [-9, 0, 3]])

    assert interaction_order(roots, Order.FAR_TO_NEAR).tolist() == [
        [0, 3, 1, 2],
        [1, 3, 2, 0],
        [2, 3, 1, 0],
        [3, 2, 1, 0],
    ]


def test_a_random_order_keeps_the_person_first_and_varies():
    roots = torch.zeros(200, 5, 3)

    order = interaction_order(roots, Order.RANDOM, generator=torch.Generator().manual_seed(1))

    assert (order.sort(dim=-1).values == torch.arange(5)).all()
    assert (order[..., 0] == torch.arange(5)).all()
    # each of the others comes second about as often
    second = torch.bincount(order[:, 0, 1], minlength=5)
    assert second[0] == 0
    assert (second[1:] > 25).all()


@pytest.mark.parametrize("order", Order)
def test_who_is_absent_comes_last(order):
    roots = torch.tensor([[0.0, 0, 1], [5, 0, 1], [0.1, 0, 1], [3, 0, 1]])
    present = torch.tensor([True, True, False, True])

    rows = interaction_order(roots, order, present)

    assert rows[[0, 1, 3], 3].tolist() == [2, 2, 2]
