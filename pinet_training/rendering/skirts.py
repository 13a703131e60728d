"""Cloth that hangs around the legs: skirts, the skirts of dresses and of coats.

A skirt is a tube of rings around the dressed, posed body. Each ring encloses both legs at one
height of the body at rest, so the tube follows the legs whatever they do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pinet_training.rendering.mesh import Mesh
from pinet_training.rendering.posture import unit

_WAIST, _CROTCH = 0.15, -0.05  # metres: heights of the body at rest
_STEP = 0.065  # metres between rings at rest
_SPREAD = 0.02  # metres: how far from its height the body counts for a ring
_FEWEST = 6  # vertices of a ring
_LOOSE = 0.014  # metres between body and cloth
_SEGMENTS = 28
_FOLDED = -0.2  # cosine of the knee's angle below which cloth ends at the knees


@dataclass(frozen=True, eq=False)
class Drape:
    """Cloth that hangs around the legs.

    Attributes:
        hem: 0 at the hips, 0.5 at the knees, 1 at the ankles.
        flare: metres that it is wider per metre of its length.
        gap: half the angle that it leaves uncovered at the front, radians; 0 if it is closed.
        color: (3,) linear RGB.
        pattern: as Mesh.pattern.
    """

    hem: float
    flare: float
    gap: float
    color: np.ndarray
    pattern: tuple[float, float]


class Draper:
    """Hangs cloth around posed bodies.

    Args:
        rest: (V,3) metres, the template at rest.
        below_waist: (V,) whether a vertex is of trunk or legs.
        knee, ankle: metres, their heights at rest.
    """

    def __init__(
        self, rest: np.ndarray, below_waist: np.ndarray, knee: float, ankle: float
    ) -> None:
        self._knee = knee
        self._ankle = ankle
        self._heights = np.arange(_WAIST, ankle, -_STEP)
        candidates = np.flatnonzero(below_waist)
        self._rings = []
        for height in self._heights:
            distance = np.abs(rest[candidates, 2] - height)
            count = max(_FEWEST, int((distance < _SPREAD).sum()))
            self._rings.append(candidates[np.argsort(distance, kind="stable")[:count]])

    def hang(
        self, drape: Drape, vertices: np.ndarray, pelvis: np.ndarray, knees: np.ndarray
    ) -> Mesh:
        """Make the mesh of a drape.

        Args:
            drape: the cloth.
            vertices: (V,3) metres, of the dressed and posed body.
            pelvis: (3,3) rotation of the pelvis from standing.
            knees: (2,2,3) unit directions of thigh and shin of both legs.
        """
        halves = (0.0 - self._knee, self._knee - self._ankle)
        part = np.clip([drape.hem, drape.hem - 0.5], 0, 0.5) * 2
        lowest = -part @ halves
        if np.einsum("sk,sk->s", knees[:, 0], knees[:, 1]).min() < _FOLDED:
            lowest = max(lowest, self._knee + 0.02)
        count = max(4, int((self._heights >= lowest).sum()))
        around = [vertices[ring] for ring in self._rings[:count]]
        points, normals, angles = _tube(around, drape, pelvis[:, 0])
        return _surface(points, normals, angles, self._heights[:count], drape)


def _tube(
    around: list[np.ndarray], drape: Drape, left: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (K,S,3) of K rings around sets of vertices, outward normals, and angles (S,)."""
    angles = np.linspace(drape.gap, 2 * np.pi - drape.gap, _SEGMENTS + 1)
    centres = np.stack([points.mean(axis=0) for points in around])
    down = unit(np.gradient(centres, axis=0) + 1e-9)
    down = unit(down + np.roll(down, 1, axis=0) * (np.arange(len(down)) > 0)[:, None])
    folds = np.cos(angles * 9) * 0.6 + np.cos(angles * 5 + 1) * 0.4
    rings, radius = [], np.zeros(len(angles))
    for index, (points, centre, axis) in enumerate(zip(around, centres, down, strict=True)):
        aside = unit(left - axis * (axis @ left) + 1e-9)
        ahead = np.cross(axis, aside)
        rays = np.cos(angles)[:, None] * ahead + np.sin(angles)[:, None] * aside
        reach = ((points - centre) @ rays.T).max(axis=0) + _LOOSE
        length = index * _STEP
        # cloth hangs from what is widest above, as the hips
        radius = np.maximum(reach, 0.96 * radius)
        wide = radius + drape.flare * length * (1 + 0.25 * folds) + 0.008 * folds * (index > 2)
        rings.append(centre + wide[:, None] * rays)
    grid = np.stack(rings)
    along, across = np.gradient(grid, axis=0), np.gradient(grid, axis=1)
    return grid, unit(np.cross(along, across) + 1e-9), angles


def _surface(
    points: np.ndarray,
    normals: np.ndarray,
    angles: np.ndarray,
    heights: np.ndarray,
    drape: Drape,
) -> Mesh:
    """The mesh of a tube, visible from outside and from inside."""
    rows, columns = points.shape[:2]
    corner = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = corner[:-1, :-1], corner[1:, :-1], corner[:-1, 1:], corner[1:, 1:]
    outside = np.concatenate(
        [np.stack([a, b, c], axis=-1).reshape(-1, 3), np.stack([b, d, c], axis=-1).reshape(-1, 3)]
    )
    count = rows * columns
    inside = outside[:, ::-1] + count
    flat = np.stack(np.broadcast_arrays(0.2 * angles, 0.0, heights[:, None]), axis=-1)
    color = np.asarray(drape.color, np.float32)
    return Mesh(
        vertices=np.tile(points.reshape(-1, 3), (2, 1)).astype(np.float32),
        normals=np.concatenate([normals, -normals]).reshape(-1, 3).astype(np.float32),
        faces=np.concatenate([outside, inside]).astype(np.int32),
        colors=np.concatenate([np.tile(color, (count, 1)), np.tile(0.6 * color, (count, 1))]),
        surface=np.tile(flat.reshape(-1, 3), (2, 1)).astype(np.float32),
        pattern=np.tile(np.array(drape.pattern, np.float32), (2 * count, 1)),
    )
