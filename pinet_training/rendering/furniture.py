"""Furniture that occludes people: each piece on the ground around the origin, in metres."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pinet_training.rendering.mesh import (
    PATTERN_CHECKS,
    PATTERN_NOISE,
    PATTERN_PLAIN,
    PATTERN_STRIPES_ACROSS,
    PATTERN_STRIPES_ALONG,
    PATTERN_WOOD,
    Mesh,
)
from pinet_training.rendering.posture import yaw_rotation
from pinet_training.rendering.shapes import Paint, ball, box, cone, join, random_paint

_SOLID = (PATTERN_PLAIN, PATTERN_WOOD, PATTERN_NOISE)
_WOVEN = (PATTERN_PLAIN, PATTERN_CHECKS, PATTERN_STRIPES_ALONG, PATTERN_NOISE)


@dataclass(frozen=True, eq=False)
class Piece:
    """A piece of furniture.

    Attributes:
        mesh: metres; its front faces -y, like a person's.
        radius: metres, of the circle around the origin that contains it.
        seat: metres, height of the seat; None if it is not for sitting.
    """

    mesh: Mesh
    radius: float
    seat: float | None = None

    def placed(self, x: float, y: float, yaw: float) -> Mesh:
        """The mesh rotated by yaw, radians, and moved to x and y, metres, on the ground."""
        return self.mesh.transformed(yaw_rotation(yaw), np.array([x, y, 0.0]))


def table(rng: np.random.Generator) -> Piece:
    """A table: a top on four legs, or with a cloth down to the floor."""
    width, depth, height = rng.uniform(0.7, 2.0), rng.uniform(0.5, 0.95), rng.uniform(0.5, 0.95)
    top = box((width, depth, 0.04), _solid(rng), (0, 0, height - 0.02))
    if rng.random() < 0.25:
        cloth = random_paint(rng, _WOVEN, (2, 12))
        fall = height - 0.04
        hanging = box((width - 0.02, depth - 0.02, fall), cloth, (0, 0, fall / 2))
        return Piece(join([top, hanging]), float(np.hypot(width, depth) / 2))
    legs = _legs(width - 0.1, depth - 0.1, height - 0.04, rng.uniform(0.03, 0.08), _solid(rng))
    return Piece(join([top, legs]), float(np.hypot(width, depth) / 2))


def chair(rng: np.random.Generator) -> Piece:
    """A chair: a seat on four legs, with a back at +y and sometimes armrests."""
    width, seat = rng.uniform(0.4, 0.55), rng.uniform(0.42, 0.5)
    wood, cushion = _solid(rng), random_paint(rng, _WOVEN, (4, 20))
    back = rng.uniform(0.35, 0.6)
    parts = [
        box((width, width, 0.05), cushion, (0, 0, seat - 0.025)),
        box((width, 0.04, back), cushion, (0, width / 2, seat + back / 2)),
        _legs(width - 0.05, width - 0.05, seat - 0.05, rng.uniform(0.025, 0.05), wood),
    ]
    if rng.random() < 0.3:
        parts += [
            box((0.05, width, 0.04), wood, (side * width / 2, 0, seat + 0.2)) for side in (-1, 1)
        ]
    return Piece(join(parts), 0.75 * width, seat)


def stool(rng: np.random.Generator) -> Piece:
    """A stool: a round seat on one leg."""
    radius, seat = rng.uniform(0.15, 0.22), rng.uniform(0.42, 0.75)
    paint = _solid(rng)
    parts = [
        cone((radius, radius), 0.05, random_paint(rng, _WOVEN, (4, 20)), (0, 0, seat - 0.05)),
        cone((0.03, 0.03), seat - 0.05, paint),
        cone((radius, radius * 0.8), 0.03, paint),
    ]
    return Piece(join(parts), radius, seat)


def crate(rng: np.random.Generator) -> Piece:
    """A crate, or two on top of each other."""
    size = rng.uniform(0.25, 0.9, 3)
    parts = [box(size, _solid(rng), (0, 0, size[2] / 2))]
    if rng.random() < 0.35:
        upper = size * rng.uniform(0.4, 0.95, 3)
        parts.append(box(upper, _solid(rng), (0, 0, size[2] + upper[2] / 2)))
    return Piece(join(parts), float(np.hypot(*size[:2]) / 2))


def sofa(rng: np.random.Generator) -> Piece:
    """A sofa for one to three people, with a back at +y."""
    width, seat = rng.uniform(0.8, 2.2), rng.uniform(0.38, 0.46)
    back = rng.uniform(0.3, 0.5)
    paint = random_paint(rng, _WOVEN, (2, 12))
    parts = [
        box((width, 0.85, seat), paint, (0, 0, seat / 2)),
        box((width, 0.2, seat + back), paint, (0, 0.45, (seat + back) / 2)),
    ]
    parts += [
        box((0.18, 0.9, seat + 0.18), paint, (side * width / 2, 0.03, (seat + 0.18) / 2))
        for side in (-1, 1)
    ]
    parts += [
        ball((0.2, 0.1, 0.2), random_paint(rng, _WOVEN, (5, 20)), (x, 0.26, seat + 0.17))
        for x in rng.uniform(-0.35, 0.35, rng.integers(0, 3)) * width
    ]
    return Piece(join(parts), float(np.hypot(width + 0.18, 1.0) / 2 + 0.05), seat)


def counter(rng: np.random.Generator) -> Piece:
    """A counter: a closed front under a top that overhangs a little, with things on it."""
    width, depth, height = rng.uniform(1.2, 3.0), rng.uniform(0.4, 0.7), rng.uniform(0.8, 1.15)
    front = random_paint(rng, (*_SOLID, PATTERN_STRIPES_ALONG), (1, 6))
    parts = [
        box((width, depth, height - 0.04), front, (0, 0, height / 2 - 0.02)),
        box((width + 0.06, depth + 0.06, 0.04), _solid(rng), (0, 0, height - 0.02)),
    ]
    parts += [
        cone((0.06, 0.04), rng.uniform(0.1, 0.3), random_paint(rng), (x, 0, height))
        for x in rng.uniform(-0.45, 0.45, rng.integers(0, 4)) * width
    ]
    return Piece(join(parts), float(np.hypot(width + 0.06, depth + 0.06) / 2))


def shelf(rng: np.random.Generator) -> Piece:
    """A shelf: boards with books and boxes on them; the back at +y is closed."""
    width, height, depth = rng.uniform(0.6, 1.6), rng.uniform(0.9, 2.1), rng.uniform(0.25, 0.45)
    paint = _solid(rng)
    boards = int(rng.integers(3, 6))
    levels = np.linspace(0.03, height - 0.015, boards)
    parts = [box((width, depth, 0.03), paint, (0, 0, z)) for z in levels]
    parts += [box((0.03, depth, height), paint, (s * width / 2, 0, height / 2)) for s in (-1, 1)]
    parts.append(box((width, 0.02, height), paint, (0, depth / 2, height / 2)))
    gap = levels[1] - levels[0]
    for z in levels[:-1]:
        for x in rng.uniform(-0.4, 0.4, rng.integers(0, 5)) * width:
            size = np.array([rng.uniform(0.04, 0.3), depth * 0.7, gap * rng.uniform(0.3, 0.85)])
            x = np.clip(x, (size[0] - width) / 2 + 0.02, (width - size[0]) / 2 - 0.02)
            thing = random_paint(rng, (PATTERN_PLAIN, PATTERN_STRIPES_ALONG), (10, 25))
            parts.append(box(size, thing, (x, 0, z + 0.015 + size[2] / 2)))
    return Piece(join(parts), float(np.hypot(width + 0.03, depth + 0.02) / 2))


def plant(rng: np.random.Generator) -> Piece:
    """A plant: a pot, a stem, and leaves as green blobs."""
    pot, height = rng.uniform(0.12, 0.25), rng.uniform(0.5, 1.8)
    spread = rng.uniform(0.15, 0.4)
    bark = Paint(np.array([0.12, 0.07, 0.04]), PATTERN_NOISE, 20.0)
    parts = [
        cone((pot * 0.75, pot), 0.35, random_paint(rng)),
        cone((0.025, 0.02), height * 0.8, bark, sides=8),
    ]
    for _ in range(int(rng.integers(4, 9))):
        green = np.array([0.08, 0.22, 0.05]) * rng.uniform(0.4, 1.6)
        centre = rng.normal(0, 0.45, 3) * spread + np.array([0, 0, height])
        leaves = Paint(green, PATTERN_NOISE, rng.uniform(15, 40))
        size = spread * rng.uniform(0.35, 0.8, 3)
        parts.append(ball(size, leaves, np.maximum(centre, [-9, -9, 0.45])))
    mesh = join(parts)
    return Piece(mesh, float(np.linalg.norm(mesh.vertices[:, :2], axis=1).max()))


def barrier(rng: np.random.Generator) -> Piece:
    """A barrier: a board, often striped, on two feet."""
    width, height = rng.uniform(1.0, 2.4), rng.uniform(0.7, 1.1)
    paint = _solid(rng)
    stripes = random_paint(rng, (PATTERN_STRIPES_ALONG, PATTERN_PLAIN), (1.5, 4))
    board = rng.uniform(0.15, 0.4)
    parts = [box((width, 0.04, board), stripes, (0, 0, height - board / 2))]
    for x in (-0.42 * width, 0.42 * width):
        parts.append(box((0.05, 0.05, height - 0.05), paint, (x, 0.03, height / 2)))
        parts.append(box((0.06, 0.5, 0.05), paint, (x, 0, 0.025)))
    return Piece(join(parts), float(np.hypot(width, 0.5) / 2))


def barrel(rng: np.random.Generator) -> Piece:
    """A drum, a bin or a bollard."""
    radius, height = rng.uniform(0.12, 0.35), rng.uniform(0.5, 1.1)
    patterns = (PATTERN_PLAIN, PATTERN_STRIPES_ACROSS, PATTERN_NOISE)
    paint = random_paint(rng, patterns, (1.5, 5))
    parts = [
        cone((radius, radius * rng.uniform(0.8, 1)), height, paint),
        cone((radius * 1.05, radius * 1.05), 0.04, _solid(rng), (0, 0, height)),
    ]
    return Piece(join(parts), radius * 1.05)


def random_thing(rng: np.random.Generator, large: bool) -> tuple[np.ndarray, Mesh]:
    """Draw a thing that people hold, around the origin: its size (3,) in metres, and its mesh.

    Args:
        rng: decides size and look.
        large: for two hands, as a box; otherwise a bottle, a ball, a book or a small box.
    """
    paint = random_paint(rng, (*_SOLID, PATTERN_STRIPES_ACROSS), (2, 15))
    if large:
        size = rng.uniform([0.22, 0.15, 0.12], [0.42, 0.32, 0.35])
        return size, box(size, paint)
    kind = rng.integers(4)
    if kind == 0:
        radius, height = rng.uniform(0.025, 0.05), rng.uniform(0.1, 0.28)
        size = np.array([2 * radius, 2 * radius, height])
        return size, cone((radius, 0.7 * radius), height, paint, (0, 0, -height / 2), sides=12)
    if kind == 1:
        size = np.full(3, rng.uniform(0.07, 0.22))
        return size, ball(size / 2, paint)
    size = rng.uniform([0.06, 0.06, 0.02], [0.2, 0.26, 0.16])
    return size, box(size, paint)


FURNITURE: tuple[Callable[[np.random.Generator], Piece], ...] = (
    table, chair, stool, crate, sofa, counter, shelf, plant, barrier, barrel,
)  # fmt: skip


def random_furniture(rng: np.random.Generator) -> Piece:
    """Draw one of FURNITURE, all with the same probability."""
    return FURNITURE[rng.integers(len(FURNITURE))](rng)


def _solid(rng: np.random.Generator) -> Paint:
    return random_paint(rng, _SOLID, (1, 6))


def _legs(width: float, depth: float, height: float, thickness: float, paint: Paint) -> Mesh:
    """Four legs at the corners of a rectangle of width x depth, all in metres."""
    corners = [(x * width / 2, y * depth / 2) for x in (-1, 1) for y in (-1, 1)]
    size = (thickness, thickness, height)
    return join([box(size, paint, (x, y, height / 2)) for x, y in corners])
