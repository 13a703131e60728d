"""Surroundings of a scene: a closed room, or open ground with or without a facade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pinet_training.rendering.furniture import barrel, crate, plant, shelf
from pinet_training.rendering.mesh import (
    PATTERN_BRICKS,
    PATTERN_CHECKS,
    PATTERN_NOISE,
    PATTERN_PLAIN,
    PATTERN_STRIPES_ACROSS,
    PATTERN_STRIPES_ALONG,
    PATTERN_WOOD,
    Mesh,
)
from pinet_training.rendering.places import Place
from pinet_training.rendering.shapes import Paint, ball, box, join, plate, random_paint
from pinet_training.rendering.viewpoint import Viewpoint

_INDOORS = 0.6  # share of the scenes
_FLOORS = (PATTERN_PLAIN, PATTERN_CHECKS, PATTERN_NOISE, PATTERN_BRICKS, PATTERN_WOOD)
_WALLS = (PATTERN_PLAIN, PATTERN_PLAIN, PATTERN_NOISE, PATTERN_BRICKS, PATTERN_STRIPES_ALONG)
_GROUNDS = (PATTERN_NOISE, PATTERN_NOISE, PATTERN_BRICKS, PATTERN_PLAIN)
_PICTURES = (PATTERN_NOISE, PATTERN_CHECKS, PATTERN_STRIPES_ACROSS, PATTERN_STRIPES_ALONG)
_FAR = 200.0  # metres that open ground extends
_UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True, eq=False)
class _Wall:
    """An upright wall, visible from the side on which `along` points to the right.

    Attributes:
        origin: (3,) metres, its lower left corner, world frame.
        along: (3,) unit vector along its bottom edge, world frame.
        length, height: metres.
    """

    origin: np.ndarray
    along: np.ndarray
    length: float
    height: float

    def surface(self, paint: Paint) -> Mesh:
        """The wall's own mesh, without decoration."""
        return plate(self.origin, self.along * self.length, _UP * self.height, paint)

    def hang(self, mesh: Mesh, x: float) -> Mesh:
        """Move a mesh made for a wall at y = 0 seen from -y to x metres along this wall."""
        # light passes through a wall from behind, so remove back faces, which would cast shadows
        front = mesh.normals[mesh.faces[:, 0], 1] < 0.5
        rotation = np.stack([self.along, np.cross(_UP, self.along), _UP], axis=1)
        place = self.origin + self.along * x
        return replace(mesh, faces=mesh.faces[front]).transformed(rotation, place)


def random_room(
    rng: np.random.Generator, viewpoint: Viewpoint, places: Sequence[Place]
) -> list[Mesh]:
    """Make a closed room or a place outdoors around the people and the camera.

    Args:
        rng: source of the randomness.
        viewpoint: the camera.
        places: where the people stand.

    Returns:
        Meshes in the world frame. Outdoors they do not cover the whole image.
    """
    ground = np.array([viewpoint.position[:2], *(place.position for place in places)])
    if rng.random() < _INDOORS:
        return _room(rng, ground.min(axis=0), ground.max(axis=0))
    return _open_ground(rng, float(ground[:, 1].max()))


def _room(rng: np.random.Generator, low: np.ndarray, high: np.ndarray) -> list[Mesh]:
    """A closed room around a rectangle on the ground from low (2,) to high (2,), metres."""
    left, right = low[0] - rng.uniform(0.8, 4), high[0] + rng.uniform(0.8, 4)
    front, back = low[1] - rng.uniform(0.5, 3), high[1] + rng.uniform(0.8, 5)
    height = rng.uniform(2.4, 4.2)
    corners = np.array([[left, back, 0], [right, back, 0], [right, front, 0], [left, front, 0]])
    edges = np.roll(corners, -1, axis=0) - corners
    lengths = np.linalg.norm(edges, axis=1)
    walls = [
        _Wall(corner, edge / length, float(length), height)
        for corner, edge, length in zip(corners, edges, lengths, strict=True)
    ]
    across, deep = edges[0], -edges[1]
    floor = plate(corners[3], across, deep, random_paint(rng, _FLOORS, (1, 5)))
    white = Paint(rng.uniform(0.4, 0.9) * np.ones(3))
    ceiling = plate(corners[0] + height * _UP, across, -deep, white)
    paint = random_paint(rng, _WALLS, (1, 8))
    other = random_paint(rng, _WALLS, (1, 8)) if rng.random() < 0.4 else paint
    meshes = [floor, ceiling]
    for wall, own in zip(walls, (paint, other, paint, other), strict=True):
        meshes += [wall.surface(own), *_decoration(rng, wall)]
    return meshes


def _decoration(rng: np.random.Generator, wall: _Wall) -> list[Mesh]:
    """A skirting board, and what hangs on or stands at a wall, side by side along its length."""
    skirting = box((wall.length, 0.02, 0.1), random_paint(rng), (wall.length / 2, -0.01, 0.05))
    meshes = [wall.hang(skirting, 0)]
    x = rng.uniform(0.2, 1.5)
    while True:
        kind = (_picture, _picture, _door, _window, _shelves)[rng.integers(5)]
        mesh = kind(rng, wall.height)
        width = float(np.ptp(mesh.vertices[:, 0]))
        if x + width > wall.length - 0.2:
            return meshes
        meshes.append(wall.hang(mesh, x + width / 2))
        x += width + rng.uniform(0.2, 2.5)


