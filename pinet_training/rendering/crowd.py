"""Placement of the people in a scene: where they stand, how they face and occlude each other."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pinet_training.rendering.formations import plan_formation
from pinet_training.rendering.places import (
    CENTRE,
    CONTACT_RELATIONS,
    COUPLE,
    RELATIONS,
    TOUCHING,
    Place,
)
from pinet_training.rendering.posture import ahead, heading, yaw_rotation
from pinet_training.rendering.viewpoint import Viewpoint

MOST_PEOPLE = 8  # in one scene
_NUMBERS = {
    0: 0.04,
    1: 0.15,
    2: 0.24,
    3: 0.22,
    4: 0.14,
    5: 0.09,
    6: 0.06,
    7: 0.04,
    8: 0.02,
}  # of people, with their probabilities
_NEAREST, _FARTHEST = 0.55, 14.0  # metres from the camera
_APART = 0.42  # metres: smallest distance between the centres of two people
_CUT_OFF = 0.35  # share of the scenes in which people may be at the border, or partly outside
_MARGIN = 0.06  # of the image's size: how far outside of it a person's middle may be in the others
_INTRUDER = 0.14  # share of the scenes with somebody close to the camera, at a side of the image
_MIDDLE = 0.95  # metres: height of a person's middle above the ground
# Points (9,3) on a person, metres from the place on the ground; one of them is in the image.
_BODY = np.array([[x, 0, z] for z in (0.15, 0.8, 1.45) for x in (-0.2, 0.0, 0.2)])
_ATTEMPTS = 40  # at placing each person


@dataclass(frozen=True)
class Step:
    """Where the second person of a couple is, as the first one sees it.

    Attributes:
        x, y: metres, to the first person's left and back.
        yaw: radians, relative to the first person's.
    """

    x: float
    y: float
    yaw: float


def random_number_of_people(rng: np.random.Generator) -> int:
    """Draw the number of people in a scene, 0 to 8."""
    return int(rng.choice(list(_NUMBERS), p=list(_NUMBERS.values())))


def place_people(
    rng: np.random.Generator, viewpoint: Viewpoint, number: int, couple: Step | None = None
) -> list[Place]:
    """Place people where the camera sees them, some of them only in part.

    Args:
        rng: decides all places.
        viewpoint: the camera; the first person stands near its target.
        number: of people to place.
        couple: of the first two people; None if they are no couple.

    Returns:
        Up to `number` places; fewer if there is no room.
    """
    margin = None if rng.random() < _CUT_OFF else _MARGIN
    first = viewpoint.target[:2] + rng.normal(0, 0.15, 2) * viewpoint.target[1]
    planned = [] if couple else plan_formation(rng, first, number)
    places: list[Place] = []
    for attempt in range(_ATTEMPTS * number):
        if len(places) == number:
            break
        if planned:
            place = planned.pop(0)
            if place.partner is not None:  # the one before may have found no room
                place = replace(place, partner=len(places) - 1 if places else None)
        elif not places:
            place = Place(*first * 0.99**attempt, yaw=rng.uniform(-np.pi, np.pi))
        elif couple and len(places) == 1:
            place, couple = _second_of(couple, places[0]), None
        else:
            place = _beside(rng, places)
        if _is_possible(place, places, viewpoint, margin):
            places.append(place)
    if places and len(places) < MOST_PEOPLE and rng.random() < _INTRUDER:
        intruder = _at_a_side(rng, viewpoint)
        if _is_possible(intruder, places, viewpoint, None):
            places.append(intruder)
    return places


def _second_of(couple: Step, first: Place) -> Place:
    """The place of the second person of a couple."""
    x, y, _ = yaw_rotation(first.yaw) @ [couple.x, couple.y, 0]
    return Place(first.x + x, first.y + y, first.yaw + couple.yaw, COUPLE, partner=0)


def _at_a_side(rng: np.random.Generator, viewpoint: Viewpoint) -> Place:
    """A place close to the camera, at the left or right border of the image."""
    camera, depth = viewpoint.camera, rng.uniform(0.6, 1.6)
    border = (0.5 + rng.uniform(0.3, 0.6) * rng.choice([-1, 1])) * camera.width
    aside = (border - camera.matrix[0, 2]) / camera.matrix[0, 0] * depth
    return Place(float(aside), depth, yaw=rng.uniform(-np.pi, np.pi))


def _engaged(places: list[Place]) -> set[int]:
    """The people who are in contact with somebody, a couple, or on the ground amid others."""
    pairs = [
        (index, place.partner)
        for index, place in enumerate(places)
        if place.relation in (*CONTACT_RELATIONS, COUPLE, CENTRE)
    ]
    return {person for pair in pairs for person in pair if person is not None}


def _beside(rng: np.random.Generator, places: list[Place]) -> Place:
    """A place in a random relation to a random one of the places."""
    partner = int(rng.integers(len(places)))
    possible = RELATIONS | ({} if partner in _engaged(places) else CONTACT_RELATIONS)
    shares = np.array(list(possible.values()))
    relation = str(rng.choice(list(possible), p=shares / shares.sum()))
    other = places[partner]
    distance, direction = _offset(rng, relation, other)
    position = other.position + distance * direction
    yaw = {
        "facing": heading(other.position - position) + rng.normal(0, 0.25),
        TOUCHING: heading(other.position - position) + rng.normal(0, 0.5),
        "together": other.yaw + rng.normal(0, 0.2),
        "passing": other.yaw + np.pi + rng.normal(0, 0.3),
    }.get(relation, rng.uniform(-np.pi, np.pi))
    return Place(*position, yaw=float(yaw), relation=relation, partner=partner)


def _offset(rng: np.random.Generator, relation: str, other: Place) -> tuple[float, np.ndarray]:
    """Distance in metres and unit direction (2,) from the other's place."""
    angle = rng.uniform(-np.pi, np.pi)
    if relation == "facing":  # in front of the other
        return rng.uniform(0.6, 2.0), ahead(other.yaw + rng.normal(0, 0.4))
    if relation == TOUCHING:
        return rng.uniform(_APART, 0.6), ahead(other.yaw + rng.normal(0, 0.9))
    if relation in ("shaking hands", "handing over", "hugging", "carrying somebody"):
        return rng.uniform(_APART, 0.8), ahead(other.yaw)
    if relation in CONTACT_RELATIONS:
        return rng.uniform(_APART, 0.6), ahead(other.yaw + rng.choice([-1, 1]) * np.pi / 2)
    if relation in ("together", "passing"):
        side = other.yaw + rng.choice([-1, 1]) * np.pi / 2 + rng.normal(0, 0.3)
        return rng.uniform(0.45, 1.1), ahead(side)
    if relation == "behind":
        away = other.position / np.linalg.norm(other.position)
        across = np.array([-away[1], away[0]])
        ray = away + rng.normal(0, 0.2) * across
        return rng.uniform(0.45, 2.5), ray / np.linalg.norm(ray)
    return rng.uniform(0.6, 3.0), ahead(angle)


def _is_possible(
    place: Place, others: list[Place], viewpoint: Viewpoint, margin: float | None
) -> bool:
    """Whether a place is away from the others, in the camera's range and in its image.

    With a margin, a fraction of the image's size, the person's middle is at most this far outside
    of the image; without, any part of the person may be in it.
    """
    position = place.position
    apart = 0.3 if place.relation == COUPLE else _APART
    if any(np.linalg.norm(position - other.position) < apart for other in others):
        return False
    if np.linalg.norm(position - viewpoint.position[:2]) < _NEAREST:
        return False
    if viewpoint.to_camera([*position, _MIDDLE])[2] > _FARTHEST:
        return False
    size = np.array([viewpoint.camera.width, viewpoint.camera.height])
    if margin is None:
        points, margin = np.array([*position, 0]) + _BODY, 0.0
    else:
        points = np.array([[*position, _MIDDLE]])
    pixels = viewpoint.project(points) / size
    return bool(((pixels > -margin) & (pixels < 1 + margin)).all(axis=1).any())
