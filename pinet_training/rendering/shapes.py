"""Simple shapes that furniture and surroundings are built from: plates, boxes, cones, balls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from pinet_training.rendering.lighting import GAMMA
from pinet_training.rendering.mesh import PATTERN_PLAIN, Mesh


@dataclass(frozen=True, eq=False)
class Paint:
    """How a surface looks.

    Attributes:
        color: (3,) diffuse reflectance, linear RGB; above 1 for surfaces that emit light.
        pattern: one of the PATTERN constants.
        cycles: cycles of the pattern per metre; 0 for a smooth surface without pattern.
    """

    color: np.ndarray
    pattern: int = PATTERN_PLAIN
    cycles: float = 0.0


def random_paint(
    rng: np.random.Generator,
    patterns: Sequence[int] = (PATTERN_PLAIN,),
    cycles: tuple[float, float] = (0.0, 0.0),
) -> Paint:
    """Choose a color of any brightness, in most cases muted, and one of the patterns.

    Args:
        rng: source of the randomness.
        patterns: PATTERN constants to choose from.
        cycles: lowest and highest number of the pattern's cycles per metre.
    """
    gray = rng.uniform(0.15, 0.9)
    tint = rng.normal(0, 0.05 if rng.random() < 0.6 else 0.25, 3)
    color = np.clip(gray * (1 + tint), 0.02, 0.95) ** GAMMA
    return Paint(color, patterns[rng.integers(len(patterns))], float(rng.uniform(*cycles)))


def join(meshes: Sequence[Mesh]) -> Mesh:
    """Merge several meshes into one."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])[:-1]
    faces = [mesh.faces + start for mesh, start in zip(meshes, starts, strict=True)]
    fields = ("vertices", "normals", "colors", "surface", "pattern")
    joined = {name: np.concatenate([getattr(m, name) for m in meshes]) for name in fields}
    return Mesh(faces=np.concatenate(faces).astype(np.int32), **joined)


def plate(origin: np.ndarray, right: np.ndarray, up: np.ndarray, paint: Paint) -> Mesh:
    """Make a parallelogram that is visible from one side only.

    Args:
        origin: (3,) metres, its lower left corner as seen from the visible side.
        right: (3,) metres, the edge from there to the right.
        up: (3,) metres, the edge from there upwards.
        paint: of the surface.
    """
    origin, right, up = (np.asarray(v, float) for v in (origin, right, up))
    corners = origin + np.stack([0 * up, right, right + up, up])
    normal = np.cross(right, up)
    width, height = np.linalg.norm(right), np.linalg.norm(up)
    surface = [[0, 0, 0], [width, 0, 0], [width, 0, height], [0, 0, height]]
    normals = np.tile(normal / np.linalg.norm(normal), (4, 1))
    return _mesh(corners, normals, [[0, 1, 2], [0, 2, 3]], surface, paint)


def box(size: Sequence[float], paint: Paint, centre: Sequence[float] = (0, 0, 0)) -> Mesh:
    """Make a box of a size (3,) along x, y and z around a centre (3,), metres."""
    unit = _unit_box()
    size = np.asarray(size, float)
    # patterns have the same scale on all sides, regardless of their length
    surface = unit.surface * np.stack([size[unit.right], 0 * unit.right, size[unit.up]], axis=1)
    vertices = unit.vertices * size + np.asarray(centre, float)
    return _mesh(vertices, unit.normals, unit.faces, surface, paint)


def cone(
    radii: tuple[float, float],
    height: float,
    paint: Paint,
    base: Sequence[float] = (0, 0, 0),
    sides: int = 20,
) -> Mesh:
    """Make an upright cylinder or truncated cone.

    Args:
        radii: metres, at the bottom and at the top.
        height: metres.
        paint: of the surface.
        base: (3,) metres, the centre of the bottom.
        sides: number of faces around it.
    """
    angles = np.linspace(0, 2 * np.pi, sides + 1)
    circle = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    rise = np.array([0, 0, height])
    bottom, top = circle * radii[0], circle * radii[1] + rise
    outwards = circle + np.array([0, 0, (radii[0] - radii[1]) / height])
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    around = angles * max(radii)
    side = np.concatenate([np.stack([around, 0 * around, 0 * around + z], 1) for z in (0, height)])
    wall = _mesh(
        np.concatenate([bottom, top]), np.tile(outwards, (2, 1)), _strip(sides), side, paint
    )
    middle = np.arange(1, sides - 1)
    fan = np.stack([0 * middle, middle, middle + 1], axis=1)
    lids = [
        _mesh(rim, np.tile([0, 0, way], (sides + 1, 1)), fan[:, ::way], rim[:, [0, 2, 1]], paint)
        for rim, way in ((top, 1), (bottom, -1))
    ]
    return join([wall, *lids]).transformed(np.eye(3), np.asarray(base, float))


