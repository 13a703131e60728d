"""Contact of two people: shaking hands, handing over, hugging, arm in arm, carrying and the like.

Each kind moves the second person to a fitting distance, then bends arms towards points on the
other's body. Bodies are of any size, so a contact that arms cannot reach is given up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pinet_training.rendering.furniture import random_thing
from pinet_training.rendering.limbs import with_leg
from pinet_training.rendering.mesh import Mesh
from pinet_training.rendering.performers import Performer
from pinet_training.rendering.posture import OTHER_SIDE, SIDES, heading, yaw_rotation
from pinet_training.rendering.posture import ahead as ahead_of

_MISSED = 0.05  # metres from the palm to its target, at most
_UP = np.array([0.0, 0.0, 1.0])
# Where elbows go to: outwards, back, up in the chest's frame.
_DOWN, _OUT, _OVER, _BEHIND = (0.5, 0.3, -1.0), (1.0, 0.1, -0.3), (1.0, 0.1, 0.05), (0.4, 1.0, 0.2)


@dataclass(frozen=True, eq=False)
class Contact:
    """Two people in contact.

    Attributes:
        first, second: the people; the second was moved to the first.
        things: what they hold, in the world frame.
        reached: whether all palms came to their targets.
    """

    first: Performer
    second: Performer
    things: tuple[Mesh, ...] = ()
    reached: bool = True


def join_in_contact(
    relation: str, first: Performer, second: Performer, rng: np.random.Generator
) -> Contact | None:
    """Bring two people in contact.

    Args:
        relation: one of CONTACTS, of the second person to the first one.
        first, second: the people, each standing upright at a place.
        rng: decides distances, sides and things.

    Returns:
        The contact; None if somebody's arms are too short for it.
    """
    contact = CONTACTS[relation](first, second, rng)
    return contact if contact.reached else None


def hold_thing(performer: Performer, rng: np.random.Generator) -> tuple[Performer, list[Mesh]]:
    """Put a box, or another large thing, between both palms of somebody; returns both.

    If the arms do not reach around the thing, nothing is held.
    """
    size, thing = random_thing(rng, large=True)
    belly = performer.rig.depth(performer.body)[0]
    height = rng.uniform(-0.05, 0.9)  # from the hips to the upper chest
    pelvis, thorax = performer.joint("pelvis"), performer.joint("thorax")
    middle = pelvis + height * (thorax - pelvis) + (belly + size[1] / 2 + 0.06) * performer.front
    points = {
        side: middle + (way * size[0] / 2) * performer.left - 0.2 * size[2] * _UP
        for side, way in (("left", 1), ("right", -1))
    }
    holding, reached = _reach_both(performer, points, _OUT)
    if not reached:
        return performer, []
    return holding, [thing.transformed(yaw_rotation(performer.place.yaw), middle)]


def _reach(
    performer: Performer, side: str, point: np.ndarray, elbow: tuple[float, float, float]
) -> tuple[Performer, bool]:
    """The performer with a palm at a point (3,), world frame, and whether it came there."""
    reaching = performer.with_palm_at(side, point, elbow)
    return reaching, bool(np.linalg.norm(reaching.palm(side) - point) < _MISSED)


def _reach_both(
    performer: Performer,
    points: dict[str, np.ndarray],
    elbow: tuple[float, float, float],
) -> tuple[Performer, bool]:
    """As `_reach`, with the palms of several sides at their points."""
    reached = True
    for side, point in points.items():
        performer, came = _reach(performer, side, point, elbow)
        reached &= came
    return performer, reached


def _before(
    first: Performer, second: Performer, distance: float, rng: np.random.Generator
) -> Performer:
    """The second person in front of the first one, face to face."""
    way = ahead_of(first.place.yaw + rng.normal(0, 0.08))
    return second.at(first.place.position + distance * way, heading(-way))


def _beside(
    first: Performer, second: Performer, distance: float, rng: np.random.Generator
) -> Performer:
    """The second person beside the first one, on the side where it stands, facing the same way."""
    side = first.left[:2]
    side = side if (second.place.position - first.place.position) @ side > 0 else -side
    aside = first.place.position + distance * side + rng.normal(0, 0.03) * first.front[:2]
    return second.at(aside, first.place.yaw + rng.normal(0, 0.08))


def _arm(performer: Performer) -> float:
    """Length of an arm down to the wrist, metres."""
    shoulder, elbow, wrist = (performer.joint(f"left_{j}") for j in ("shoulder", "elbow", "wrist"))
    return float(np.linalg.norm(elbow - shoulder) + np.linalg.norm(wrist - elbow))


def _shake_hands(first: Performer, second: Performer, rng: np.random.Generator) -> Contact:
    arms = _arm(first) + _arm(second)
    second = _before(first, second, rng.uniform(0.6, 0.75) * arms, rng)
    side = "left" if rng.random() < 0.1 else "right"
    shoulders = [one.joint(f"{side}_shoulder") for one in (first, second)]
    middle = np.mean(shoulders, axis=0) - rng.uniform(0.22, 0.3) * arms * _UP
    (first, one), (second, two) = (_reach(each, side, middle, _DOWN) for each in (first, second))
    if rng.random() < 0.15:  # a second hand on the other's
        second, _ = _reach(second, OTHER_SIDE[side], middle + 0.02 * _UP, _DOWN)
    return Contact(first, second, reached=one and two)


def _hand_over(first: Performer, second: Performer, rng: np.random.Generator) -> Contact:
    arms = _arm(first) + _arm(second)
    second = _before(first, second, rng.uniform(0.65, 0.85) * arms, rng)
    both = rng.random() < 0.4  # a large thing, held with both hands
    size, thing = random_thing(rng, large=both)
    chests = [one.joint("thorax") for one in (first, second)]
    middle = np.mean(chests, axis=0) - rng.uniform(0.1, 0.28) * arms * _UP
    reached, performers = True, []
    for each in (first, second):
        towards = each.joint("thorax") - middle
        towards = size[1] * 0.3 * towards / max(np.linalg.norm(towards[:2]), 0.1) * [1, 1, 0]
        if both:
            points = {
                s: middle + towards + (1 if s == "left" else -1) * (size[0] / 2) * each.left
                for s in SIDES
            }
        else:
            points = {"left" if rng.random() < 0.2 else "right": middle + towards}
        performer, came = _reach_both(each, points, _DOWN)
        performers.append(performer)
        reached &= came
    held = thing.transformed(yaw_rotation(first.place.yaw), middle)
    return Contact(performers[0], performers[1], (held,), reached)


def _hug(first: Performer, second: Performer, rng: np.random.Generator) -> Contact:
    bellies = [one.rig.depth(one.body)[0] for one in (first, second)]
    second = _before(first, second, sum(bellies) + rng.uniform(-0.04, 0.04), rng)
    tall, small = sorted((first, second), key=lambda one: -one.joint("thorax")[2])
    (tall, one), (small, two) = (
        _embrace(tall, small, over=True),
        _embrace(small, tall, over=False),
    )
    ordered = (tall, small) if tall.place == first.place else (small, tall)
    return Contact(*ordered, reached=one and two)


def _embrace(performer: Performer, other: Performer, over: bool) -> tuple[Performer, bool]:
    """Both palms on the other's back, over the other's arms or under them."""
    back = other.rig.depth(other.body)[1]
    height = 0.05 if over else 0.4
    thorax, pelvis = other.joint("thorax"), other.joint("pelvis")
    spine = thorax + height * (pelvis - thorax) - (back * 0.9) * other.front
    points = {s: spine + (0.08 if s == "left" else -0.08) * performer.left for s in SIDES}
    return _reach_both(performer, points, _OVER if over else _OUT)


def _put_hand_on_shoulder(
    first: Performer, second: Performer, rng: np.random.Generator
) -> Contact:
    second = second.at(*_somewhere_near(first, second, rng))
    side = first.nearer_side(second.joint("thorax"))
    target = first.joint(f"{side}_shoulder") + 0.06 * _UP
    second, reached = _reach(second, second.nearer_side(target), target, _OUT)
    return Contact(first, second, reached=reached)


def _somewhere_near(
    first: Performer, second: Performer, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Position (2,) and yaw of somebody at arm's length from another, who looks there."""
    way = second.place.position - first.place.position
    way = way / max(np.linalg.norm(way), 1e-6)
    distance = rng.uniform(0.42, 0.55)
    return first.place.position + distance * way, heading(-way) + rng.normal(0, 0.3)


