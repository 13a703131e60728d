"""Formations of several people: a queue, a ring around something, a row before the camera."""

from __future__ import annotations

import numpy as np

from pinet_training.rendering.places import CENTRE, Place
from pinet_training.rendering.posture import ahead, heading

QUEUE, RING, ROW = "queueing", "crowding round", "in a row"
# Share of the scenes with enough people, by formation.
_SHARES = {QUEUE: 0.12, RING: 0.17, ROW: 0.05}
_FEWEST = 3  # people in a formation
_AROUND_SOMEBODY = 0.3  # share of the rings that have a person in their middle


def plan_formation(rng: np.random.Generator, first: np.ndarray, number: int) -> list[Place]:
    """Draw whether people form a queue, a ring or a row, and where each of them stands.

    Args:
        rng: decides the formation and its places.
        first: (2,) metres, where the first person stands, or the middle of a ring.
        number: of people.

    Returns:
        Places of up to `number` people, most in the order in which they stand; none in the scenes
        without a formation.
    """
    kind = str(rng.choice([*_SHARES, ""], p=[*_SHARES.values(), 1 - sum(_SHARES.values())]))
    if number < _FEWEST or not kind:
        return []
    count = int(rng.integers(_FEWEST, number + 1))
    return {QUEUE: _queue, RING: _ring, ROW: _row}[kind](rng, first, count)


def _queue(rng: np.random.Generator, first: np.ndarray, count: int) -> list[Place]:
    yaw, position, places = rng.uniform(-np.pi, np.pi), first, []
    for index in range(count):
        turn = yaw + rng.normal(0, 0.25 if rng.random() < 0.8 else 1.2)
        places.append(Place(*position, turn, QUEUE, index - 1 if index else None))
        yaw += rng.normal(0, 0.12)  # a queue winds
        position = position - rng.uniform(0.5, 0.9) * ahead(yaw) + rng.normal(0, 0.05, 2)
    return places


def _ring(rng: np.random.Generator, first: np.ndarray, count: int) -> list[Place]:
    radius = max(rng.uniform(0.7, 1.3), 0.55 * count / (2 * np.pi))
    places = []
    if rng.random() < _AROUND_SOMEBODY:
        places.append(Place(*first, rng.uniform(-np.pi, np.pi), CENTRE))
    start, span = rng.uniform(-np.pi, np.pi), rng.uniform(np.pi, 2 * np.pi)
    ring = count - len(places)
    for index in range(ring):
        angle = start + span * index / ring + rng.normal(0, 0.08)
        position = first + radius * rng.uniform(0.9, 1.25) * ahead(angle)
        yaw = heading(first - position) + rng.normal(0, 0.25)
        places.append(Place(*position, yaw, RING, focus=(float(first[0]), float(first[1]))))
    return places


def _row(rng: np.random.Generator, first: np.ndarray, count: int) -> list[Place]:
    """Shoulder to shoulder, as for a group picture or at a railing."""
    yaw = rng.choice([0.0, np.pi, rng.uniform(-np.pi, np.pi)]) + rng.normal(0, 0.15)
    step, places = rng.uniform(0.45, 0.65), []
    aside = ahead(yaw + np.pi / 2)
    for index in range(count):
        offset = step * (index - (count - 1) / 2) * aside + rng.normal(0, 0.06, 2)
        places.append(Place(*(first + offset), yaw + rng.normal(0, 0.15), ROW))
    return places
