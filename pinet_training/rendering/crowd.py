"""Placement of the people in a scene: where they stand, how they face and occlude each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pinet_training.rendering.posture import ahead, heading
from pinet_training.rendering.viewpoint import Viewpoint

TOUCHING = "touching"
# Relations of a person to a partner, with their probabilities: face to face, close enough to
# touch, side by side in the same direction, side by side in opposite directions, behind the
# partner as seen by the camera, or apart.
RELATIONS = {
    "facing": 0.24,
    TOUCHING: 0.11,
    "together": 0.12,
    "passing": 0.12,
    "behind": 0.15,
    "apart": 0.26,
}
_NUMBERS = {
    1: 0.08,
    2: 0.3,
    3: 0.28,
    4: 0.18,
    5: 0.1,
    6: 0.06,
}  # of people, with their probabilities
_NEAREST, _FARTHEST = 1.0, 14.0  # metres from the camera
_APART = 0.42  # metres: smallest distance between the centres of two people
_MARGIN = 0.06  # of the image's size: how far outside of it a person's middle may be
_MIDDLE = 0.95  # metres: height of a person's middle above the ground
_ATTEMPTS = 40  # at placing each person


@dataclass(frozen=True)
class Place:
    """Where a person stands.

    Attributes:
        x, y: metres, on the ground, in the world frame (x right, y forward, z up).
        yaw: radians; 0 faces the camera (-y), positive rotates to the person's left.
        relation: one of RELATIONS, to the partner.
        partner: index of the partner among the people placed before, None for the first person.
    """

    x: float
    y: float
    yaw: float
    relation: str = "apart"
    partner: int | None = None

    @property
    def position(self) -> np.ndarray:
        """x and y as an array (2,), metres."""
        return np.array([self.x, self.y])


def random_number_of_people(rng: np.random.Generator) -> int:
    """Draw the number of people in a scene, 1 to 6."""
    return int(rng.choice(list(_NUMBERS), p=list(_NUMBERS.values())))


def place_people(rng: np.random.Generator, viewpoint: Viewpoint, number: int) -> list[Place]:
    """Place people where the camera sees them.

    Args:
        rng: decides all places.
        viewpoint: the camera; the first person stands near its target.
        number: of people to place.

    Returns:
        Up to `number` places; fewer if there is no room.
    """
    first = viewpoint.target[:2] + rng.normal(0, 0.15, 2) * viewpoint.target[1]
    places: list[Place] = []
    for attempt in range(_ATTEMPTS * number):
        if len(places) == number:
            break
        place = (
            _beside(rng, places)
            if places
            else Place(*first * 0.99**attempt, yaw=rng.uniform(-np.pi, np.pi))
        )
        if _is_possible(place, places, viewpoint):
            places.append(place)
    return places


def _beside(rng: np.random.Generator, places: list[Place]) -> Place:
    """A place in a random relation to a random one of the places."""
    partner = int(rng.integers(len(places)))
    relation = str(rng.choice(list(RELATIONS), p=list(RELATIONS.values())))
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
    if relation in ("together", "passing"):
        side = other.yaw + rng.choice([-1, 1]) * np.pi / 2 + rng.normal(0, 0.3)
        return rng.uniform(0.45, 1.1), ahead(side)
    if relation == "behind":
        away = other.position / np.linalg.norm(other.position)
        across = np.array([-away[1], away[0]])
        ray = away + rng.normal(0, 0.2) * across
        return rng.uniform(0.45, 2.5), ray / np.linalg.norm(ray)
    return rng.uniform(0.6, 3.0), ahead(angle)


def _is_possible(place: Place, others: list[Place], viewpoint: Viewpoint) -> bool:
    """Whether a place is away from the others, in the camera's range and in its image."""
    position = place.position
    if any(np.linalg.norm(position - other.position) < _APART for other in others):
        return False
    depth = viewpoint.to_camera([*position, _MIDDLE])[2]
    if not _NEAREST < depth < _FARTHEST:
        return False
    size = np.array([viewpoint.camera.width, viewpoint.camera.height])
    pixel = viewpoint.project(np.array([*position, _MIDDLE])) / size
    return bool((pixel > -_MARGIN).all() and (pixel < 1 + _MARGIN).all())
