"""What carries people: stools, beds, stairs, walls and counters, made to fit a posed person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.acting import (
    AT_COUNTER,
    AT_WALL,
    LYING,
    ON_STAIRS,
    SITTING_HIGH,
    SITTING_ON_STAIRS,
)
from pinet_training.rendering.mesh import (
    PATTERN_BRICKS,
    PATTERN_CHECKS,
    PATTERN_NOISE,
    PATTERN_PLAIN,
    PATTERN_WOOD,
    Mesh,
)
from pinet_training.rendering.shapes import box, cone, join, random_paint

_SEAT_BELOW_HIPS = 0.09  # metres from the hip joints down to the seat
_SOLID = (PATTERN_PLAIN, PATTERN_WOOD, PATTERN_NOISE, PATTERN_BRICKS)
_WOVEN = (PATTERN_PLAIN, PATTERN_CHECKS, PATTERN_NOISE)
_ON_GROUND = 0.45  # share of the people lying who lie on the ground


@dataclass(frozen=True, eq=False)
class Support:
    """What carries a person.

    Attributes:
        lift: metres, of the person above the ground.
        meshes: in the body frame, for a person whose lowest point is at z = lift.
    """

    lift: float = 0.0
    meshes: tuple[Mesh, ...] = ()


def support_of(
    stance: str, joints: np.ndarray, vertices: np.ndarray, rng: np.random.Generator
) -> Support:
    """Make what carries a person in one of the stances that need something.

    Args:
        stance: of the person, see `acting`.
        joints: (17,3) metres, body frame, with the pelvis over the origin and the lowest point of
            the body at z = 0.
        vertices: (V,3) metres, of the body in the same frame.
        rng: decides sizes and looks.

    Returns:
        The support; nothing for the other stances and for most who lie on the ground.
    """
    if stance == SITTING_HIGH:
        return _high_seat(joints, rng)
    if stance == LYING:
        return _bed(joints, rng)
    if stance == ON_STAIRS:
        return _stairs_under_feet(joints, rng)
    if stance == SITTING_ON_STAIRS:
        return _stairs_under_seat(joints, rng)
    if stance == AT_WALL:
        return _wall(joints, vertices, rng)
    if stance == AT_COUNTER:
        return _counter(joints, rng)
    return Support()


def _joint(joints: np.ndarray, name: str) -> np.ndarray:
    return joints[MUPOTS_17.index(name)]


def _high_seat(joints: np.ndarray, rng: np.random.Generator) -> Support:
    """A bar stool, and in some cases a counter ahead."""
    lift = rng.uniform(0.08, 0.3)
    seat = _joint(joints, "pelvis")[2] - _SEAT_BELOW_HIPS + lift
    radius, paint = rng.uniform(0.16, 0.2), random_paint(rng, _SOLID, (1, 6))
    cushion = random_paint(rng, _WOVEN, (4, 20))
    parts = [
        cone((radius, radius), 0.06, cushion, (0, 0, seat - 0.06)),
        cone((0.025, 0.025), seat - 0.06, paint, sides=10),
        cone((radius * 1.1, radius), 0.03, paint),
    ]
    if rng.random() < 0.3:
        parts.append(box((2 * radius, 0.03, 0.3), cushion, (0, radius, seat + 0.2)))
    meshes = [join(parts)]
    if rng.random() < 0.35:
        knees = min(_joint(joints, f"{side}_knee")[1] for side in ("left", "right"))
        size = (rng.uniform(0.8, 2), 0.5, seat + rng.uniform(0.22, 0.32))
        front = box(size, random_paint(rng, _SOLID, (1, 6)), (0, knees - 0.38, size[2] / 2))
        meshes.append(front)
    return Support(lift, tuple(meshes))


def _bed(joints: np.ndarray, rng: np.random.Generator) -> Support:
    """A bed, a bench or a mat under somebody who lies along y; often only the ground."""
    if rng.random() < _ON_GROUND:
        return Support()
    low, high = joints.min(axis=0), joints.max(axis=0)
    height = float(rng.choice([rng.uniform(0.02, 0.12), rng.uniform(0.35, 0.65)]))
    width = max(rng.uniform(0.6, 1.5), 2 * np.abs(joints[:, 0]).max())
    length = high[1] - low[1] + rng.uniform(0.25, 0.5)
    middle = (high[1] + low[1]) / 2
    sheet = random_paint(rng, _WOVEN, (2, 12))
    frame = random_paint(rng, _SOLID, (1, 6))
    thick = min(height, 0.2)
    parts = [box((width, length, thick), sheet, (0, middle, height - thick / 2))]
    if height > thick:
        under = height - thick
        parts.append(box((width + 0.06, length + 0.06, under), frame, (0, middle, under / 2)))
        if rng.random() < 0.6:
            board = (width + 0.06, 0.05, height + rng.uniform(0.2, 0.5))
            parts.append(box(board, frame, (0, middle + length / 2 + 0.05, board[2] / 2)))
    return Support(height, (join(parts),))


def _stairs(
    rng: np.random.Generator, rise: float, depth: float, own: int, edge: float, upwards: int
) -> Mesh:
    """Stairs, of which step `own` (counted from 0, the ground) begins at y = edge.

    Args:
        rng: decides width, height and looks.
        rise, depth: metres, height and depth of each step.
        own: step that carries the person; its top is at own * rise.
        edge: metres, y of the front of that step.
        upwards: 1 if they go up towards +y, behind the person, -1 if they go up ahead.
    """
    width, paint = rng.uniform(1.0, 2.4), random_paint(rng, _SOLID, (1, 6))
    parts = []
    for step in range(1, own + int(rng.integers(2, 7))):
        y = edge + upwards * ((step - own) * depth + depth / 2)
        parts.append(box((width, depth, step * rise), paint, (0, y, step * rise / 2)))
    return join(parts)


def _stairs_under_feet(joints: np.ndarray, rng: np.random.Generator) -> Support:
    """Stairs that go up ahead of a person: one foot is on a step, the other on the next."""
    feet = sorted((_joint(joints, f"{s}_ankle") for s in ("left", "right")), key=lambda a: a[2])
    rise = float(np.clip(feet[1][2] - feet[0][2], 0.06, 0.35))
    depth = float(np.clip(feet[0][1] - feet[1][1], 0.2, 0.4))
    own = int(rng.integers(0, 4))
    # the upper step begins between heel and toes of the lower foot
    edge = feet[1][1] + 0.08
    meshes = (_stairs(rng, rise, depth, own + 1, edge, -1),)
    return Support(own * rise, meshes)


def _stairs_under_seat(joints: np.ndarray, rng: np.random.Generator) -> Support:
    """Stairs that go up behind a person who sits on one, the feet on a lower one."""
    seat = max(_joint(joints, "pelvis")[2] - _SEAT_BELOW_HIPS, 0.12)
    between = 1 if seat < 0.24 else 2
    rise, lower = seat / between, int(rng.integers(0, 3))
    depth = rng.uniform(0.24, 0.32)
    return Support(lower * rise, (_stairs(rng, rise, depth, lower + between, -0.14, 1),))


def _wall(joints: np.ndarray, vertices: np.ndarray, rng: np.random.Generator) -> Support:
    """A wall, a pillar or a railing on the side that a person leans to."""
    feet = (_joint(joints, "left_ankle") + _joint(joints, "right_ankle")) / 2
    x, y = (_joint(joints, "thorax") - feet)[:2]
    sideways = abs(x) > abs(y)
    axis, way = (0, np.sign(x)) if sideways else (1, np.sign(y))
    height = float(rng.choice([rng.uniform(1.0, 1.25), rng.uniform(1.9, 2.6)]))
    trunk = vertices[(vertices[:, 2] < height) & (vertices[:, 2] > 0.5)]
    reach = float((way * trunk[:, axis]).max()) if len(trunk) else 0.3
    thick, wide = rng.uniform(0.1, 0.4), rng.uniform(0.3, 1.6)
    size = np.array([thick, wide, height] if sideways else [wide, thick, height])
    centre = np.array([0.0, 0.0, height / 2])
    centre[axis] = way * (reach + thick / 2 - 0.01)
    return Support(meshes=(box(size, random_paint(rng, _SOLID, (1, 6)), centre),))


def _counter(joints: np.ndarray, rng: np.random.Generator) -> Support:
    """A counter, a table or a railing under the hands of a person."""
    wrists = [_joint(joints, f"{side}_wrist") for side in ("left", "right")]
    height = max(min(wrist[2] for wrist in wrists) - 0.05, 0.3)
    edge = max(wrist[1] for wrist in wrists) + 0.02
    depth, width = rng.choice([0.06, rng.uniform(0.4, 0.7)]), rng.uniform(0.9, 2.4)
    depth = max(depth, edge - min(wrist[1] for wrist in wrists) + 0.12)
    paint, top = random_paint(rng, _SOLID, (1, 6)), random_paint(rng, _SOLID, (1, 6))
    middle = edge - depth / 2
    parts = [box((width, depth, 0.04), top, (0, middle, height - 0.02))]
    if rng.random() < 0.6:
        parts.append(
            box((width - 0.1, depth - 0.04, height - 0.04), paint, (0, middle, height / 2 - 0.02))
        )
    else:
        post = (0.05, 0.05, height - 0.04)
        parts += [box(post, paint, (x * (width / 2 - 0.05), middle, post[2] / 2)) for x in (-1, 1)]
    return Support(meshes=(join(parts),))
