"""Furniture among the people of a scene: their seats and tables, and what occludes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.furniture import (
    Piece,
    barrel,
    chair,
    counter,
    crate,
    random_furniture,
    sofa,
    stool,
    table,
)
from pinet_training.rendering.mesh import Mesh
from pinet_training.rendering.places import Place
from pinet_training.rendering.posture import ahead
from pinet_training.rendering.viewpoint import Viewpoint

_SEATS = (chair, chair, chair, stool, crate, sofa)
_SEAT_BELOW_HIPS = 0.09  # metres from the hip joints down to the seat
_SEAT_AHEAD = 0.08  # metres from the person to the middle of a seat that has a back
_TABLE_ABOVE_HIPS = 0.22  # metres at least, so that the legs fit under the table
_LOWEST_SEAT = 0.15  # metres; lower people sit on the ground
_AT_TABLE = 0.35  # share of the people sitting who have a table
_CLEARANCE = 0.28  # metres between a piece and the middle of a person
_FROM_CAMERA = 0.5  # metres between a piece and the camera
_NUMBERS = {0: 0.35, 1: 0.25, 2: 0.2, 3: 0.12, 4: 0.08}  # of other pieces: probabilities
_IN_FRONT = 0.5  # share of these that are between the camera and a person
_ATTEMPTS = 5  # at placing each piece


def furnish_sitter(joints: np.ndarray, place: Place, rng: np.random.Generator) -> list[Mesh]:
    """Make the seat of a sitting person, and in some cases a table.

    Args:
        joints: (17,3) of the person, metres, world frame.
        place: where the person sits.
        rng: source of the randomness.

    Returns:
        The furniture in the world frame; no seat for a person on the ground.
    """
    height = joints[MUPOTS_17.root, 2] - _SEAT_BELOW_HIPS
    meshes = []
    if height > _LOWEST_SEAT:
        piece = _SEATS[rng.integers(len(_SEATS))](rng)
        top = piece.seat or float(piece.mesh.vertices[:, 2].max())
        distance = _SEAT_AHEAD if piece.seat else 0.0
        meshes.append(_placed_ahead(_scaled(piece, height / top), place, distance))
    if rng.random() < _AT_TABLE:
        piece = table(rng)
        depth, top = np.ptp(piece.mesh.vertices[:, 1]), piece.mesh.vertices[:, 2].max()
        piece = _scaled(piece, max(1.0, (joints[MUPOTS_17.root, 2] + _TABLE_ABOVE_HIPS) / top))
        meshes.append(_placed_ahead(piece, place, depth / 2 + rng.uniform(0.2, 0.4)))
    return meshes


def furnish(rng: np.random.Generator, places: Sequence[Place], viewpoint: Viewpoint) -> list[Mesh]:
    """Place random furniture around the people, clear of them and of the camera.

    Returns:
        The furniture in the world frame. About half of it is between the camera and a person.
    """
    count = int(rng.choice(list(_NUMBERS), p=list(_NUMBERS.values())))
    pieces = (random_furniture(rng) for _ in range(count))
    return place_pieces(rng, pieces, places, viewpoint, in_front=_IN_FRONT)


def place_pieces(
    rng: np.random.Generator,
    pieces: Iterable[Piece],
    places: Sequence[Place],
    viewpoint: Viewpoint,
    *,
    in_front: float = 0.0,
) -> list[Mesh]:
    """Place pieces around the people, clear of them and of the camera, if there is room.

    Args:
        rng: source of the randomness.
        pieces: to place.
        places: of the people.
        viewpoint: the camera.
        in_front: share of the pieces that are between the camera and a person.

    Returns:
        Those for which there was room, in the world frame.
    """
    meshes = []
    for piece in pieces:
        draw = _position_in_front if rng.random() < in_front else _position_around
        for _ in range(_ATTEMPTS):
            person = places[rng.integers(len(places))].position
            position = draw(rng, person, viewpoint.position[:2], piece.radius)
            if _is_free(position, piece.radius, places, viewpoint):
                meshes.append(piece.placed(*position, yaw=rng.uniform(-np.pi, np.pi)))
                break
    return meshes


def furnish_middle(rng: np.random.Generator, places: Sequence[Place]) -> list[Mesh]:
    """Put something into the middle of a ring of people, unless somebody is there.

    Returns:
        The furniture in the world frame.
    """
    middles = {place.focus for place in places if place.focus is not None}
    meshes = []
    for middle in middles:
        distances = [np.linalg.norm(place.position - middle) for place in places]
        room = min(distances) - _CLEARANCE
        for _ in range(_ATTEMPTS):
            piece = (table, crate, crate, barrel, counter)[rng.integers(5)](rng)
            if piece.radius < room:
                meshes.append(piece.placed(*middle, yaw=rng.uniform(-np.pi, np.pi)))
                break
    return meshes


def _scaled(piece: Piece, factor: float) -> Piece:
    """The piece with its height multiplied by a factor."""
    return replace(
        piece, mesh=replace(piece.mesh, vertices=piece.mesh.vertices * np.float32([1, 1, factor]))
    )


def _placed_ahead(piece: Piece, place: Place, distance: float) -> Mesh:
    """The piece `distance` metres ahead of a place, facing the same way as the person there."""
    return piece.placed(*place.position + distance * ahead(place.yaw), place.yaw)


def _position_in_front(
    rng: np.random.Generator, person: np.ndarray, camera: np.ndarray, radius: float
) -> np.ndarray:
    """A position (2,) between a person (2,) and the camera (2,), a little to one side."""
    line = camera - person
    line /= np.linalg.norm(line)
    aside = np.array([-line[1], line[0]]) * rng.normal(0, 0.3)
    return person + (radius + _CLEARANCE + rng.uniform(0, 1)) * line + aside


def _position_around(
    rng: np.random.Generator, person: np.ndarray, _camera: np.ndarray, radius: float
) -> np.ndarray:
    """A position (2,) in any direction from a person (2,)."""
    angle = rng.uniform(-np.pi, np.pi)
    distance = radius + _CLEARANCE + rng.uniform(0, 2.5)
    return person + distance * np.array([np.cos(angle), np.sin(angle)])


def _is_free(
    position: np.ndarray, radius: float, places: Sequence[Place], viewpoint: Viewpoint
) -> bool:
    people = np.array([place.position for place in places])
    to_people = np.linalg.norm(people - position, axis=1).min()
    to_camera = np.linalg.norm(viewpoint.position[:2] - position)
    return bool(to_people >= radius + _CLEARANCE and to_camera >= radius + _FROM_CAMERA)
