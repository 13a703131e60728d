"""Plan of a sequence: where its people are, what they do, and where the camera is, over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pinet_training.rendering.camera_motion import random_camera_motion
from pinet_training.rendering.repertoire import Repertoire
from pinet_training.rendering.routes import Ground, random_way
from pinet_training.rendering.viewpoint import Viewpoint, random_viewpoint
from pinet_training.rendering.walks import Moment

_NUMBERS = {2: 0.25, 3: 0.3, 4: 0.25, 5: 0.12, 6: 0.08}  # of people, with their probabilities
_DISTANCES = (2.2, 8.0)  # metres from the camera to its target, so that people cross, seen well
_MIDDLE = 0.95  # metres: height of a person's middle above the floor
_IN_IMAGE = 0.8  # of the frames in which somebody is in the image, at least
_ATTEMPTS = 100


@dataclass(frozen=True, eq=False)
class Plan:
    """N frames of a sequence with P people.

    Attributes:
        viewpoints: the camera in each frame.
        bodies: of each person, by the index among the bodies.
        ways: each person in each frame.
    """

    viewpoints: list[Viewpoint]
    bodies: list[int]
    ways: list[list[Moment]]

    def in_image(self) -> np.ndarray:
        """(N,P) whether the middle of each person is in the image."""
        camera = self.viewpoints[0].camera
        places = self.positions()
        middles = np.stack([places.real, places.imag, np.full(places.shape, _MIDDLE)], axis=-1)
        pixels = np.stack([v.project(m) for v, m in zip(self.viewpoints, middles, strict=True)])
        size = np.array([camera.width, camera.height])
        return ((pixels >= 0) & (pixels < size)).all(axis=-1)  # NaN, behind the camera, is not

    def positions(self) -> np.ndarray:
        """(N,P) where each person is, metres, as complex numbers x + iy."""
        return np.array([[moment.position for moment in way] for way in self.ways]).T


def random_plan(
    rng: np.random.Generator,
    repertoire: Repertoire,
    legs: np.ndarray,
    times: np.ndarray,
    width: int,
    height: int,
) -> Plan:
    """Draw a plan in which somebody is in the image most of the time.

    Args:
        rng: decides all.
        repertoire: what people do.
        legs: (B,) metres from hip to ankle of the bodies.
        times: (N,) seconds, at the repertoire's rate, from 0.
        width, height: of the image, pixels.

    Raises:
        RuntimeError: 100 attempts gave no such plan.
    """
    for _ in range(_ATTEMPTS):
        viewpoint = random_viewpoint(rng, width, height)
        if not _DISTANCES[0] < viewpoint.target[1] < _DISTANCES[1]:
            continue
        plan = _draw(rng, repertoire, legs, random_camera_motion(rng, viewpoint, times))
        if plan.ways and plan.in_image().any(axis=1).mean() >= _IN_IMAGE:
            return plan
    raise RuntimeError(f"no person was in the image in {_ATTEMPTS} attempts")


def _draw(
    rng: np.random.Generator, repertoire: Repertoire, legs: np.ndarray, viewpoints: list[Viewpoint]
) -> Plan:
    ground = Ground.of(viewpoints[0])
    others = [np.array([complex(*viewpoint.position[:2]) for viewpoint in viewpoints])]
    bodies, ways = [], []
    for _ in range(int(rng.choice(list(_NUMBERS), p=list(_NUMBERS.values())))):
        body = int(rng.integers(len(legs)))
        way = random_way(rng, repertoire, float(legs[body]), ground, others)
        if way is not None:
            others.append(np.array([moment.position for moment in way]))
            bodies.append(body)
            ways.append(way)
    return Plan(viewpoints, bodies, ways)
