"""Which cells answer for whom, and what they are to give."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pinet_ros.detection.nanodet_network import NanoDetNetwork
from pinet_training.datasets import box_areas
from pinet_training.detector.detector_losses import assign, detector_losses, overlaps

PEOPLE = torch.tensor([[100.0, 80, 180, 300], [240.0, 60, 330, 310]])
NOBODY = torch.zeros(0, 4)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return NanoDetNetwork().eval()


def exact(network, people):
    """Logits of a network whose cells all give the box of the person whose middle is nearest."""
    middle = (people[:, :2] + people[:, 2:]) / 2
    owners = torch.cdist(network.centres, middle).argmin(1)
    boxes = people[owners]
    sides = torch.cat([network.centres - boxes[:, :2], boxes[:, 2:] - network.centres], dim=1)
    sides = (sides / network.strides[:, None]).clamp(0, 9.999)
    low = sides.floor().long()
    logits = torch.full((*sides.shape, 11), -50.0)
    part = (sides - low).clamp(1e-6, 1 - 1e-6)
    logits.scatter_(-1, low[..., None], (1 - part).log()[..., None])
    logits.scatter_(-1, low[..., None] + 1, part.log()[..., None])
    return logits


def batch_of(people, ignored=NOBODY, is_real=0.0):
    def filled(boxes):
        nothing = torch.full((12, 4), torch.nan)
        nothing[: len(boxes)] = boxes
        return nothing[None]

    return {
        "people": filled(people),
        "ignored": filled(ignored),
        "is_real": torch.tensor([is_real]),
    }


def test_overlaps_are_intersections_over_unions():
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 50, (2, 7, 2))
    first, second = np.concatenate([low, low + rng.uniform(1, 60, (2, 7, 2))], axis=-1)
    found = overlaps(torch.tensor(first), torch.tensor(second[:4]))
    np.testing.assert_allclose(found, box_areas.overlaps(first, second[:4]), rtol=1e-6)


def test_cells_near_the_middle_of_a_person_answer_for_it(network):
    boxes = network.boxes(exact(network, PEOPLE)[None])[0]
    answers = assign(network, torch.full((3549,), 0.5), boxes, PEOPLE, NOBODY)
    assert set(answers.people.tolist()) == {0, 1}
    assert len(answers.cells) <= 16
    middle = (PEOPLE[:, :2] + PEOPLE[:, 2:])[answers.people] / 2
    centres, strides = network.centres[answers.cells], network.strides[answers.cells]
    assert ((centres - middle).abs().amax(1) < 2 * strides).all()
    torch.testing.assert_close(
        answers.targets, torch.ones(len(answers.cells)), rtol=0, atol=0.02
    )  # as good as their boxes
    assert answers.counted[answers.cells].all()
    others = torch.ones(3549, dtype=torch.bool)
    others[answers.cells] = False
    good = (overlaps(boxes, PEOPLE) > 0.35).any(1)
    assert not answers.counted[others & good].any()  # duplicates are suppressed anyway


def test_people_of_whom_little_is_seen_may_be_found_or_not(network):
    boxes = network.boxes(exact(network, PEOPLE)[None])[0]
    answers = assign(network, torch.full((3549,), 0.5), boxes, PEOPLE[:1], PEOPLE[1:])
    assert (answers.people == 0).all()
    of_other = overlaps(boxes, PEOPLE[1:])[:, 0] > 0.3
    of_other[answers.cells] = False
    assert of_other.any()
    assert not answers.counted[of_other].any()


def test_nobody_in_a_picture_gives_no_answers(network):
    boxes = network.boxes(exact(network, PEOPLE)[None])[0]
    answers = assign(network, torch.full((3549,), 0.5), boxes, NOBODY, NOBODY)
    assert not len(answers.cells)
    assert answers.counted.all()


def test_a_network_that_is_right_has_no_loss(network):
    distances = exact(network, PEOPLE)[None]
    boxes = network.boxes(distances)[0]
    answers = assign(network, torch.full((3549,), 0.5), boxes, PEOPLE, NOBODY)
    logits = torch.full((1, 3549), -20.0)
    logits[0, answers.cells] = answers.targets.clamp(0.001, 0.999).logit()
    teacher = torch.zeros(1, 3549)
    right = detector_losses(network, logits, distances, batch_of(PEOPLE), teacher)
    assert right.positives == len(answers.cells)
    assert right.score < 0.01 * right.positives
    assert right.box < 0.02 * right.positives
    moved = PEOPLE + torch.tensor([0.0, 20, 0, 20])
    wrong = detector_losses(network, logits, distances, batch_of(moved), teacher)
    assert wrong.box > 5 * right.box + 0.05 * wrong.positives
    unseen = detector_losses(network, logits * 0 - 20, distances, batch_of(PEOPLE), teacher)
    assert unseen.score > 5 * unseen.positives
    for each in (right, wrong, unseen):
        assert each.taught == 0


def test_on_real_pictures_the_teacher_is_followed(network):
    distances = exact(network, PEOPLE)[None]
    teacher = torch.full((1, 3549), -8.0)
    teacher[0, 5] = 0.0
    real = batch_of(NOBODY, is_real=1.0)
    same = detector_losses(network, teacher.clone(), distances, real, teacher)
    other = detector_losses(network, torch.full((1, 3549), -8.0), distances, real, teacher)
    assert same.taught < 1e-6 < other.taught
    assert same.positives == other.positives == 0
    assert same.score == same.box == same.distance == 0


def test_the_losses_of_a_batch_are_the_sums_of_its_parts(network):
    """So that they do not depend on how many workers share it."""
    batches = [
        batch_of(PEOPLE),
        batch_of(PEOPLE[:1]),
        batch_of(NOBODY),
        batch_of(NOBODY, NOBODY, 1.0),
    ]
    together = {name: torch.cat([each[name] for each in batches]) for name in batches[0]}
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 3549, generator=generator) - 4
    distances = exact(network, PEOPLE).expand(4, -1, -1, -1)
    teacher = torch.randn(4, 3549, generator=generator) - 5
    whole = detector_losses(network, logits, distances, together, teacher)
    parts = [
        detector_losses(network, logits[[n]], distances[[n]], batches[n], teacher[[n]])
        for n in range(4)
    ]
    for name in ("score", "box", "distance", "taught"):
        total = sum(getattr(part, name) for part in parts)
        torch.testing.assert_close(getattr(whole, name), total)
    assert whole.positives == sum(part.positives for part in parts)
