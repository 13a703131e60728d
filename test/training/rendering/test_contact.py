"""People in contact: hands meet, bodies keep apart, and what is impossible is given up."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_bodies import made_up_bodies
from test_acting import Standing

from pinet_training.rendering.acting import CAPTURED, Act
from pinet_training.rendering.contact import CONTACTS, hold_thing, join_in_contact
from pinet_training.rendering.couples import as_close_as_captured
from pinet_training.rendering.figures import make_figure
from pinet_training.rendering.performers import Performer
from pinet_training.rendering.places import CONTACT_RELATIONS, Place
from pinet_training.rendering.posture import SIDES, yaw_rotation
from pinet_training.rendering.rig import Rig


@pytest.fixture(scope="module")
def rig():
    return Rig(made_up_bodies(sizes=(1.0, 0.95, 1.05, 0.6)))


def standing(rig, body, place):
    posture, *_ = Standing().sample(None)
    return Performer(rig, body, place, Act(posture, CAPTURED, "standing"))


def pairs(rig, relation, seeds=range(6)):
    """Contacts of two people, one in front of the other or beside, as far as arms reach."""
    for seed in seeds:
        rng = np.random.default_rng(seed)
        yaw = rng.uniform(-np.pi, np.pi)
        way = (yaw_rotation(yaw) @ [0.6 * (seed % 2), -0.3, 0])[:2]
        place = Place(*(np.array([1.0, 4.0]) + way), yaw + 1.0, relation, partner=0)
        other = 3 if relation == "carrying somebody" else 1
        two = standing(rig, other, place)
        contact = join_in_contact(relation, standing(rig, 0, Place(1.0, 4.0, yaw)), two, rng)
        if contact is not None:
            yield contact


def gap(one, other):
    """Metres between the nearest palms of two people."""
    return min(np.linalg.norm(one.palm(a) - other.palm(b)) for a in SIDES for b in SIDES)


def test_every_relation_of_contact_can_be_posed(rig):
    assert set(CONTACTS) == set(CONTACT_RELATIONS)
    for relation in CONTACTS:
        assert list(pairs(rig, relation, range(20))), relation


@pytest.mark.parametrize("relation", ["shaking hands", "holding hands"])
def test_hands_that_are_joined_meet(rig, relation):
    for contact in pairs(rig, relation):
        assert gap(contact.first, contact.second) < 0.06


def test_both_hold_what_is_handed_over(rig):
    for contact in pairs(rig, "handing over"):
        (thing,) = contact.things
        for one in (contact.first, contact.second):
            palms = np.stack([one.palm(side) for side in SIDES])
            distance = np.linalg.norm(palms[:, None] - thing.vertices, axis=2)
            assert distance.min() < 0.25


def test_arms_of_who_hugs_are_around_the_other(rig):
    for contact in pairs(rig, "hugging"):
        for one, other in (
            (contact.first, contact.second),
            (contact.second, contact.first),
        ):
            for side in SIDES:
                beyond = (one.palm(side) - other.joint("thorax")) @ one.front
                assert beyond > -0.02


def test_a_carried_child_is_off_the_ground(rig):
    for contact in pairs(rig, "carrying somebody"):
        feet = contact.second.joints[:, 2].min()
        assert feet > 0.15
        assert contact.second.joint("head_top")[2] > contact.first.joint("spine")[2]


def test_nobody_shakes_hands_with_somebody_whose_arms_are_too_short(rig):
    short = Rig(made_up_bodies(sizes=(1.0, 0.1)))
    place = Place(1.0, 3.5, 0.0, "shaking hands", partner=0)
    people = standing(short, 0, Place(1.0, 4.0, 0.0)), standing(short, 1, place)
    assert join_in_contact("shaking hands", *people, np.random.default_rng(0)) is None


def test_who_carries_a_thing_has_it_between_the_palms(rig):
    for seed in range(5):
        performer = standing(rig, 0, Place(0.5, 3.0, 1.0))
        holding, things = hold_thing(performer, np.random.default_rng(seed))
        for thing in things:
            middle = (thing.vertices.min(axis=0) + thing.vertices.max(axis=0)) / 2
            palms = np.mean([holding.palm(side) for side in SIDES], axis=0)
            assert np.linalg.norm(palms - middle) < 0.12


def test_hands_of_a_couple_are_joined_and_bodies_keep_apart(rig):
    first = standing(rig, 0, Place(0.0, 3.0, 0.0)).with_palm_at(
        "left", np.array([0.1, 2.7, 1.0]), (1, 0, 0)
    )
    second = standing(rig, 1, Place(0.05, 2.9, np.pi)).with_palm_at(
        "right", np.array([0.25, 2.6, 1.0]), (1, 0, 0)
    )
    one, two = as_close_as_captured(first, second)
    assert np.linalg.norm(one.palm("left") - two.palm("right")) < 0.06
    assert np.linalg.norm(one.place.position - two.place.position) >= 0.35 - 1e-9


def test_joints_of_a_performer_are_those_of_the_figure(rig):
    performer = standing(rig, 2, Place(-1.0, 5.0, 0.6))
    figure = make_figure(rig, 2, performer.act.posture, np.random.default_rng(0))
    joints = figure.joints @ yaw_rotation(0.6).T + [-1.0, 5.0, 0.0]
    assert np.abs(performer.joints - joints).max() < 0.06  # clothes are under the soles
