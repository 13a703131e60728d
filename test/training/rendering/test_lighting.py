"""Light: where it comes from, and that pictures show it come from there."""

from __future__ import annotations

import numpy as np
import pytest

from pinet_ros.errors import PinetError
from pinet_training.rendering.lighting import Light, random_light
from pinet_training.rendering.renderer import Renderer
from pinet_training.rendering.shapes import Paint, ball, box, plate
from pinet_training.rendering.viewpoint import random_viewpoint

WIDTH, HEIGHT = 320, 240
WHITE = Paint(np.full(3, 0.6))


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    try:
        return Renderer(WIDTH, HEIGHT, supersampling=1)
    except PinetError as error:
        pytest.skip(str(error))


def one_sun(seed: int) -> Light:
    """The directions of a random light, with a sun of brightness 1 alone."""
    light = random_light(np.random.default_rng(seed))
    none = np.zeros(3)
    return Light(light.sun, np.ones(3), light.fill, none, none, none)


def from_above(renderer, meshes, light):
    """A picture in the world's frame, seen from 6 m above the origin, and the points seen."""
    viewpoint = random_viewpoint(np.random.default_rng(0), WIDTH, HEIGHT)  # for its methods
    rotation = np.array([[1.0, 0, 0], [0, -1, 0], [0, 0, -1]])  # looks down, image up is +y
    position = np.array([0.0, 0, 6])
    viewpoint = type(viewpoint)(viewpoint.camera, rotation, position, position * 0, np.pi / 2, 0)
    matrix = np.array([[200.0, 0, WIDTH / 2], [0, 200, HEIGHT / 2], [0, 0, 1]])
    rendering = renderer.render(
        [mesh.transformed(rotation, viewpoint.translation) for mesh in meshes],
        matrix,
        light.turned(rotation),
        rotation[:, 2],
    )
    v, u = np.mgrid[:HEIGHT, :WIDTH]
    rays = np.stack([(u - WIDTH / 2) / 200, (v - HEIGHT / 2) / 200, np.ones(u.shape)], axis=-1)
    seen = rays * np.where(rendering.instances >= 0, rendering.depth, np.nan)[..., None]
    return rendering, seen @ rotation + position


def test_the_sun_stands_above_the_horizon_and_lights_differ():
    lights = [random_light(np.random.default_rng(seed)) for seed in range(200)]
    suns = np.array([light.sun for light in lights])
    np.testing.assert_allclose(np.linalg.norm(suns, axis=1), 1)
    np.testing.assert_allclose(np.linalg.norm([light.fill for light in lights], axis=1), 1)
    elevations = np.degrees(np.arcsin(suns[:, 2]))
    assert 20 <= elevations.min() < 25
    assert 80 < elevations.max() <= 85
    assert np.linalg.norm(suns[:, :2].mean(axis=0)) < 0.15  # from all around
    for light in lights:
        for color in (light.sun_color, light.fill_color, light.sky, light.ground):
            assert (color >= 0).all()
        assert light.sky.mean() > light.ground.mean()
    hard = [light.sun_color.mean() > light.sky.mean() for light in lights]
    assert 0.4 < np.mean(hard) < 0.8


def test_the_same_seed_gives_the_same_light():
    first, second, other = (vars(random_light(np.random.default_rng(s))) for s in (1, 1, 2))
    for name, value in first.items():
        assert value.tolist() == second[name].tolist() != other[name].tolist()


@pytest.mark.parametrize("seed", range(8))
def test_a_shadow_falls_on_the_ground_away_from_the_sun(renderer, seed):
    light = one_sun(seed)
    height = 0.4
    ground = plate((-20, -20, 0), (40, 0, 0), (0, 40, 0), WHITE)
    hiding = box((0.1, 0.1, height), WHITE, (0, 0, height / 2))
    rendering, points = from_above(renderer, [ground, hiding], light)
    dark = (rendering.instances == 0) & (rendering.color[..., 0] < 0.2 * 0.6 * light.sun[2])
    shadow = points[dark][:, :2]
    assert len(shadow) > 5
    away = -light.sun[:2] / np.linalg.norm(light.sun[:2])
    length = height * np.linalg.norm(light.sun[:2]) / light.sun[2]
    assert (np.abs(shadow @ [-away[1], away[0]]) < 0.13).all()
    assert (shadow @ away).max() == pytest.approx(length + 0.06, abs=0.07)
    assert (shadow @ away).min() > -0.1


@pytest.mark.parametrize("seed", range(8))
def test_what_faces_the_sun_is_as_bright_as_it_faces_it(renderer, seed):
    light = one_sun(seed)
    rendering, points = from_above(renderer, [ball((1, 1, 1), WHITE)], light)
    normals = points / np.linalg.norm(points, axis=-1, keepdims=True)
    facing = normals @ light.sun
    lit = (rendering.coverage > 0.99) & (facing > 0.2)
    assert lit.sum() > 300
    error = rendering.color[..., 0][lit] - 0.6 * facing[lit]
    assert np.percentile(np.abs(error), 80) < 0.05  # gloss and the ball's facets aside