def _picture(rng: np.random.Generator, _: float) -> Mesh:
    width, height = rng.uniform(0.3, 1.4), rng.uniform(0.3, 1.0)
    middle = rng.uniform(1.3, 1.8)
    frame = box((width, 0.03, height), random_paint(rng), (0, -0.015, middle))
    parts = [frame]
    for _ in range(int(rng.integers(1, 4))):
        size = np.array([width, height]) * rng.uniform(0.3, 0.9, 2)
        x, z = (np.array([width, height]) * 0.95 - size) * rng.uniform(-0.5, 0.5, 2)
        depth = 0.035 + 0.004 * len(parts)
        paint = random_paint(rng, _PICTURES, (1, 8))
        parts.append(box((size[0], depth, size[1]), paint, (x, -depth / 2, middle + z)))
    return join(parts)


def _door(rng: np.random.Generator, _: float) -> Mesh:
    width, height = rng.uniform(0.8, 1.0), rng.uniform(1.95, 2.15)
    frame = box((width + 0.14, 0.03, height + 0.07), random_paint(rng), (0, -0.015, height / 2))
    paint = random_paint(rng, (PATTERN_PLAIN, PATTERN_WOOD), (0.7, 2))
    leaf = box((width, 0.05, height), paint, (0, -0.025, height / 2))
    handle = box((0.12, 0.06, 0.025), random_paint(rng), (width / 2 - 0.1, -0.06, 1.02))
    return join([frame, leaf, handle])


def _window(rng: np.random.Generator, _: float) -> Mesh:
    """Window panes in a frame: bright as by day, or dark as at night."""
    width, height, sill = rng.uniform(0.6, 2.2), rng.uniform(0.8, 1.4), rng.uniform(0.7, 1.0)
    bright = rng.uniform(0.8, 3.5) if rng.random() < 0.7 else rng.uniform(0.01, 0.1)
    middle = sill + height / 2
    frame = box((width, 0.06, height), random_paint(rng), (0, -0.03, middle))
    panes = int(rng.integers(1, 4))
    each = width / panes
    glass = Paint(bright * (1 + rng.normal(0, 0.06, 3)))
    centres = (np.arange(panes) + 0.5) * each - width / 2
    size = (each - 0.08, 0.065, height - 0.1)
    return join([frame, *(box(size, glass, (x, -0.0325, middle)) for x in centres)])


def _shelves(rng: np.random.Generator, height: float) -> Mesh:
    """A shelf with its back at the wall."""
    mesh = shelf(rng).mesh
    return mesh.transformed(np.eye(3), np.array([0, -mesh.vertices[:, 1].max(), 0]))


def _open_ground(rng: np.random.Generator, farthest: float) -> list[Mesh]:
    """Ground, in most cases a facade, and objects behind the people; `farthest` is their y."""
    back = farthest + rng.uniform(2, 15)
    # where the ground ends before the horizon, the background image is visible
    reach = back if rng.random() < 0.4 else _FAR
    across, deep = np.array([2 * _FAR, 0, 0]), np.array([0, _FAR + reach, 0])
    ground = random_paint(rng, _GROUNDS, (0.7, 4))
    if rng.random() < 0.3:
        ground = Paint(np.array([0.09, 0.16, 0.04]) * rng.uniform(0.5, 1.6), PATTERN_NOISE, 6.0)
    meshes = [plate((-_FAR, -_FAR, 0), across, deep, ground)]
    if rng.random() < 0.65:
        meshes += _facade(rng, back)
    if rng.random() < 0.4:
        meshes.append(_hedge(rng, back - rng.uniform(0.8, 1.2)))
    for _ in range(int(rng.integers(0, 6))):
        piece = (barrel, crate, plant)[rng.integers(3)](rng)
        x, y = rng.uniform(-8, 8), farthest + rng.uniform(1, 10)
        meshes.append(piece.placed(x, y, yaw=rng.uniform(-np.pi, np.pi)))
    return meshes


def _facade(rng: np.random.Generator, back: float) -> list[Mesh]:
    """A building of one to four storeys with rows of windows and some doors."""
    left, right = -rng.uniform(5, 40), rng.uniform(5, 40)
    storey, storeys = rng.uniform(2.6, 3.6), int(rng.integers(1, 5))
    wall = _Wall(np.array([left, back, 0]), np.eye(3)[0], right - left, storey * storeys)
    meshes = [wall.surface(random_paint(rng, _WALLS, (2, 6)))]
    window, door = _window(rng, storey), _door(rng, storey)
    step = float(np.ptp(window.vertices[:, 0])) + rng.uniform(0.5, 2.5)
    parts = []
    for x in np.arange(step, wall.length - step, step):
        parts += [
            (door if level == 0 and rng.random() < 0.15 else window).transformed(
                np.eye(3), np.array([x, 0, level * storey])
            )
            for level in range(storeys)
        ]
    if parts:
        meshes.append(wall.hang(join(parts), 0))
    return meshes


def _hedge(rng: np.random.Generator, y: float) -> Mesh:
    """A hedge: a row of bushes of similar height."""
    leaves = Paint(np.array([0.06, 0.16, 0.04]) * rng.uniform(0.5, 1.6), PATTERN_NOISE, 12.0)
    height, start = rng.uniform(0.5, 2.0), rng.uniform(-12, 0)
    bushes = []
    for x in np.arange(start, start + rng.uniform(4, 16), 0.7):
        radii = rng.uniform(0.5, 0.9), 0.5, height * rng.uniform(0.8, 1.2)
        bushes.append(ball(radii, leaves, (x, y, 0)))
    return join(bushes)
