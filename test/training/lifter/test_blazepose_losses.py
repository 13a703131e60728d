"""The losses of BlazePose's training."""

from __future__ import annotations

from math import erf

import numpy as np
import pytest
import torch
from made_up_poses import landmarks, samples
from scipy.stats import chi2

from pinet_ros.skeleton import BLAZEPOSE_33, MUPOTS_17, convert
from pinet_training.lifter.blazepose_joints import to_mupots
from pinet_training.lifter.blazepose_losses import (
    ROOT,
    Counts,
    LossWeights,
    PoseErrors,
    losses,
)
from pinet_training.lifter.pose_crops import PoseCrops


def outputs_for(batch, seed=0):
    """Any outputs of a network, of people of whom nothing is in line, with gradients."""
    generator = torch.Generator().manual_seed(seed)
    count = len(batch["is_person"])

    def normal(*shape):
        return torch.randn(count, *shape, generator=generator)

    outputs = (
        128 + 40 * normal(33, 2),
        0.4 * normal(33, 3),
        normal(33),
        normal(1),
        -2 + 0.3 * normal(18),
    )
    return tuple(each.requires_grad_() for each in outputs)


@pytest.fixture(scope="module")
def batch():
    """Two people, and in the middle nobody."""
    people = samples(landmarks(2))
    crops = PoseCrops(people, np.array([0, 2, 1]), people.joints, augment=False)
    (batch,) = crops.loader([range(3)], processes=0)
    return batch


def only(values, rows):
    if isinstance(values, dict):
        return {name: each[rows] for name, each in values.items()}
    return tuple(each.detach()[rows].requires_grad_() for each in values)


def test_joints_are_converted_as_by_the_estimator():
    rng = np.random.default_rng(0)
    image, world = rng.uniform(0, 256, (6, 33, 2)), rng.normal(0, 0.4, (6, 33, 3))
    joints, pixels, _ = convert(BLAZEPOSE_33, MUPOTS_17, world, image, np.ones((6, 33)))
    points, found = to_mupots(torch.tensor(image), torch.tensor(world))
    np.testing.assert_allclose(points, pixels, atol=1e-6)
    np.testing.assert_allclose(found, joints - joints[:, [ROOT]], atol=1e-8)


@pytest.mark.parametrize("spread", [0.02, 0.3])
def test_the_best_deviation_is_what_two_thirds_of_the_errors_stay_within(spread):
    generator = torch.Generator().manual_seed(0)
    count = 40_000

    def normal(*shape):
        return spread * torch.randn(count, *shape, generator=generator)

    # a joint's error has this spread along each axis; one in 50 is far larger
    factors = torch.where(torch.rand(count, 1, 1, generator=generator) < 0.02, 100.0, 1.0)
    errors = PoseErrors(factors * normal(17, 3), normal(17, 2), normal(), normal(2))
    within = erf(0.5**0.5)
    best = torch.full((18,), spread * chi2.ppf(within / 0.98, 3) ** 0.5).log()
    best[[ROOT, 17]] = np.log(spread)
    for factor, sign in ((1.0, 0), (1.3, 1), (0.7, -1)):
        log_deviations = (best + np.log(factor)).expand(count, 18).clone().requires_grad_()
        errors.deviation_losses(log_deviations).mean(0).sum().backward()
        slope = log_deviations.grad.sum(0)
        if sign:
            assert (sign * slope > 0.05).all()
        else:
            assert slope.abs().max() < 0.02


def test_an_exact_estimate_has_a_finite_likelihood():
    nothing = PoseErrors(*(torch.zeros(1, *shape) for shape in ((17, 3), (17, 2), (), (2,))))
    assert torch.isfinite(nothing.deviation_losses(torch.full((1, 18), -30.0))).all()


def test_deviations_do_not_teach_the_pose(batch):
    outputs = outputs_for(batch)
    losses(outputs, batch)["deviations"].backward()
    assert outputs[4].grad.abs().sum() > 0
    assert outputs[0].grad is None
    assert outputs[1].grad is None


def test_people_count_equally_and_nobody_only_in_presence(batch):
    outputs = outputs_for(batch)
    found = losses(outputs, batch)
    assert found.keys() == set(LossWeights.__dataclass_fields__) - {"teacher"}
    each = [losses(only(outputs, [row]), only(batch, [row])) for row in (0, 2)]
    for name in found.keys() - {"presence"}:
        expected = (each[0][name] + each[1][name]) / 2
        torch.testing.assert_close(found[name], expected)
    logits, person = outputs[3][:, 0], batch["is_person"]
    chances = torch.where(person > 0, logits.sigmoid(), 1 - logits.sigmoid())
    torch.testing.assert_close(found["presence"], -chances.log().mean())
    teacher = tuple(value.detach() + 0.1 for value in outputs[:4])
    assert losses(outputs, batch, teacher)["teacher"] > 0
    same = tuple(value.detach() for value in outputs[:4])
    assert losses(outputs, batch, same)["teacher"] == 0


