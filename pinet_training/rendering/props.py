"""Furniture among the people of a scene: what they sit on and at, and what hides them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.crowd import Place
from pinet_training.rendering.furniture import (
    Piece,
    chair,
    crate,
    random_furniture,
    sofa,
    stool,
    table,
)
from pinet_training.rendering.mesh import Mesh
from pinet_training.rendering.posture import ahead
from pinet_training.rendering.viewpoint import Viewpoint

_SEATS = (chair, chair, chair, stool, crate, sofa)
_SEAT_BELOW_HIPS = 0.09  # metres from the hip joints down to what one sits on
_BEFORE_BACK = 0.08  # metres from the middle of a seat back to the hips; others have no back
_TABLE_ABOVE_HIPS = 0.22  # metres at least, so that the legs fit under it
_LOWEST_SEAT = 0.15  # metres; whoever is lower sits on the ground
_AT_TABLE = 0.35  # of those who sit
_CLEARANCE = 0.28  # metres between a piece and the middle of a person
_FROM_CAMERA = 0.5  # metres between a piece and the camera
_NUMBERS = {0: 0.35, 1: 0.25, 2: 0.2, 3: 0.12, 4: 0.08}  # of pieces that stand about
_BEFORE = 0.5  # of these, between the camera and somebody
_ATTEMPTS = 5  # for each piece


def furnish_sitter(joints: np.ndarray, place: Place, rng: np.random.Generator) -> list[Mesh]:
    """What somebody sits on, and now and then at: world frame.

    Args:
        joints: (17,3) metres of the person, world frame.
        place: of the person.
    """
    height = joints[MUPOTS_17.root, 2] - _SEAT_BELOW_HIPS
    meshes = []
    if height > _LOWEST_SEAT:
        piece = _SEATS[rng.integers(len(_SEATS))](rng)
        top = piece.seat or float(piece.mesh.vertices[:, 2].max())
        distance = _BEFORE_BACK if piece.seat else 0.0
        meshes.append(_placed_ahead(_scaled(piece, height / top), place, distance))
    if rng.random() < _AT_TABLE:
        piece = table(rng)
        depth, top = np.ptp(piece.mesh.vertices[:, 1]), piece.mesh.vertices[:, 2].max()
        piece = _scaled(piece, max(1.0, (joints[MUPOTS_17.root, 2] + _TABLE_ABOVE_HIPS) / top))
        meshes.append(_placed_ahead(piece, place, depth / 2 + rng.uniform(0.2, 0.4)))
    return meshes


def furnish(rng: np.random.Generator, places: Sequence[Place], viewpoint: Viewpoint) -> list[Mesh]:
    """Pieces that stand about, away from the people and the camera: world frame."""
    meshes = []
    for _ in range(int(rng.choice(list(_NUMBERS), p=list(_NUMBERS.values())))):
        piece = random_furniture(rng)
        before = rng.random() < _BEFORE
        for _ in range(_ATTEMPTS):
            person = places[rng.integers(len(places))].position
            spot = _spot_before if before else _spot_around
            position = spot(rng, person, viewpoint.position[:2], piece.radius)
            if _is_free(position, piece.radius, places, viewpoint):
                meshes.append(piece.placed(*position, yaw=rng.uniform(-np.pi, np.pi)))
                break
    return meshes


def _scaled(piece: Piece, factor: float) -> Piece:
    """The piece with another height."""
    return replace(
        piece, mesh=replace(piece.mesh, vertices=piece.mesh.vertices * np.float32([1, 1, factor]))
    )


def _placed_ahead(piece: Piece, place: Place, distance: float) -> Mesh:
    """The piece so many metres ahead of a place, its front where the person's is."""
    return piece.placed(*place.position + distance * ahead(place.yaw), place.yaw)


def _spot_before(
    rng: np.random.Generator, person: np.ndarray, camera: np.ndarray, radius: float
) -> np.ndarray:
    """(2,) between somebody (2,) and the camera (2,), a little aside."""
    line = camera - person
    line /= np.linalg.norm(line)
    aside = np.array([-line[1], line[0]]) * rng.normal(0, 0.3)
    return person + (radius + _CLEARANCE + rng.uniform(0, 1)) * line + aside


def _spot_around(
    rng: np.random.Generator, person: np.ndarray, _camera: np.ndarray, radius: float
) -> np.ndarray:
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
