from __future__ import annotations

import numpy as np
import pytest
import torch

from pinet_ros.training.samples import OTHERS, Company, Samples
from pinet_ros.training.datasets.scenes import Scene, Scenes

SIZES = (1, 3, 2)


@pytest.fixture
def samples() -> Samples:
    """People whose every joint is at x = row, y = 0, z = 5; their truth is 0.5 to the right."""
    scenes, row = [], 0
    for size in SIZES:
        rows = np.arange(row, row + size, dtype=np.float32)
        joints = np.tile(np.float32([0, 0, 5]), (size, 17, 1))
        joints[:, :, 0] = rows[:, None]
        truth = joints + np.float32([0.5, 0, 0])
        scenes.append(Scene(joints, truth, rows.astype(int), "narrow", "train"))
        row += size
    return Samples(Scenes(tuple(scenes)))


def _sequences(samples, company, size=4, seed=0):
    batches = samples.batches(company, size, np.random.default_rng(seed))
    return batches, sorted(rows.tolist() for batch in batches for rows in batch)


def test_real_company_is_that_of_the_scene(samples):
    batches, sequences = _sequences(samples, Company())

    assert sequences == [[0], [1, 2, 3], [2, 1, 3], [3, 1, 2], [4, 5], [5, 4]]
    assert all(len(batch) <= 4 for batch in batches)


def test_without_company_everybody_is_alone(samples):
    assert _sequences(samples, OTHERS["none"])[1] == [[0], [1], [2], [3], [4], [5]]


def test_wrong_company_is_of_other_scenes(samples):
    scene = np.repeat(range(len(SIZES)), SIZES)

    for seed in range(5):
        _, sequences = _sequences(samples, OTHERS["shuffled"], seed=seed)
        assert [row[0] for row in sequences] == list(range(6))
        assert [len(row) for row in sequences] == [2, 3, 3, 3, 2, 2]
        for first, *others in sequences:
            assert all(scene[other] != scene[first] for other in others)


def test_duplicates_are_noisy_and_close_and_never_first(samples):
    batches, sequences = _sequences(samples, Company(duplicate=1))
    assert [0, 0] in sequences
    assert [4, 5, 4] in sequences

    for rows in batches:
        joints, truth = samples.gather(rows, torch.Generator().manual_seed(0))
        own = torch.from_numpy(rows[:, 0]).float()
        assert torch.equal(joints[:, 0, :, 0], own[:, None].expand(-1, 17))
        assert torch.equal(truth[:, 0, 0], own + 0.5)
        nearest = (joints[:, 1] - joints[:, 0]).norm(dim=-1).mean(dim=-1)
        assert ((nearest > 0) & (nearest < 1)).all()


def test_others_come_from_near_to_far(samples):
    joints, _ = samples.gather(np.array([[1, 5, 3, 2]]), torch.Generator())

    assert joints[0, :, 0, 0].tolist() == [1, 2, 3, 5]


def test_a_seed_gives_the_same_epoch(samples):
    first, again = (samples.batches(OTHERS["real"], 2, np.random.default_rng(4)) for _ in "ab")

    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