def test_what_is_not_finite_where_nobody_is_does_not_count(batch):
    outputs = outputs_for(batch)
    expected = losses(outputs, batch)
    broken = only(outputs, [0, 1, 2])
    with torch.no_grad():
        for value in (*broken[:3], broken[4]):
            value[1] = torch.nan
    teacher = tuple(value.detach() + 0.1 for value in outputs[:4])
    found = losses(broken, batch, teacher)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value)
    sum(found.values()).backward()
    for value in broken:
        assert torch.isfinite(value.grad).all()


def test_a_batch_of_nobody_teaches_presence_only(batch):
    outputs = only(outputs_for(batch), [1])
    found = losses(outputs, only(batch, [1]), tuple(o.detach() for o in outputs[:4]))
    assert found["presence"] > 0
    assert all(value == 0 for name, value in found.items() if name != "presence")
    sum(found.values()).backward()


def test_the_teacher_holds_what_rendered_people_do_not_teach(batch):
    """Face, hands and feet are held to their joints, wherever these are."""
    outputs = outputs_for(batch)
    for name, counts in {"nose": True, "left_index": True, "left_elbow": False}.items():
        teacher = [value.detach().clone() for value in outputs[:4]]
        teacher[1][0, BLAZEPOSE_33.index(name)] += 0.5
        assert (losses(outputs, batch, tuple(teacher))["teacher"] > 0) == counts
    teacher = [value.detach().clone() for value in outputs[:4]]
    hand = ("left_wrist", "left_index", "left_pinky", "left_thumb")
    teacher[1][0, BLAZEPOSE_33.indices(*hand)] += 0.5
    assert losses(outputs, batch, tuple(teacher))["teacher"] < 1e-6


@pytest.mark.parametrize(("place", "weight"), [(100.0, 0.7), (-1.0, 0.3), (256.0, 0.3)])
def test_hidden_joints_count_less_and_those_outside_of_the_crop_least(batch, place, weight):
    outputs = outputs_for(batch)
    batch = batch | {"points": torch.full_like(batch["points"], 100.0)}
    batch["points"][..., 0] = place
    seen, hidden = (
        losses(outputs, batch | {"visible": torch.full_like(batch["visible"], visible)})
        for visible in (1.0, 0.0)
    )
    torch.testing.assert_close(hidden["pose"], weight * seen["pose"])
    torch.testing.assert_close(hidden["image"], weight * seen["image"])
    assert (seen["image"] > 0) == (place == 100)  # outside there is nothing to see
    assert hidden["distance"] == 0


@pytest.mark.parametrize(("seen", "weight"), [(0, 0), (2, 8 / 17), (5, 1), (17, 1)])
def test_a_person_of_whom_little_is_seen_is_hardly_one(batch, seen, weight):
    outputs = outputs_for(batch)
    visible = torch.zeros(3, 17)
    visible[:, :seen] = 1
    found = losses(outputs, batch | {"visible": visible})["presence"]
    logits = outputs[3][:, 0]
    of_people = -logits[[0, 2]].sigmoid().log().sum()
    of_nobody = -(1 - logits[1].sigmoid()).log()
    torch.testing.assert_close(found, (weight * of_people + of_nobody) / 3)


def test_losses_do_not_depend_on_how_many_workers_share_a_batch(batch):
    """The mean over the workers of what each computes on its crops is that of the whole batch."""
    outputs, teacher = outputs_for(batch), outputs_for(batch, seed=1)
    asked = 2
    expected = losses(outputs, batch, only(teacher, slice(asked)))
    total = Counts.of(batch["is_person"], asked)
    shards = [slice(0, 1), slice(1, 3)]  # of two workers; one crop each is taught
    parts = [
        losses(
            only(outputs, shard),
            only(batch, shard),
            only(teacher, slice(shard.start, shard.start + 1)),
            Counts(*(total / 2).tolist()),
        )
        for shard in shards
    ]
    for name, value in expected.items():
        mean = sum(part[name] for part in parts) / 2
        torch.testing.assert_close(mean, value, msg=lambda text, name=name: f"{name}: {text}")