def _put_arm_around(first: Performer, second: Performer, rng: np.random.Generator) -> Contact:
    second = _beside(first, second, rng.uniform(0.4, 0.5), rng)
    far = OTHER_SIDE[first.nearer_side(second.joint("pelvis"))]
    near = 1 if far == "right" else -1  # the hand comes from the left, or from the right
    target = first.joint(f"{far}_shoulder") + 0.05 * _UP + 0.05 * near * first.left
    target -= 0.06 * first.front
    second, reached = _reach(second, far, target, _BEHIND)
    if rng.random() < 0.4:  # the other one does the same, around the waist
        waist = second.joint("spine") - second.rig.depth(second.body)[1] * second.front
        inner = first.nearer_side(second.joint("pelvis"))
        first, _ = _reach(first, inner, waist, _BEHIND)
    return Contact(first, second, reached=reached)


def _walk_arm_in_arm(first: Performer, second: Performer, rng: np.random.Generator) -> Contact:
    second = _beside(first, second, rng.uniform(0.4, 0.48), rng)
    inner = first.nearer_side(second.joint("pelvis"))
    belly = first.joint("pelvis") + (first.rig.depth(first.body)[0] + 0.08) * first.front
    towards = 0.12 * (1 if inner == "left" else -1) * first.left
    first, bent = _reach(first, inner, belly + towards + rng.uniform(0.1, 0.2) * _UP, _OUT)
    elbow, wrist = first.joint(f"{inner}_elbow"), first.joint(f"{inner}_wrist")
    target = elbow + rng.uniform(0.3, 0.6) * (wrist - elbow) + 0.05 * _UP
    second, reached = _reach(second, OTHER_SIDE[inner], target, _DOWN)
    return Contact(first, second, reached=bent and reached)


