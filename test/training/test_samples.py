from __future__ import annotations

import numpy as np
import pytest
import torch

from pinet_training.datasets.scenes import Scene, Scenes, ScenesError
from pinet_training.refiner.samples import OTHERS, NeighbourSampling, Samples

SIZES = (1, 3, 2)


@pytest.fixture
def samples() -> Samples:
    """Everybody's joints are at x = row, y = 0, z = 5; the truth is 0.5 to the right."""
    scenes, row = [], 0
    for size in SIZES:
        rows = np.arange(row, row + size, dtype=np.float32)
        joints = np.tile(np.float32([0, 0, 5]), (size, 17, 1))
        joints[:, :, 0] = rows[:, None]
        truth = joints + np.float32([0.5, 0, 0])
        boxes = np.tile(rows[:, None], 4)
        scenes.append(Scene(joints, truth, boxes, rows.astype(int), "level", "train"))
        row += size
    return Samples(Scenes(tuple(scenes)))


def _sequences(samples, company, size=4, seed=0):
    """The batches of an epoch, and its sequences without padding, in the order of the scenes."""
    batches = samples.batches(company, size, np.random.default_rng(seed))
    rows = [row.tolist() for batch in batches for row in batch]
    return batches, sorted([row for row in sequence if row >= 0] for sequence in rows)


def test_an_epoch_visits_each_image_once_with_anybody_of_it(samples):
    epochs = [_sequences(samples, NeighbourSampling(), seed=seed) for seed in range(30)]

    assert {len(sequences) for _, sequences in epochs} == {3}
    assert all(len(batch) <= 4 for batches, _ in epochs for batch in batches)
    visited = {tuple(sequence) for _, sequences in epochs for sequence in sequences}
    assert visited == {(0,), (1, 2, 3), (2, 1, 3), (3, 1, 2), (4, 5), (5, 4)}


def test_without_company_everybody_is_alone(samples):
    _, sequences = _sequences(samples, OTHERS["none"])

    assert [len(sequence) for sequence in sequences] == [1, 1, 1]


def test_wrong_company_is_of_other_scenes(samples):
    scene = np.repeat(range(len(SIZES)), SIZES)

    for seed in range(5):
        _, sequences = _sequences(samples, OTHERS["shuffled"], seed=seed)
        assert [scene[row[0]] for row in sequences] == [0, 1, 2]
        assert [len(row) for row in sequences] == [2, 3, 2]
        for first, *others in sequences:
            assert all(scene[other] != scene[first] for other in others)


def test_there_is_no_wrong_company_for_a_single_scene(samples):
    joints = np.ones((2, 17, 3), np.float32)
    boxes = np.zeros((2, 4), np.float32)
    scene = Scene(joints, joints, boxes, np.arange(2), "level", "train")

    with pytest.raises(ScenesError, match=r"drawn from other scenes, .* only one scene"):
        Samples(Scenes((scene,))).batches(OTHERS["shuffled"], 4, np.random.default_rng(0))


def test_duplicates_are_noisy_and_close_and_never_first(samples):
    batches, sequences = _sequences(samples, NeighbourSampling(duplicate=1))
    assert all(sequence[0] == sequence[-1] for sequence in sequences)
    assert [0, 0] in sequences

    for rows in batches:
        batch = samples.gather(rows, torch.Generator().manual_seed(0))
        own = torch.from_numpy(rows[:, 0]).float()
        assert torch.equal(batch.estimates[:, 0, :, 0], own[:, None].expand(-1, 17))
        assert torch.equal(batch.truth[:, 0, 0, 0], own + 0.5)
        last = batch.present.sum(dim=1) - 1
        duplicate = batch.estimates[range(len(rows)), last]
        distance = (duplicate - batch.estimates[:, 0]).norm(dim=-1).mean(dim=-1)
        assert ((distance > 0) & (distance < 1)).all()
        assert torch.equal(batch.truth[range(len(rows)), last], batch.truth[:, 0])


