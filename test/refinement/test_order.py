from __future__ import annotations

import torch

from pinet_ros.refinement.order import near_to_far


def test_orders_by_distance_in_space():
    # the second stands right behind the first, the third beside it
    roots = torch.tensor([[0.0, 0, 3], [0, 0, 6], [1, 0, 3], [-9, 0, 3]])

    assert near_to_far(roots).tolist() == [
        [0, 2, 1, 3],
        [1, 0, 2, 3],
        [2, 0, 1, 3],
        [3, 0, 1, 2],
    ]


def test_ties_keep_the_index():
    roots = torch.tensor([[1.0, 0, 0], [0, 0, 0], [-1, 0, 0], [0, 1, 0]])

    assert near_to_far(roots)[1].tolist() == [1, 0, 2, 3]


def test_nobody_comes_before_the_person_itself_at_the_same_place():
    roots = torch.tensor([[5.0, 0, 0], [1, 2, 3], [1, 2, 3], [1, 2, 3]])

    assert near_to_far(roots).tolist() == [
        [0, 1, 2, 3],
        [1, 2, 3, 0],
        [2, 1, 3, 0],
        [3, 1, 2, 0],
    ]


def test_each_person_comes_once_in_every_batch():
    roots = torch.randn(3, 12, 3, generator=torch.Generator().manual_seed(0))

    order = near_to_far(roots)

    assert order.shape == (3, 12, 12)
    assert (order.sort(dim=-1).values == torch.arange(12)).all()
    assert (order[..., 0] == torch.arange(12)).all()
    for batch in range(3):
        assert torch.equal(order[batch], near_to_far(roots[batch]))


def test_one_person_and_nobody():
    assert near_to_far(torch.zeros(1, 3)).tolist() == [[0]]
    assert near_to_far(torch.zeros(0, 3)).shape == (0, 0)
