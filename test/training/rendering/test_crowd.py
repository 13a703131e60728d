"""Where people stand."""

from __future__ import annotations

import numpy as np
import pytest

from pinet_training.rendering.crowd import (
    Place,
    place_people,
    random_number_of_people,
)
from pinet_training.rendering.viewpoint import random_viewpoint


@pytest.fixture(scope="module")
def crowds():
    rng = np.random.default_rng(2)
    crowds = []
    for _ in range(150):
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


def test_there_are_one_to_six_people(crowds):
    assert {number for _, number, _ in crowds} == {1, 2, 3, 4, 5, 6}
    assert np.mean([len(places) == number for _, number, places in crowds]) > 0.95


def test_nobody_stands_in_anybody(crowds):
    for _, _, places in crowds:
        positions = np.array([place.position for place in places]).reshape(-1, 2)
        distances = np.linalg.norm(positions[:, None] - positions, axis=2)
        assert (distances[~np.eye(len(places), dtype=bool)] > 0.4).all()


def test_everybody_is_before_the_camera(crowds):
    for viewpoint, _, places in crowds:
        for place in places:
            u, v = viewpoint.project(np.array([place.x, place.y, 0.95]))
            assert -40 < u < 680
            assert -30 < v < 510


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
