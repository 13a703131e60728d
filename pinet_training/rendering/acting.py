"""Random postures for the people of a scene, given where each of them stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pinet_training.rendering import low_stances, stances
from pinet_training.rendering.motion import Motions
from pinet_training.rendering.places import CENTRE, CONTACT_RELATIONS, TOUCHING, Place
from pinet_training.rendering.posture import OTHER_SIDE, Posture, heading, yaw_rotation

CAPTURED, SITTING, REACHING = "captured", "sitting", "reaching"
CARRYING, HOLDING = "carrying", "holding"
SITTING_HIGH, SITTING_ON_STAIRS = "sitting high", "sitting on stairs"
ON_STAIRS, ON_FLOOR, LYING = "on stairs", "sitting on the floor", "lying"
AT_WALL, AT_COUNTER = "leaning on a wall", "leaning on a counter"

# Stances and their probabilities. People in the relation TOUCHING mostly reach, see _TOUCHES.
_STANCES = {
    CAPTURED: 0.365,
    SITTING: 0.1,
    SITTING_HIGH: 0.03,
    SITTING_ON_STAIRS: 0.02,
    ON_STAIRS: 0.025,
    ON_FLOOR: 0.04,
    LYING: 0.045,
    AT_WALL: 0.02,
    AT_COUNTER: 0.02,
    "crouching": 0.045,
    "kneeling": 0.045,
    "bending": 0.055,
    "leaning": 0.045,
    REACHING: 0.045,
    "pointing": 0.025,
    HOLDING: 0.015,
    CARRYING: 0.02,
    "hands up": 0.01,
    "waving": 0.01,
    "hands on hips": 0.01,
    "arms crossed": 0.01,
}
# What somebody amid a ring of others does.
_AMID = {LYING: 0.5, ON_FLOOR: 0.2, "kneeling": 0.15, SITTING: 0.15}
_MAKE = {
    SITTING: stances.sit,
    SITTING_HIGH: low_stances.sit_high,
    SITTING_ON_STAIRS: stances.sit,
    ON_STAIRS: low_stances.climb,
    ON_FLOOR: low_stances.sit_on_floor,
    LYING: low_stances.lie,
    AT_WALL: low_stances.lean_back,
    AT_COUNTER: low_stances.lean_ahead,
    "crouching": stances.crouch,
    "kneeling": stances.kneel,
    "bending": stances.bend,
    "leaning": stances.lean,
    HOLDING: stances.hold,
    CARRYING: stances.carry,
    "hands up": stances.raise_hands,
    "waving": stances.wave,
    "hands on hips": stances.hands_on_hips,
    "arms crossed": stances.cross_arms,
}
_STILL = (
    LYING,
    ON_FLOOR,
    ON_STAIRS,
    SITTING_ON_STAIRS,
    AT_WALL,
    AT_COUNTER,
)  # these have no jitter
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
    partner = _aim_of(place, places)
    shares = _AMID if place.relation == CENTRE else _STANCES
    stance = str(rng.choice(list(shares), p=list(shares.values())))
    if place.relation == TOUCHING and rng.random() < _TOUCHES:
        stance = REACHING
    posture = _in_stance(posture, stance, partner, rng)
    if partner is not None and stance != LYING and rng.random() < _LOOKS:
        posture = stances.turn_head(posture, heading(partner[:2]), rng.normal(0.05, 0.15))
    if stance not in _STILL:
        posture = stances.jitter(posture, rng)
    return Act(posture, stance, clip.name)


def upright_act(motions: Motions, rng: np.random.Generator) -> Act:
    """Draw what somebody who will be in contact with another does: stand or walk upright."""
    posture, clip, _ = motions.sample(rng)
    return Act(stances.stand(posture, rng), CAPTURED, clip.name)


def engaged(places: Sequence[Place]) -> list[tuple[int, int]]:
    """The pairs (first, second) of the people in contact, as indices into the places."""
    return [
        (place.partner, index)
        for index, place in enumerate(places)
        if place.relation in CONTACT_RELATIONS and place.partner is not None
    ]


def _aim_of(place: Place, places: Sequence[Place]) -> np.ndarray | None:
    """Horizontal vector (3,), metres, to what the person at place attends to, body frame."""
    if place.focus is not None:
        target = np.array(place.focus)
    elif place.partner is not None:
        target = places[place.partner].position
    else:
        return None
    x, y = target - place.position
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