def ball(radii: Sequence[float], paint: Paint, centre: Sequence[float] = (0, 0, 0)) -> Mesh:
    """Make an ellipsoid with semi-axes (3,) along x, y and z around a centre (3,), metres."""
    unit, faces = _unit_ball()
    radii = np.asarray(radii, float)
    vertices, normals = unit * radii, unit / radii
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return _mesh(vertices + np.asarray(centre, float), normals, faces, vertices, paint)


def dome(radii: Sequence[float], paint: Paint, centre: Sequence[float] = (0, 0, 0)) -> Mesh:
    """Make the upper half of a `ball`, open below."""
    whole = ball(radii, paint)
    low = whole.vertices[whole.faces, 2].min(axis=1) > -0.2 * radii[2]
    return replace(whole, faces=whole.faces[low]).transformed(np.eye(3), np.asarray(centre, float))


@dataclass(frozen=True, eq=False)
class _UnitBox:
    """A cube with edges of length 1 around the origin; each side has its own four vertices.

    Attributes:
        surface: (24,3) coordinates of the vertices within their side: the first and the last are
            0 or 1, the middle one is 0.
        right, up: (24,) the coordinate axes that the first and the last of these run along.
    """

    vertices: np.ndarray
    normals: np.ndarray
    faces: np.ndarray
    surface: np.ndarray
    right: np.ndarray
    up: np.ndarray


@lru_cache(maxsize=1)
def _unit_box() -> _UnitBox:
    x, y, z = np.eye(3)
    edges = ((x, z), (-x, z), (y, z), (-y, z), (x, y), (x, -y))
    paint = Paint(np.zeros(3))
    # each starts at its lower left corner, as seen from outside
    sides = [plate((np.cross(r, u) - r - u) / 2, r, u, paint) for r, u in edges]
    whole = join(sides)
    right, up = (np.repeat([np.argmax(np.abs(e[i])) for e in edges], 4) for i in (0, 1))
    return _UnitBox(whole.vertices, whole.normals, whole.faces, whole.surface, right, up)


@lru_cache(maxsize=1)
def _unit_ball() -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V,3), which are also the normals, and faces (F,3) of a ball of radius 1."""
    sides, rings = 24, 12
    around, over = np.linspace(0, 2 * np.pi, sides + 1), np.linspace(-np.pi / 2, np.pi / 2, rings)
    azimuth, elevation = (grid.ravel() for grid in np.meshgrid(around, over))
    level = np.cos(elevation)
    unit = np.stack([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)], axis=1)
    return unit, grid_faces(rings, sides + 1)


def grid_faces(rows: int, columns: int) -> np.ndarray:
    """Triangles (F,3) between rows of vertices, each row above the one before, from one side."""
    strip = _strip(columns - 1)
    return np.concatenate([strip + row * columns for row in range(rows - 1)])


def _strip(sides: int) -> np.ndarray:
    """Triangles (2*sides,3) between two rows of sides + 1 vertices, the second above the first."""
    low = np.arange(sides)
    high = low + sides + 1
    return np.concatenate(
        [np.stack([low, low + 1, high + 1], axis=1), np.stack([low, high + 1, high], axis=1)]
    )


def _mesh(
    vertices: np.ndarray, normals: np.ndarray, faces: np.ndarray, surface: np.ndarray, paint: Paint
) -> Mesh:
    count = len(vertices)
    return Mesh(
        vertices=np.asarray(vertices, np.float32),
        normals=np.asarray(normals, np.float32),
        faces=np.asarray(faces, np.int32),
        colors=np.tile(np.asarray(paint.color, np.float32), (count, 1)),
        surface=np.asarray(surface, np.float32),
        pattern=np.tile(np.array([paint.pattern, paint.cycles], np.float32), (count, 1)),
    )
