"""Routes: where the people of a sequence go, so that they cross, leave the image and return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pinet_training.rendering.repertoire import Ensemble, Repertoire
from pinet_training.rendering.viewpoint import Viewpoint
from pinet_training.rendering.walks import Moment, Walker

_STAYS = 0.3  # share of the people who stay in place
_CROSSES = 0.6  # share of the others who cross the image and leave it, again and again
_DEPTHS = (0.65, 1.5)  # of the distance of the camera's target, between which people go
_NEAREST, _FARTHEST = 1.6, 12.0  # metres from the camera
_INSIDE = 0.75  # of half of the image's width, within which goals in the image are
_BEYOND = (0.7, 1.6)  # metres from the image's border to goals outside of it
_REACHED = 0.8  # metres from a goal at which the next one is drawn
_PATIENCE = 8.0  # seconds after which a goal is given up

_TURN = 1.2  # radians per second at most
_EAGERNESS = 1.5  # radians per second for each radian off the goal
_FORESIGHT = (0.4, 0.8, 1.2, 1.6)  # seconds ahead at which people see whom they would meet
_SPEED = 1.2  # metres per second that they reckon with
_AVOIDED = 0.9  # metres: they keep this far from each other if they can
_DODGE = 2.5  # radians per second by which they turn away from whom they would touch

_APART = 0.5  # metres between the middles of two people, and from a person to the camera
_TOO_CLOSE = 0.3  # metres: somebody who would come so close to another is left out
_TRIES = 25  # at a way for each person


@dataclass(frozen=True)
class Ground:
    """The part of the floor that a camera at the world's origin sees, looking along +y.

    Attributes:
        distance: metres to the middle of it.
        slope: half of the image's width at a distance of 1 m, metres.
    """

    distance: float
    slope: float

    @classmethod
    def of(cls, viewpoint: Viewpoint) -> Ground:
        """The ground that a camera sees."""
        camera = viewpoint.camera
        return cls(float(viewpoint.target[1]), camera.width / 2 / float(camera.matrix[0, 0]))

    def inside(self, rng: np.random.Generator) -> complex:
        """Draw a place that is in the image."""
        depth = self._depth(rng)
        return complex(rng.uniform(-_INSIDE, _INSIDE) * self.slope * depth, depth)

    def outside(self, rng: np.random.Generator, side: int) -> complex:
        """Draw a place to the left (-1) or to the right (1) of the image."""
        depth = self._depth(rng)
        return complex(side * (self.slope * depth + rng.uniform(*_BEYOND)), depth)

    def _depth(self, rng: np.random.Generator) -> float:
        return float(np.clip(self.distance * rng.uniform(*_DEPTHS), _NEAREST, _FARTHEST))


def random_way(
    rng: np.random.Generator,
    repertoire: Repertoire,
    leg: float,
    ground: Ground,
    others: Sequence[np.ndarray],
) -> list[Moment] | None:
    """Draw what a person does in each of N frames, away from the others.

    Args:
        rng: decides all.
        repertoire: what people do.
        leg: metres from hip to ankle.
        ground: where the camera looks.
        others: at least one array (N,) of complex positions, metres, to keep away from: those of
            the camera and of other people.

    Returns:
        The person in each frame, or None if there is no room.
    """
    best, most = None, _TOO_CLOSE
    for _ in range(_TRIES):
        way = _draw(rng, repertoire, leg, ground, others)
        positions = np.array([moment.position for moment in way])
        gap = min(float(np.abs(positions - other).min()) for other in others)
        if gap > most:
            best, most = way, gap
        if gap > _APART:
            break
    return best


def _draw(
    rng: np.random.Generator,
    repertoire: Repertoire,
    leg: float,
    ground: Ground,
    others: Sequence[np.ndarray],
) -> list[Moment]:
    walks = repertoire.walks
    if walks is None or (repertoire.stays and rng.random() < _STAYS):
        activities = list(repertoire.stays)
        stays = repertoire.stays[activities[rng.integers(len(activities))]]
        return _stay(Walker(stays, leg, ground.inside(rng), _angle(rng), rng), len(others[0]))
    return _walk(rng, walks, leg, ground, others)


def _stay(walker: Walker, frames: int) -> list[Moment]:
    moments = [walker.moment()]
    for _ in range(frames - 1):
        walker.stay()
        moments.append(walker.moment())
    return moments


def _walk(
    rng: np.random.Generator,
    walks: Ensemble,
    leg: float,
    ground: Ground,
    others: Sequence[np.ndarray],
) -> list[Moment]:
    crosses, side = rng.random() < _CROSSES, int(rng.choice([-1, 1]))
    goal = ground.outside(rng, side) if crosses else ground.inside(rng)
    start = ground.inside(rng)
    if crosses and rng.random() < 0.5:
        start = ground.outside(rng, -side)
    walker = Walker(walks, leg, start, float(np.angle(goal - start)), rng)
    moments, waited = [walker.moment()], 0
    for now in range(len(others[0]) - 1):
        waited += 1
        if abs(goal - walker.position) < _REACHED or waited > _PATIENCE * walks.rate:
            side, waited = -side, 0
            goal = ground.outside(rng, side) if crosses else ground.inside(rng)
        turn = _towards(goal, walker) + _dodge(walker, others, now, walks.rate)
        walker.step(float(np.clip(turn, -_TURN, _TURN)) / walks.rate)
        moments.append(walker.moment())
    return moments


def _towards(goal: complex, walker: Walker) -> float:
    """Radians per second to turn by, to come to a goal."""
    off = np.angle((goal - walker.position) * np.exp(-1j * walker.course))
    return float(_EAGERNESS * off)


def _dodge(walker: Walker, others: Sequence[np.ndarray], now: int, rate: float) -> float:
    """Radians per second to turn by, to not come too close to the others."""
    ahead = np.exp(1j * walker.course)
    turn = 0.0
    for seconds in _FORESIGHT:
        then = now + round(seconds * rate)
        for other in others:
            place = other[min(then, len(other) - 1)]
            gap = (place - walker.position - seconds * _SPEED * ahead) * ahead.conjugate()
            closeness = 1 - abs(gap) / _AVOIDED
            if closeness > 0:
                turn -= _DODGE * closeness * (1 if gap.imag > 0 else -1)
    return turn


def _angle(rng: np.random.Generator) -> float:
    return float(rng.uniform(-np.pi, np.pi))
