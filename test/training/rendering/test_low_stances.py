"""People on the floor, on high seats and stairs, and what carries them."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_bodies import made_up_bodies
from test_acting import Standing

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering import low_stances
from pinet_training.rendering.acting import (
    AT_COUNTER,
    AT_WALL,
    LYING,
    ON_STAIRS,
    SITTING_HIGH,
    SITTING_ON_STAIRS,
)
from pinet_training.rendering.figures import make_figure
from pinet_training.rendering.rig import Rig
from pinet_training.rendering.stances import sit
from pinet_training.rendering.supports import support_of

SEEDS = range(40)


@pytest.fixture(scope="module")
def rig():
    return Rig(made_up_bodies(sizes=(1.0,)))


def figures(rig, make):
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        posture = make(Standing().sample(rng)[0], rng)
        yield posture, make_figure(rig, 0, posture, rng), rng


def joint(figure, name):
    return figure.joints[MUPOTS_17.index(name)]


def test_who_lies_is_level(rig):
    for _, figure, _ in figures(rig, low_stances.lie):
        trunk = joint(figure, "thorax") - joint(figure, "pelvis")
        assert abs(trunk[2]) < 0.3 * np.linalg.norm(trunk)
        assert trunk[1] > 0  # the feet are at the front
        assert joint(figure, "pelvis")[2] < 0.35


def test_people_lie_on_back_side_and_front(rig):
    faces = [-posture.pelvis[2, 1] for posture, *_ in figures(rig, low_stances.lie)]
    assert max(faces) > 0.9
    assert min(faces) < -0.9
    assert np.min(np.abs(faces)) < 0.4


def test_who_sits_on_the_floor_has_the_hips_near_it(rig):
    for _, figure, _ in figures(rig, low_stances.sit_on_floor):
        assert joint(figure, "pelvis")[2] < 0.25
        assert joint(figure, "thorax")[2] > joint(figure, "pelvis")[2] + 0.25


@pytest.mark.parametrize(
    ("stance", "make"),
    [
        (SITTING_HIGH, low_stances.sit_high),
        (SITTING_ON_STAIRS, sit),
        (ON_STAIRS, low_stances.climb),
        (AT_WALL, low_stances.lean_back),
        (AT_COUNTER, low_stances.lean_ahead),
    ],
)
def test_there_is_something_under_or_beside_whoever_needs_it(rig, stance, make):
    for _, figure, rng in figures(rig, make):
        support = support_of(stance, figure.joints, figure.mesh.vertices, rng)
        assert support.meshes
        assert support.lift >= 0
        assert min(mesh.vertices[:, 2].min() for mesh in support.meshes) == pytest.approx(
            0, abs=0.01
        )


def test_a_bed_is_as_high_as_who_lies_on_it(rig):
    lifts = []
    for _, figure, rng in figures(rig, low_stances.lie):
        support = support_of(LYING, figure.joints, figure.mesh.vertices, rng)
        lifts.append(support.lift)
        if support.meshes:
            (bed,) = support.meshes
            x, y, _ = joint(figure, "pelvis")
            low, high = bed.vertices.min(axis=0), bed.vertices.max(axis=0)
            assert low[0] < x < high[0]
            assert low[1] < y < high[1]
            assert np.isclose(bed.vertices[:, 2], support.lift, atol=1e-5).any()
    assert 0.2 < np.mean(np.array(lifts) == 0) < 0.7


def test_a_seat_is_under_who_sits_high(rig):
    for _, figure, rng in figures(rig, low_stances.sit_high):
        support = support_of(SITTING_HIGH, figure.joints, figure.mesh.vertices, rng)
        seat = support.meshes[0].vertices
        near = np.linalg.norm(seat[:, :2], axis=1) < 0.25
        hips = joint(figure, "pelvis")[2] + support.lift
        assert np.isclose(seat[near, 2], hips - 0.09, atol=1e-4).any()
