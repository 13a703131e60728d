"""Stances on the floor, on high seats and on stairs, made from a posture that faces the front.

For the angles of a leg see `limbs`. What carries the person is made by `supports`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from pinet_training.rendering.limbs import (
    FLAT_FOOT,
    sign_of,
    with_arm,
    with_arms,
    with_leg,
    with_torso,
)
from pinet_training.rendering.posture import OTHER_SIDE, SIDES, Posture, unit

_TIPPED = -90.0  # degrees that a lying person is tipped forward
_TIPS = {"back": 0.4, "side": 0.35, "front": 0.25}  # how people lie, with probabilities


def sit_on_floor(posture: Posture, rng: np.random.Generator) -> Posture:
    """Sit on the floor: legs straight ahead, crossed, drawn up, or to one side."""
    kind = str(rng.choice(["straight", "crossed", "drawn up", "aside"]))
    lean = {"straight": -15, "crossed": 10, "drawn up": 5, "aside": 5}[kind] + rng.normal(0, 7)
    seated = with_torso(posture, rng, (0.5 * lean - 8, lean, 0.2 * lean))
    aside = SIDES[rng.integers(2)]
    for side in SIDES:
        if kind == "straight":
            thigh = rng.uniform(89, 105)  # knees may be raised a little
            seated = with_leg(seated, side, thigh, 2 * (thigh - 89), rng.normal(150, 8), 0.2)
        elif kind == "crossed":
            seated = _with_crossed_leg(seated, side, rng)
        elif kind == "drawn up":
            thigh = rng.uniform(118, 150)
            shin = np.degrees(np.arccos(0.03 - np.cos(np.radians(thigh))))  # down to the floor
            seated = with_leg(seated, side, thigh, thigh - shin, FLAT_FOOT + 10, 0.15)
        else:
            seated = _with_leg_aside(seated, side, sign_of(aside), rng)
    if kind == "straight" and rng.random() < 0.6:  # props itself up behind
        for side in SIDES:
            arm = np.array([[0.35, 0.75, -1], [0.1, 0.25, -1]]) * [sign_of(side), 1, 1]
            seated = with_arm(seated, side, *arm)
        return seated
    return with_arms(seated, rng, "hold" if kind == "drawn up" else "lap")


def sit_high(posture: Posture, rng: np.random.Generator) -> Posture:
    """Sit on a high stool: thighs slope down, feet hang or stand on a rung."""
    lean = rng.uniform(-5, 25)
    seated = with_torso(posture, rng, (lean / 2 - rng.uniform(0, 10), lean, 0.3 * lean))
    swing, flexion, spread = rng.uniform(60, 85), rng.uniform(50, 95), rng.uniform(0.05, 0.5)
    for side in SIDES:
        thigh, knee = rng.normal(swing, 5), rng.normal(flexion, 8)
        seated = with_leg(seated, side, thigh, knee, rng.normal(FLAT_FOOT - 15, 10), spread)
    arms = str(rng.choice(["lap", "table", "as they were"]))
    return seated if arms == "as they were" else with_arms(seated, rng, arms)


def climb(posture: Posture, rng: np.random.Generator) -> Posture:
    """Step on stairs: one foot a step higher than the other and ahead of it."""
    lean = rng.uniform(0, 15)
    stepping = with_torso(posture, rng, (0.3 * lean, lean, rng.uniform(-5, 25)))
    upper = SIDES[rng.integers(2)]
    thigh = rng.uniform(44, 54)
    stepping = with_leg(stepping, upper, thigh, thigh + rng.uniform(10, 18), FLAT_FOOT, 0.05)
    lower = rng.uniform(-4, 4)
    return with_leg(
        stepping,
        OTHER_SIDE[upper],
        lower,
        rng.uniform(4, 10),
        FLAT_FOOT - rng.uniform(0, 25),
        0.05,
    )


def lie(posture: Posture, rng: np.random.Generator) -> Posture:
    """Lie on the back, on one side or on the front, the feet towards the front (-y)."""
    kind = str(rng.choice(list(_TIPS), p=list(_TIPS.values())))
    lying = _stretched(posture, rng, kind)
    if kind == "side":
        side = SIDES[rng.integers(2)]
        roll = Rotation.from_euler("z", 90 * sign_of(side) + rng.normal(0, 8), degrees=True)
        lying = _rotated(lying, roll.as_matrix())
    if kind == "front":
        lying = lying.turned(np.pi)
    tip = Rotation.from_euler("x", _TIPPED, degrees=True)
    return _above_ground(_rotated(lying, tip.as_matrix()))


def lean_back(posture: Posture, rng: np.random.Generator) -> Posture:
    """Lean back or to one side, straight, as against a wall; arms crossed or as they were."""
    if rng.random() < 0.6:
        axis, angle = "x", -rng.uniform(6, 15)
    else:
        axis, angle = "y", rng.choice([-1, 1]) * rng.uniform(6, 13)
    straight = with_torso(posture, rng, (0, 0, rng.uniform(0, 15)))
    bent = SIDES[rng.integers(2)] if rng.random() < 0.4 else None
    for side in SIDES:
        flexion = rng.uniform(25, 50) if side == bent else rng.uniform(0, 6)
        straight = with_leg(straight, side, 0.6 * flexion, flexion, FLAT_FOOT, 0.08)
    arms = str(rng.choice(["crossed", "hold", "as they were"]))
    if arms != "as they were":
        straight = with_arms(straight, rng, arms)
    tilt = Rotation.from_euler(axis, angle, degrees=True).as_matrix()
    feet = {f"{side}_foot": straight.limb(f"{side}_foot") for side in SIDES}
    return _rotated(straight, tilt).with_limbs(feet)


def lean_ahead(posture: Posture, rng: np.random.Generator) -> Posture:
    """Lean ahead on both hands, as on a counter or a railing."""
    lean = rng.uniform(15, 45)
    bent = with_torso(posture, rng, (0.4 * lean, lean, rng.uniform(-0.3, 0.5) * lean))
    flexion = rng.uniform(0, 25)
    down = rng.uniform(0.7, 1.5)
    for side in SIDES:
        bent = with_leg(bent, side, 0.6 * flexion - 4, flexion, FLAT_FOOT, rng.uniform(0.05, 0.2))
        arm = np.array([[0.2, -0.5, -down], [-0.1, -0.7, -down]]) * [sign_of(side), 1, 1]
        bent = with_arm(bent, side, *arm)
    return bent


def _stretched(posture: Posture, rng: np.random.Generator, kind: str) -> Posture:
    """An upright posture that lies on back, side or front when it is tipped over."""
    bend = {"back": 0, "side": 20, "front": 0}[kind]
    chest = Rotation.from_euler("xz", rng.normal([bend / 2, 0], 4), degrees=True).as_matrix()
    turn = rng.normal(0, 25) if kind == "back" else rng.choice([-1, 1]) * 60 * (kind == "front")
    head = chest @ Rotation.from_euler("z", turn, degrees=True).as_matrix()
    body = replace(posture, pelvis=np.eye(3), chest=chest, head=head)
    raised = rng.uniform(35, 65) if kind == "back" and rng.random() < 0.35 else 0.0
    for side in SIDES:
        if kind == "back":
            thigh = raised + rng.uniform(0, 6)
            flexion = 2 * raised * rng.uniform(0.98, 1.04)
        elif kind == "side":
            thigh, flexion = rng.uniform(5, 75), rng.uniform(10, 100)
        else:
            thigh, flexion = 0.0, rng.uniform(0, 6)
        foot = 20 if kind == "front" else rng.normal(60, 8)
        spread = 0.0 if kind == "side" else rng.uniform(0.02, 0.25)
        body = with_leg(body, side, thigh, flexion, foot, spread)
        body = with_arm(body, side, *_lying_arm(side, kind, rng))
    return body


def _lying_arm(side: str, kind: str, rng: np.random.Generator) -> np.ndarray:
    """Directions (2,3) of an arm: beside the body, out to the side, up, or on the belly."""
    if kind == "side":
        arm = np.array([[0.1, -1, rng.uniform(-0.8, 0.3)], [-0.1, -1, rng.uniform(-0.3, 1)]])
    else:
        arms = (
            [[0.3, 0, -1], [0.2, 0, -1]],
            [[1, 0, rng.uniform(-0.6, 0.4)], [0.8, 0, rng.uniform(-0.8, 0.8)]],
            [[0.9, 0, 0.5], [-0.5, 0, 1]],
            [[0.4, 0, -1], [-1, -0.55, 0.1]],
        )
        arm = np.array(arms[rng.integers(3 if kind == "front" else 4)], float)
    return arm * [sign_of(side), 1, 1]


def _with_crossed_leg(posture: Posture, side: str, rng: np.random.Generator) -> Posture:
    """A leg of somebody who sits cross-legged: thigh out and ahead, shin across."""
    outwards = sign_of(side)
    return posture.with_limbs(
        {
            f"{side}_thigh": np.array([0.8 * outwards, -0.75, rng.uniform(0.12, 0.35)]),
            f"{side}_shin": np.array([-outwards, -0.12 - 0.25 * (side == "left"), -0.12]),
            f"{side}_foot": np.array([-0.7 * outwards, -0.7, 0.1]),
        }
    )


def _with_leg_aside(posture: Posture, side: str, way: int, rng: np.random.Generator) -> Posture:
    """A leg of somebody who sits with both knees to one side; `way` is 1 for the left."""
    return posture.with_limbs(
        {
            f"{side}_thigh": np.array([0.55 * way, -0.8, rng.uniform(0.04, 0.15)]),
            f"{side}_shin": np.array([0.5 * way, 0.85, rng.uniform(-0.1, 0)]),
            f"{side}_foot": np.array([0.6 * way, 0.7, 0.05]),
        }
    )


def _rotated(posture: Posture, rotation: np.ndarray) -> Posture:
    """The posture of the whole person rotated by a matrix (3,3)."""
    torso = (rotation @ part for part in (posture.pelvis, posture.chest, posture.head))
    return Posture(*torso, limbs=posture.limbs @ rotation.T)


def _above_ground(posture: Posture) -> Posture:
    """The posture with no arm that points into the ground."""
    arms = {}
    for side in SIDES:
        for part in ("upper_arm", "forearm"):
            x, y, z = posture.limb(f"{side}_{part}")
            arms[f"{side}_{part}"] = unit([x, y, max(z, -0.05 if part == "upper_arm" else 0.0)])
    return posture.with_limbs(arms)
