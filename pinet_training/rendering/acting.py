"""Random postures for the people of a scene, given where each of them stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pinet_training.rendering import stances
from pinet_training.rendering.crowd import TOUCHING, Place
from pinet_training.rendering.motion import Motions
from pinet_training.rendering.posture import OTHER_SIDE, Posture, heading, yaw_rotation

CAPTURED, SITTING, REACHING = "captured", "sitting", "reaching"

# Stances and their probabilities. People in the relation TOUCHING mostly reach, see _TOUCHES.
_STANCES = {
    CAPTURED: 0.52,
    SITTING: 0.1,
    "crouching": 0.05,
    "kneeling": 0.03,
    "bending": 0.06,
    "leaning": 0.05,
    REACHING: 0.06,
    "pointing": 0.04,
    "holding": 0.03,
    "hands up": 0.02,
    "waving": 0.01,
    "hands on hips": 0.015,
    "arms crossed": 0.015,
}
_MAKE = {
    SITTING: stances.sit,
    "crouching": stances.crouch,
    "kneeling": stances.kneel,
    "bending": stances.bend,
    "leaning": stances.lean,
    "holding": stances.hold,
    "hands up": stances.raise_hands,
    "waving": stances.wave,
    "hands on hips": stances.hands_on_hips,
    "arms crossed": stances.cross_arms,
}
_TOUCHES = 0.75  # share of the people in the relation TOUCHING who reach for their partner
_BOTH_ARMS = 0.3  # share of the people reaching or pointing who use both arms
_LOOKS = 0.4  # share of the people with a partner who look at the partner


@dataclass(frozen=True, eq=False)
class Act:
    """A posture and how it was made.

    Attributes:
        posture: in the body frame, facing the front (-y).
        stance: one of the stances, such as CAPTURED or SITTING.
        clip: name of the motion-capture clip that the posture was made from.
    """

    posture: Posture
    stance: str
    clip: str


def random_act(
    place: Place, places: Sequence[Place], motions: Motions, rng: np.random.Generator
) -> Act:
    """Draw what one person of a scene does.

    Args:
        place: where the person stands.
        places: those of all people in the scene; `place.partner` is an index into them.
        motions: the clips to sample from.
        rng: decides clip, stance, aim and gaze.

    Returns:
        A captured posture, in most cases changed to another stance.
    """
    posture, clip, _ = motions.sample(rng)
    if rng.random() < 0.5:
        posture = posture.mirrored()
    partner = None if place.partner is None else _direction_to(place, places[place.partner])
    stance = str(rng.choice(list(_STANCES), p=list(_STANCES.values())))
    if place.relation == TOUCHING and rng.random() < _TOUCHES:
        stance = REACHING
    posture = _in_stance(posture, stance, partner, rng)
    if partner is not None and rng.random() < _LOOKS:
        posture = stances.turn_head(posture, heading(partner[:2]), rng.normal(0.05, 0.15))
    return Act(stances.jitter(posture, rng), stance, clip.name)


def _direction_to(place: Place, other: Place) -> np.ndarray:
    """Horizontal vector (3,), metres, to another person, in the body frame of the one at place."""
    x, y = other.position - place.position
    return yaw_rotation(-place.yaw) @ np.array([x, y, 0.0])


def _in_stance(
    posture: Posture, stance: str, partner: np.ndarray | None, rng: np.random.Generator
) -> Posture:
    """The posture changed to one of _STANCES.

    Arms that reach or point go towards `partner` (3,), or in a random direction if that is None.
    """
    if stance in _MAKE:
        return _MAKE[stance](posture, rng)
    if stance == CAPTURED:
        return posture
    aim = _random_aim(rng) if partner is None else partner + np.array([0, 0, rng.normal(0, 0.25)])
    make = stances.reach if stance == REACHING else stances.point
    side = stances.nearer_side(aim, rng)
    posture = make(posture, rng, aim, side)
    return make(posture, rng, aim, OTHER_SIDE[side]) if rng.random() < _BOTH_ARMS else posture


def _random_aim(rng: np.random.Generator) -> np.ndarray:
    """A direction (3,) ahead, anywhere from low to high."""
    return np.array([rng.normal(0, 0.6), -1.0, rng.uniform(-1, 1)])