@pytest.fixture
def with_extra() -> Samples:
    """Scenes of 1, 2 and 1 people, rows 0 to 3; behind these what is extra in the last two."""
    scenes, row = [], 0
    for size, extra in ((1, []), (2, [4, 5]), (1, [6])):
        rows = np.arange(row, row + size, dtype=np.float32)
        joints, more = (
            np.tile(np.float32(x).reshape(-1, 1, 1), (1, 17, 3)) for x in (rows, extra)
        )
        boxes, more_boxes = (np.tile(np.float32(x).reshape(-1, 1), 4) for x in (rows, extra))
        scenes.append(
            Scene(
                joints,
                joints + np.float32(0.5),
                boxes,
                rows.astype(int),
                "level",
                "train",
                extra=more,
                extra_boxes=more_boxes,
            )
        )
        row += size
    return Samples(Scenes(tuple(scenes)))


def test_what_is_extra_stands_among_the_others_and_is_never_first(with_extra):
    seen = set()
    for seed in range(60):
        _, sequences = _sequences(with_extra, OTHERS["varied"], seed=seed)
        seen |= {(row[0], *sorted(row[1:])) for row in sequences}

    assert {row[0] for row in seen} == set(range(len(with_extra))) == {0, 1, 2, 3}
    real = {(0,), (1, 2, 4, 5), (2, 1, 4, 5), (3, 6)}
    duplicates = {(0, 0), (1, 1, 2, 4, 5), (2, 1, 2, 4, 5), (3, 3, 6)}
    assert real | duplicates < seen
    assert (1,) in seen  # alone, without anything
    strangers = seen - real - duplicates - {(1,), (2,), (3,)}
    assert all(set(row[1:]) <= {0, 1, 2, 3} for row in strangers)


@pytest.mark.parametrize("others", ["found", "none", "shuffled"])
def test_other_company_is_without_what_is_extra(others, with_extra):
    for seed in range(5):
        _, sequences = _sequences(with_extra, OTHERS[others], seed=seed)
        assert all(row < len(with_extra) for sequence in sequences for row in sequence)


def test_of_what_is_extra_no_truth_is_known(with_extra):
    batch = with_extra.gather(np.array([[1, 4, 2, 5], [3, 6, -1, -1]]), torch.Generator())

    assert batch.estimates[0, :, 0, 0].tolist() == [1, 4, 2, 5]
    assert batch.boxes[0, :, 0].tolist() == [1, 4, 2, 5]
    assert batch.present.tolist() == [[True] * 4, [True, True, False, False]]
    assert batch.known.tolist() == [[True, False, True, False], [True, False, False, False]]
    assert batch.truth[batch.known][:, 0, 0].tolist() == [1.5, 2.5, 3.5]
    turned = batch.reordered(torch.tensor([[0, 2, 1, 3], [0, 1, 2, 3]]))
    assert turned.known[0].tolist() == [True, True, False, False]


def test_sequences_of_one_batch_are_padded(samples):
    (rows,), _ = _sequences(samples, NeighbourSampling(), size=6)

    batch = samples.gather(rows, torch.Generator())

    assert sorted(batch.present.sum(dim=1).tolist()) == [1, 2, 3]
    assert batch.present[:, 0].all()
    assert torch.equal(batch.boxes[batch.present][:, 0], torch.from_numpy(rows[rows >= 0]).float())


def test_people_are_put_into_another_order_with_all_that_is_theirs(samples):
    batch = samples.gather(np.array([[1, 5, 3, -1]]), torch.Generator())

    reordered = batch.reordered(torch.tensor([[0, 2, 1, 3]]))

    assert reordered.estimates[0, :3, 0, 0].tolist() == [1, 3, 5]
    assert reordered.truth[0, :3, 0, 0].tolist() == [1.5, 3.5, 5.5]
    assert reordered.boxes[0, :3, 0].tolist() == [1, 3, 5]
    assert reordered.present[0].tolist() == [True, True, True, False]


def test_a_seed_gives_the_same_epoch(samples):
    first, again = (_sequences(samples, OTHERS["varied"], 2, seed=4)[0] for _ in "ab")

    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
