"""Hats and bags, which move with one bone or hang from a hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pinet_training.rendering.mesh import (
    PATTERN_CHECKS,
    PATTERN_NOISE,
    PATTERN_PLAIN,
    PATTERN_STRIPES_ALONG,
    Mesh,
)
from pinet_training.rendering.shapes import Paint, ball, box, cone, dome, join, random_paint

HANGING = ""  # the bone of what hangs from a hand
_CLOTH = (PATTERN_PLAIN, PATTERN_PLAIN, PATTERN_NOISE, PATTERN_CHECKS, PATTERN_STRIPES_ALONG)
_STATURE = 1.62  # metres: height of the medium body, that sizes of bags are given for


@dataclass(frozen=True, eq=False)
class Worn:
    """A thing that somebody wears.

    Attributes:
        mesh: metres: in the rest pose of the body, or for HANGING below the origin, which is the
            palm.
        bone: that it moves with, or HANGING.
    """

    mesh: Mesh
    bone: str


def put_on(
    names: Sequence[str],
    head: np.ndarray,
    trunk: np.ndarray,
    strap: np.ndarray,
    rng: np.random.Generator,
) -> tuple[Worn, ...]:
    """Make the things of these names to fit a dressed body at rest.

    Args:
        names: "cap", "hat", "helmet", "backpack", "shoulder bag", "handbag"; others have no mesh.
        head, trunk: (N,3) metres, the vertices of head and trunk.
        strap: (3,) linear RGB of straps.
        rng: decides sizes and looks.
    """
    worn = []
    size = float(np.clip(np.ptp(trunk[:, 2]) / 0.6, 0.6, 1.15))
    for name in names:
        if name in ("cap", "hat", "helmet"):
            worn.append(Worn(_headgear(name, head, rng), "head"))
        elif name == "backpack":
            worn.append(Worn(_backpack(trunk, size, rng), "spine02"))
        elif name == "shoulder bag":
            worn.append(Worn(_shoulder_bag(trunk, size, rng), "root"))
        elif name == "handbag":
            worn.append(Worn(_handbag(size, strap, rng), HANGING))
    return tuple(worn)


def _headgear(name: str, head: np.ndarray, rng: np.random.Generator) -> Mesh:
    """A cap with a peak, a hat with a brim, or a helmet, around the upper third of a head."""
    low, high = head.min(axis=0), head.max(axis=0)
    level = high[2] - (0.5 if name == "helmet" else 0.42) * (high[2] - low[2])
    crown = head[head[:, 2] > level]
    low, high = crown.min(axis=0), crown.max(axis=0)
    room = rng.uniform(0.018, 0.035) if name == "helmet" else rng.uniform(0.006, 0.012)
    centre = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, level]
    radii = np.array([high[0] - low[0], high[1] - low[1], 2 * (high[2] - level)]) / 2 + room
    paint = random_paint(rng, (PATTERN_PLAIN,) if name == "helmet" else _CLOTH, (20, 60))
    parts = [dome(radii, paint, centre)]
    if name == "cap":
        peak = (0.8 * radii[0], 0.85 * radii[1], 0.008)
        parts.append(ball(peak, paint, (centre[0], centre[1] - 0.75 * radii[1], level + 0.012)))
    elif name == "hat":
        brim = rng.uniform(1.35, 1.9)
        parts.append(ball((brim * radii[0], brim * radii[1], 0.01), paint, centre))
    return join(parts)


def _backpack(trunk: np.ndarray, size: float, rng: np.random.Generator) -> Mesh:
    upper = trunk[(trunk[:, 2] > 0.1 * size) & (np.abs(trunk[:, 0]) < 0.12)]
    upper = upper if len(upper) else trunk
    back, top = upper[:, 1].max(), trunk[:, 2].max()
    width, depth, height = rng.uniform([0.24, 0.1, 0.3], [0.36, 0.24, 0.55]) * size
    middle = top - rng.uniform(0.02, 0.1) * size - height / 2
    paint, other = (random_paint(rng, _CLOTH, (5, 25)) for _ in range(2))
    body = box((width, depth * 0.8, height * 0.9), paint, (0, back + 0.4 * depth - 0.02, middle))
    bulge = ball(
        (width * 0.52, depth * 0.55, height * 0.52), paint, (0, back + 0.45 * depth, middle)
    )
    pocket = box(
        (width * 0.7, depth * 0.25, height * 0.35), other, (0, back + depth, middle - height * 0.2)
    )
    return join([body, bulge, pocket])


def _shoulder_bag(trunk: np.ndarray, size: float, rng: np.random.Generator) -> Mesh:
    low = trunk[trunk[:, 2] < 0.2]
    side = (low if len(low) else trunk)[:, 0].max()
    width, depth, height = rng.uniform([0.06, 0.22, 0.16], [0.13, 0.38, 0.3]) * size
    paint = random_paint(rng, _CLOTH, (5, 25))
    centre = (side + width / 2 + 0.02, 0.0, rng.uniform(-0.08, 0.06))
    flap = box(
        (width * 1.06, depth * 1.02, height * 0.4), paint, (*centre[:2], centre[2] + 0.3 * height)
    )
    return join([box((width, depth, height), paint, centre), flap])


def _handbag(size: float, strap: np.ndarray, rng: np.random.Generator) -> Mesh:
    """A bag that hangs from a hand: a carrier bag, a case or a handbag."""
    width, depth, height = rng.uniform([0.2, 0.06, 0.16], [0.42, 0.16, 0.4]) * size
    handle = rng.uniform(0.04, 0.16) * size
    paint, grip = random_paint(rng, _CLOTH, (5, 25)), Paint(strap)
    parts = [box((width, depth, height), paint, (0, 0, -handle - height / 2))]
    parts += [
        cone((0.007, 0.007), handle, grip, (side * width * 0.3, 0, -handle), sides=6)
        for side in (-1, 1)
    ]
    parts.append(box((width * 0.6 + 0.014, 0.014, 0.014), grip))
    return join(parts).transformed(*_turned(rng.uniform(-np.pi, np.pi)))


def _turned(yaw: float) -> tuple[np.ndarray, np.ndarray]:
    """Rotation (3,3) about the vertical and no translation (3,)."""
    cosine, sine = np.cos(yaw), np.sin(yaw)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]), np.zeros(3)