def _hold_hands(first: Performer, second: Performer, rng: np.random.Generator) -> Contact:
    second = _beside(first, second, rng.uniform(0.5, 0.7), rng)
    inner = first.nearer_side(second.joint("pelvis"))
    shoulders = [first.joint(f"{inner}_shoulder"), second.joint(f"{OTHER_SIDE[inner]}_shoulder")]
    arms = _arm(first) + _arm(second)
    middle = np.mean(shoulders, axis=0) - rng.uniform(0.38, 0.46) * arms * _UP
    middle += rng.uniform(-0.1, 0.15) * first.front
    first, one = _reach(first, inner, middle, _DOWN)
    second, two = _reach(second, OTHER_SIDE[inner], middle, _DOWN)
    return Contact(first, second, reached=one and two)


def _lean_on(first: Performer, second: Performer, rng: np.random.Generator) -> Contact:
    second = _beside(first, second, rng.uniform(0.5, 0.62), rng)
    inner = first.nearer_side(second.joint("pelvis"))
    side = OTHER_SIDE[inner]
    tilt = np.radians(rng.uniform(7, 14)) * (1 if side == "left" else -1)
    second = second.with_posture(second.act.posture.tilted(tilt))
    target = first.joint(f"{inner}_shoulder") + 0.06 * _UP
    second, reached = _reach(second, side, target, _OUT)
    return Contact(first, second, reached=reached)


def _carry(first: Performer, second: Performer, rng: np.random.Generator) -> Contact:
    """The first person carries the second, a small child, before the chest or on the back."""
    on_back = rng.random() < 0.35
    legs = second.act.posture
    for side in SIDES:
        legs = with_leg(legs, side, rng.normal(85, 6), rng.normal(85, 10), 40, 0.75)
    second = second.with_posture(legs)
    front, back = first.rig.depth(first.body)
    gap = second.rig.depth(second.body)[0] * 0.8
    distance = -(back + gap) if on_back else front + gap
    yaw = first.place.yaw if on_back else first.place.yaw + np.pi
    second = second.at(first.place.position + distance * first.front[:2], yaw)
    height = first.joint("spine")[2] + rng.uniform(-0.08, 0.04)
    second = second.lifted(height - second.joint("pelvis")[2])
    if on_back:
        points = {s: second.joint(f"{s}_knee") - 0.06 * _UP for s in SIDES}
        first, one = _reach_both(first, points, (0.6, 0.9, -0.6))
    else:
        bottom = second.joint("pelvis") - 0.08 * _UP - 0.03 * second.front
        ribs = second.joint("spine") - second.rig.depth(second.body)[1] * second.front
        side = SIDES[rng.integers(2)]
        first, one = _reach_both(first, {side: bottom, OTHER_SIDE[side]: ribs}, _OUT)
    shoulders = {
        s: first.joint(f"{s if on_back else OTHER_SIDE[s]}_shoulder") + 0.05 * _UP for s in SIDES
    }
    second, _ = _reach_both(second, shoulders, _OUT)
    return Contact(first, second, reached=one)


CONTACTS: dict[str, Callable[[Performer, Performer, np.random.Generator], Contact]] = {
    "shaking hands": _shake_hands,
    "handing over": _hand_over,
    "hugging": _hug,
    "hand on shoulder": _put_hand_on_shoulder,
    "arm around": _put_arm_around,
    "arm in arm": _walk_arm_in_arm,
    "holding hands": _hold_hands,
    "leaning on somebody": _lean_on,
    "carrying somebody": _carry,
}
