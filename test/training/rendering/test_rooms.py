"""Rooms stand around people, and furniture stands on the ground."""

from __future__ import annotations

import numpy as np
import pytest

from pinet_ros.errors import PinetError
from pinet_training.rendering import rooms
from pinet_training.rendering.furniture import FURNITURE, chair, sofa, stool
from pinet_training.rendering.lighting import random_light
from pinet_training.rendering.places import Place
from pinet_training.rendering.renderer import Renderer
from pinet_training.rendering.shapes import Paint, ball, box, cone
from pinet_training.rendering.viewpoint import random_viewpoint

RED = Paint(np.array([0.8, 0.1, 0.1]))


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    try:
        return Renderer(160, 120, supersampling=1)
    except PinetError as error:
        pytest.skip(str(error))


def scene(seed):
    """A generator, a camera and three people's places before it."""
    rng = np.random.default_rng(seed)
    viewpoint = random_viewpoint(rng, 160, 120)
    middle = viewpoint.target[1]
    places = [Place(x * middle, middle * (1 + y), 0.0) for x, y in rng.normal(0, 0.1, (3, 2))]
    return rng, viewpoint, places


def render(renderer, meshes, viewpoint, rng):
    rotation, translation = viewpoint.rotation, viewpoint.translation
    return renderer.render(
        [mesh.transformed(rotation, translation) for mesh in meshes],
        viewpoint.camera.matrix,
        random_light(rng).turned(rotation),
        rotation[:, 2],
    )


def faces_outwards(mesh):
    corners = mesh.vertices[mesh.faces].astype(float)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat = np.linalg.norm(normals, axis=1) < 1e-9  # at the poles of a ball
    mean = mesh.normals[mesh.faces].mean(axis=1)
    return ((normals * mean).sum(axis=1) > 0) | flat


def volume(mesh):
    a, b, c = mesh.vertices[mesh.faces].astype(float).transpose(1, 0, 2)
    return (a * np.cross(b, c)).sum() / 6


def test_shapes_are_closed_and_have_their_volumes():
    # the volume by the divergence theorem is right only if all sides are there and face outwards
    assert volume(box((1, 2, 0.5), RED, (3, 1, 2))) == pytest.approx(1, rel=1e-5)
    rounded = 0.5 * 200 * np.sin(2 * np.pi / 200)  # area of a polygon instead of pi
    bottle = cone((0.5, 0.2), 2, RED, (1, 1, 1), sides=200)
    assert volume(bottle) == pytest.approx(rounded * 2 / 3 * (0.25 + 0.1 + 0.04), rel=1e-5)
    assert volume(ball((1, 2, 3), RED, (5, 5, 5))) == pytest.approx(4 / 3 * np.pi * 6, rel=0.05)


@pytest.mark.parametrize("shape", [box((1, 2, 3), RED), cone((1, 0.5), 2, RED)])
def test_patterns_are_as_large_as_the_surface(shape):
    corners = shape.vertices[shape.faces], shape.surface[shape.faces][..., [0, 2]]
    lengths = [np.linalg.norm(c[:, 1:] - c[:, :1], axis=-1) for c in corners]
    np.testing.assert_allclose(lengths[1], lengths[0], rtol=0.15)


@pytest.mark.parametrize("make", FURNITURE, ids=lambda make: make.__name__)
def test_a_piece_stands_on_the_ground_within_its_radius(make):
    for seed in range(20):
        piece = make(np.random.default_rng(seed))
        again = make(np.random.default_rng(seed))
        np.testing.assert_array_equal(piece.mesh.vertices, again.mesh.vertices)
        assert piece.mesh.vertices[:, 2].min() == pytest.approx(0, abs=0.02)
        reach = np.linalg.norm(piece.mesh.vertices[:, :2], axis=1).max()
        assert 0.8 * reach < piece.radius < 1.6
        assert piece.radius >= reach - 1e-5
        np.testing.assert_allclose(np.linalg.norm(piece.mesh.normals, axis=1), 1, atol=1e-5)
        assert faces_outwards(piece.mesh).all()
        assert piece.mesh.colors.min() >= 0
        assert piece.mesh.colors.max() <= 1


@pytest.mark.parametrize("make", [chair, stool, sofa])
def test_one_sits_on_the_seat(make):
    piece = make(np.random.default_rng(1))
    top = piece.mesh.vertices[piece.mesh.normals[:, 2] > 0.99]
    assert np.abs(top[:, 2] - piece.seat).min() < 1e-5
    assert 0.35 < piece.seat < 0.8


def test_a_piece_is_placed_and_turned():
    piece = chair(np.random.default_rng(1))
    back = piece.mesh.vertices[piece.mesh.vertices[:, 2] > piece.seat + 0.3].mean(axis=0)
    assert back[1] > 0.1  # at +y, so that one faces -y
    placed = piece.placed(2, 5, np.pi / 2).vertices
    moved = placed[piece.mesh.vertices[:, 2] > piece.seat + 0.3].mean(axis=0)
    np.testing.assert_allclose(moved, [2 - back[1], 5 + back[0], back[2]], atol=1e-5)


@pytest.mark.parametrize("seed", range(12))
def test_a_room_does_not_hide_the_people(renderer, seed):
    rng, viewpoint, places = scene(seed)
    meshes = rooms.random_room(rng, viewpoint, places)
    middles = np.array([[place.x, place.y, 1.0] for place in places])
    markers = [ball((0.12, 0.12, 0.12), RED, middle) for middle in middles]
    rendering = render(renderer, [*markers, *meshes], viewpoint, rng)
    pinhole = viewpoint.to_camera(middles) @ viewpoint.camera.matrix.T
    pixels = np.rint(pinhole[:, :2] / pinhole[:, 2:]).astype(int)
    inside = ((pixels >= 0) & (pixels < [160, 120])).all(axis=1)
    assert inside.any()
    shown = rendering.instances[tuple(pixels[inside].T[::-1])]
    assert (shown >= 0).all()
    assert (shown < len(markers)).all()


def test_rooms_are_indoors_and_outdoors_and_fill_the_picture_indoors(renderer):
    covered = []
    for seed in range(40):
        rng, viewpoint, places = scene(seed)
        meshes = rooms.random_room(rng, viewpoint, places)
        assert all(np.isfinite(mesh.vertices).all() for mesh in meshes)
        if viewpoint.position[2] < 2.3:  # below every ceiling
            rendering = render(renderer, meshes, viewpoint, rng)
            indoors = max(np.abs(mesh.vertices).max() for mesh in meshes) < 100  # no horizon
            covered.append((indoors, rendering.coverage.mean()))
    indoors = np.array([share for inside, share in covered if inside])
    outdoors = np.array([share for inside, share in covered if not inside])
    assert len(indoors) > 3
    assert (indoors > 0.999).all()
    assert (outdoors < 0.999).any()


def test_the_same_generator_gives_the_same_room():
    made = [rooms.random_room(*scene(3)) for _ in range(2)]
    assert len(made[0]) == len(made[1])
    for one, other in zip(*made, strict=True):
        np.testing.assert_array_equal(one.vertices, other.vertices)
        np.testing.assert_array_equal(one.colors, other.colors)
    different = rooms.random_room(*scene(4))
    assert len(different) != len(made[0]) or any(
        a.vertices.tobytes() != b.vertices.tobytes()
        for a, b in zip(different, made[0], strict=True)
    )
