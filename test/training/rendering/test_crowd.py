"""Where people stand."""

from __future__ import annotations

import numpy as np
import pytest

from pinet_training.rendering.acting import engaged
from pinet_training.rendering.crowd import Step, place_people, random_number_of_people
from pinet_training.rendering.formations import QUEUE, RING
from pinet_training.rendering.places import CONTACT_RELATIONS, COUPLE, Place
from pinet_training.rendering.viewpoint import random_viewpoint


@pytest.fixture(scope="module")
def crowds():
    rng = np.random.default_rng(2)
    crowds = []
    for _ in range(300):
        viewpoint = random_viewpoint(rng, 640, 480)
        number = random_number_of_people(rng)
        crowds.append((viewpoint, number, place_people(rng, viewpoint, number)))
    return crowds


def _pairs(crowds):
    return [
        (place, places[place.partner])
        for _, _, places in crowds
        for place in places
        if place.partner is not None
    ]


def test_there_are_up_to_eight_people_and_sometimes_none(crowds):
    assert {number for _, number, _ in crowds} == set(range(9))
    assert np.mean([len(places) >= number for _, number, places in crowds]) > 0.95
    assert max(len(places) for _, _, places in crowds) <= 8
    assert all(places == [] for _, number, places in crowds if number == 0)


def test_nobody_stands_in_anybody(crowds):
    for _, _, places in crowds:
        positions = np.array([place.position for place in places]).reshape(-1, 2)
        distances = np.linalg.norm(positions[:, None] - positions, axis=2)
        assert (distances[~np.eye(len(places), dtype=bool)] > 0.4).all()


def test_everybody_is_before_the_camera_and_some_only_in_part(crowds):
    inside = []
    for viewpoint, _, places in crowds:
        for place in places:
            heights = np.linspace(0.1, 1.6, 16)
            body = [[place.x + x, place.y, z] for z in heights for x in (-0.2, 0, 0.2)]
            pixels = viewpoint.project(np.array(body))
            inside.append(((pixels > 0) & (pixels < [640, 480])).all(axis=1).mean())
    assert min(inside) > 0
    assert 0.05 < np.mean(np.array(inside) < 0.5) < 0.4


def test_people_queue_crowd_round_and_touch_each_other(crowds):
    relations = [place.relation for _, _, places in crowds for place in places]
    assert {QUEUE, RING, *CONTACT_RELATIONS} <= set(relations)


def test_nobody_is_in_contact_with_two(crowds):
    for _, _, places in crowds:
        pairs = engaged(places)
        people = [person for pair in pairs for person in pair]
        assert len(people) == len(set(people))


def test_who_crowds_round_looks_there(crowds):
    ring = [place for _, _, places in crowds for place in places if place.relation == RING]
    for place in ring:
        towards = np.array(place.focus) - place.position
        ahead = np.array([np.sin(place.yaw), -np.cos(place.yaw)])
        assert ahead @ towards / np.linalg.norm(towards) > 0.4


def test_the_second_of_a_couple_stands_as_captured():
    rng = np.random.default_rng(0)
    step = Step(0.5, -0.4, 3.0)  # to the left and ahead, looking back
    for _ in range(20):
        places = place_people(rng, random_viewpoint(rng, 640, 480), 2, step)
        if len(places) > 1 and places[1].relation == COUPLE:
            first, second = places[:2]
            offset = second.position - first.position
            ahead = np.array([np.sin(first.yaw), -np.cos(first.yaw)])
            assert offset @ ahead == pytest.approx(0.4)
            assert np.linalg.norm(offset) == pytest.approx(np.hypot(0.5, 0.4))
            assert second.yaw - first.yaw == pytest.approx(3.0)
            return
    pytest.fail("no couple was placed")


def test_people_who_face_another_do(crowds):
    facing = [(one, other) for one, other in _pairs(crowds) if one.relation == "facing"]
    assert len(facing) > 20
    for place, other in facing:
        ahead = np.array([np.sin(place.yaw), -np.cos(place.yaw)])  # yaw 0 looks along -y
        towards = other.position - place.position
        assert ahead @ towards / np.linalg.norm(towards) > 0.3


def test_who_stands_behind_is_hidden_by_the_other(crowds):
    behind = [(one, other) for one, other in _pairs(crowds) if one.relation == "behind"]
    assert len(behind) > 10
    for place, other in behind:  # the camera stands over the origin
        assert np.linalg.norm(place.position) > np.linalg.norm(other.position)
    angles = [
        np.arctan2(place.x, place.y) - np.arctan2(other.x, other.y) for place, other in behind
    ]
    assert np.median(np.abs(angles)) < np.radians(8)


def test_those_who_pass_look_the_other_way(crowds):
    turns = [one.yaw - other.yaw for one, other in _pairs(crowds) if one.relation == "passing"]
    assert np.mean(np.cos(turns)) < -0.8
    turns = [one.yaw - other.yaw for one, other in _pairs(crowds) if one.relation == "together"]
    assert np.mean(np.cos(turns)) > 0.8


def test_place_has_a_position():
    assert Place(1.0, 2.0, yaw=0.0).position.tolist() == [1.0, 2.0]
