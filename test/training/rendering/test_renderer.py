"""Pictures of meshes are where the camera model says, and so are depths and shadows."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pinet_ros.errors import PinetError
from pinet_ros.geometry.camera import Camera
from pinet_training.rendering.lighting import Light
from pinet_training.rendering.renderer import NOTHING, Renderer, describe_renderer
from pinet_training.rendering.shapes import Paint, ball, box, plate

pytestmark = pytest.mark.slow

WIDTH, HEIGHT = 320, 240
UP = np.array([0.0, -1.0, 0.0])
GREY = Paint(np.full(3, 0.5))
# a principal point off the middle, and pixels that are not square
MATRIX = np.array([[300.0, 0, 130.4], [0, 270.0, 100.7], [0, 0, 1]])


@pytest.fixture(scope="module")
def renderer(opengl) -> Renderer:
    return Renderer(WIDTH, HEIGHT)


@pytest.mark.skipif(sys.platform != "linux", reason="EGL is Linux's way to do without a screen")
@pytest.mark.skipif(find_spec("moderngl") is None, reason="pip install 'pinet_ros[render]'")
def test_where_moderngl_is_installed_pictures_can_be_rendered():
    """Fails, where all other tests of pictures are skipped for want of EGL."""
    assert describe_renderer()


@pytest.mark.parametrize(
    ("platform", "expected"), [("linux", {"backend": "egl"}), ("win32", {}), ("darwin", {})]
)
def test_egl_is_asked_for_only_where_it_is(platform, expected, monkeypatch):
    moderngl = pytest.importorskip("moderngl", reason="pip install 'pinet_ros[render]'")
    asked = []

    def create_context(**settings):
        asked.append(settings)
        raise Exception("no display")

    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(moderngl, "create_context", create_context)
    with pytest.raises(PinetError, match=r"OpenGL 3\.3.* \(no display\): install the driver"):
        Renderer(WIDTH, HEIGHT)
    assert asked == [{"standalone": True, "require": 330, **expected}]


def test_after_rendering_torchvision_can_be_imported(opengl):
    """In a process of its own: this one may have imported it before."""
    program = (
        "from pinet_training.rendering.renderer import describe_renderer;"
        "describe_renderer(); import torchvision"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_without_moderngl_what_to_install_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "moderngl", None)
    with pytest.raises(PinetError, match=r"pip install 'pinet_ros\[render\]'"):
        describe_renderer()


def light(sun=(0, -1, 0), strength=1.0, ambient=0.4) -> Light:
    sun = np.asarray(sun, float) / np.linalg.norm(sun)
    none, even = np.zeros(3), np.full(3, ambient)
    return Light(sun, np.full(3, strength), UP, none, even, even)


def seen(points) -> np.ndarray:
    return Camera(WIDTH, HEIGHT, MATRIX).project(points)


def pixel_rays(rendering) -> np.ndarray:
    """Viewing rays (h,w,3) with z = 1 of the supersampled pixels."""
    h, w = rendering.instances.shape
    u, v = np.meshgrid((np.arange(w) + 0.5) * WIDTH / w, (np.arange(h) + 0.5) * HEIGHT / h)
    x = (u - 0.5 - MATRIX[0, 2]) / MATRIX[0, 0]
    y = (v - 0.5 - MATRIX[1, 2]) / MATRIX[1, 1]
    return np.stack([x, y, np.ones_like(x)], axis=-1)


def centroid(weights) -> np.ndarray:
    rows, columns = np.mgrid[: weights.shape[0], : weights.shape[1]]
    return np.array([(columns * weights).sum(), (rows * weights).sum()]) / weights.sum()


@pytest.mark.parametrize("place", [(0.0, 0.0, 3.0), (0.6, 0.3, 2.6), (-0.4, -0.2, 2.5)])
@pytest.mark.parametrize("make", [ball, box])
def test_a_shape_is_where_the_camera_projects_it(renderer, place, make):
    offsets = []
    for turn in Rotation.random(12, random_state=0).as_matrix():
        mesh = make((0.5, 0.4, 0.6), Paint(np.ones(3))).transformed(turn, place)
        rendering = renderer.render([mesh], MATRIX, light(strength=0), UP)
        # both shapes are convex, so their outline is the hull of their vertices
        outline = cv2.moments(cv2.convexHull(seen(mesh.vertices).astype(np.float32)))
        expected = np.array([outline["m10"], outline["m01"]]) / outline["m00"]
        by_instance = centroid(rendering.instances == 0)
        by_color = centroid(rendering.color[..., 0])
        offsets.append([by_instance - rendering.supersampled(expected), by_color - expected])
        assert rendering.coverage.sum() == pytest.approx(outline["m00"], rel=0.01)
    assert np.abs(offsets).max() < 0.2
    np.testing.assert_allclose(np.mean(offsets, axis=0), 0, atol=0.03)


def test_the_depth_is_that_of_the_surface_to_a_millimetre(renderer):
    normal, through = np.array([0.3, -0.4, -1.0]), np.array([0.0, 0, 11.0])
    right = np.cross(normal, [0, 1, 0])
    up = np.cross(right, normal)
    right, up = (30 * v / np.linalg.norm(v) for v in (right, up))
    mesh = plate(through - (right + up) / 2, right, up, GREY)
    facing = plate(through - (right + up) / 2, up, right, GREY)
    pictures = [renderer.render([m], MATRIX, light(), UP) for m in (mesh, facing)]
    assert sorted((p.instances == 0).any() for p in pictures) == [False, True]  # one-sided
    rendering = next(p for p in pictures if (p.instances == 0).any())
    hit = rendering.instances == 0
    assert hit.mean() > 0.9
    expected = normal @ through / (pixel_rays(rendering) @ normal)
    assert 5 < expected[hit].min() < expected[hit].max() < 40
    assert np.abs(rendering.depth - expected)[hit & (expected < 15)].max() < 1e-3


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_is_nearer_hides_what_is_farther(renderer, order):
    boxes = [box((0.4, 0.4, 0.2), GREY, (0, 0, 2.1)), box((2, 2, 0.2), GREY, (0, 0, 4.1))]
    rendering = renderer.render([boxes[i] for i in order], MATRIX, light(), UP)
    rays = pixel_rays(rendering)
    near = (np.abs(rays[..., :2]) < 0.2 / 2.0 - 0.003).all(axis=-1)
    far = (np.abs(rays[..., :2]) < 1 / 4.0 - 0.003).all(axis=-1)
    far &= (np.abs(rays[..., :2]) > 0.2 / 2.0 + 0.003).any(axis=-1)
    assert (rendering.instances[near] == order.index(0)).all()
    assert (rendering.instances[far] == order.index(1)).all()
    np.testing.assert_allclose(rendering.depth[near], 2.0, atol=1e-3)
    np.testing.assert_allclose(rendering.depth[far], 4.0, atol=1e-3)


@pytest.mark.parametrize(
    "sun", [(0.5, -1, 0.3), (-0.9, -0.6, -0.2), (0.1, -1, 0.05), (0.8, -0.4, 0.1)]
)
def test_a_shadow_falls_where_the_sun_is_hidden(renderer, sun):
    low, high = np.array([-0.4, 0.1, 3.6]), np.array([0.3, 0.8, 4.2])
    ground_y = 1.1
    ground = plate((-20, ground_y, -10), (40, 0, 0), (0, 0, 60), GREY)
    hiding = box(high - low, GREY, (low + high) / 2)
    rendering = renderer.render([ground, hiding], MATRIX, light(sun), UP)
    rays = pixel_rays(rendering)
    points = rays * (ground_y / np.where(rays[..., 1:2] > 0, rays[..., 1:2], np.nan))
    direction = np.asarray(sun, float) / np.linalg.norm(sun)

    def hidden(margin: float) -> np.ndarray:
        ends = [(edge - points) / direction for edge in (low - margin, high + margin)]
        entry = np.minimum(*ends).max(axis=-1)
        leaving = np.maximum(*ends).min(axis=-1)
        return (entry < leaving) & (leaving > 0)

    brightness = cv2.resize(
        rendering.color[..., 0], rays.shape[1::-1], interpolation=cv2.INTER_NEAREST
    )
    dark = 0.5 * 0.4  # gray in the ambient light alone
    kernel = np.ones((5, 5), np.uint8)  # pixels next to another mesh are mixed
    on_ground = cv2.erode((rendering.instances == 0).astype(np.uint8), kernel) > 0
    near = on_ground & (rendering.depth < 7)
    shadow, sunny = near & hidden(-0.05), near & ~hidden(0.05)
    assert shadow.sum() > 300
    assert sunny.sum() > 5000
    assert (np.abs(brightness[shadow] - dark) < 0.02).mean() > 0.99
    assert (brightness[sunny] > dark + 0.5 * direction @ UP - 0.02).mean() > 0.99


def test_a_lit_surface_does_not_shade_itself(renderer):
    towards_sun = np.array([-0.5, -0.6, -0.62])
    towards_sun /= np.linalg.norm(towards_sun)
    centre = np.array([0.0, 0, 2.5])
    rendering = renderer.render(
        [ball((0.6, 0.6, 0.6), GREY, centre)], MATRIX, light(towards_sun), UP
    )
    h, w = rendering.instances.shape
    points = (
        pixel_rays(rendering) * np.where(rendering.instances == 0, rendering.depth, 0)[..., None]
    )
    facing = (points - centre) @ towards_sun / 0.6
    color = cv2.resize(rendering.color[..., 0], (w, h), interpolation=cv2.INTER_LINEAR)
    inside = cv2.erode((rendering.instances == 0).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    lit, turned_away = inside & (facing > 0.25), inside & (facing < -0.1)
    assert min(lit.sum(), turned_away.sum()) > 1000
    assert (color[lit] > 0.5 * (0.4 + facing[lit]) - 0.05).all()
    np.testing.assert_allclose(color[turned_away], 0.2, atol=0.02)


@pytest.mark.parametrize(("side", "brightness"), [(1, 0.2), (-1, 0.7)])
def test_a_roof_far_above_takes_the_sun_and_a_ceiling_lets_it_through(renderer, side, brightness):
    floor = box((2, 0.2, 2), GREY, (0, 1.2, 4))
    right, ahead = np.array([30.0, 0, 0]), np.array([0, 0, 30.0])
    edges = (right, ahead) if side > 0 else (ahead, right)  # seen from above or from below
    roof = plate((-15, -12, -11), *edges, GREY)
    assert roof.normals[0, 1] == -side
    rendering = renderer.render([floor, roof], MATRIX, light((0, -1, 0)), UP)
    column, row = np.rint(seen([0, 1.1, 4])).astype(int)
    assert rendering.color[row, column, 0] == pytest.approx(brightness, abs=0.03)


def test_the_same_input_gives_the_same_bytes(renderer):
    meshes = [
        ball((0.4, 0.6, 0.4), Paint(np.array([0.8, 0.3, 0.2]), 3, 9.0), (0.2, 0.2, 3)),
        plate((-9, 1, 0), (18, 0, 0), (0, 0, 40), Paint(np.ones(3), 5, 3.0)),
    ]
    pictures = [
        source.render(meshes, MATRIX, light((0.4, -1, 0.2)), UP)
        for source in (renderer, renderer, Renderer(WIDTH, HEIGHT))
    ]
    for name in ("color", "coverage", "instances", "depth"):
        assert len({getattr(picture, name).tobytes() for picture in pictures}) == 1


def test_meshes_out_of_sight_do_no_harm(renderer):
    visible = ball((0.4, 0.4, 0.4), GREY, (0, 0, 3))
    elsewhere = [
        box((1, 1, 1), GREY, (0, 0, -3)),
        box((1, 1, 1), GREY, (30, 0, 4)),
        box((0.05, 0.05, 0.05), GREY, (0, 0, 0)),  # around the camera
    ]
    alone = renderer.render([visible], MATRIX, light(strength=0), UP)
    among = renderer.render([visible, *elsewhere], MATRIX, light(strength=0), UP)
    for name in ("color", "coverage", "instances", "depth"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(among, name))


def test_a_floor_that_reaches_behind_the_camera_is_cut_off_there(renderer):
    floor = plate((-80, 1.5, -90), (160, 0, 0), (0, 0, 180), GREY)
    rendering = renderer.render([floor], MATRIX, light(), UP)
    below = pixel_rays(rendering)[..., 1]
    expected = 1.5 / np.where(below > 0, below, np.nan)
    hit = expected < 60
    np.testing.assert_array_equal(rendering.instances[hit], 0)
    assert (rendering.instances[~hit & ~(expected < 90)] == NOTHING).all()
    np.testing.assert_allclose(rendering.depth[expected < 15], expected[expected < 15], atol=1e-3)


def test_no_mesh_gives_nothing(renderer):
    renderer.render([ball((1, 1, 1), GREY, (0, 0, 3))], MATRIX, light(), UP)
    rendering = renderer.render([], MATRIX, light(), UP)
    assert rendering.color.shape == (HEIGHT, WIDTH, 3)
    assert not rendering.color.any()
    assert not rendering.coverage.any()
    assert (rendering.instances == NOTHING).all()
    assert np.isinf(rendering.depth).all()


def test_light_adds_up_in_linear_colors(renderer):
    wall = box((4, 4, 0.1), Paint(np.array([0.6, 0.4, 0.2])), (0, 0, 3))
    towards_camera = np.array([0.0, 0, -1])
    for sun, strength, expected in (
        (towards_camera, 0.0, 0.4),
        # so far aside that the gloss is seen from elsewhere
        ((0, 0.96, -0.28), 0.7, 0.4 + 0.7 * 0.28),
        ((0, 0.96, -0.28), 6.0, 0.4 + 6.0 * 0.28),  # brighter than white paper
    ):
        rendering = renderer.render([wall], MATRIX, light(sun, strength), UP)
        corner = rendering.color[-20:, -20:].mean(axis=(0, 1))
        np.testing.assert_allclose(corner, np.array([0.6, 0.4, 0.2]) * expected, rtol=0.03)
