"""What the camera makes of a rendering: the lens against OpenCV, the exposure by its effects."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pinet_ros.geometry.camera import Camera
from pinet_training.rendering.photograph import Exposure, Lens, photograph
from pinet_training.rendering.viewpoint import random_viewpoint

WIDTH, HEIGHT = 644, 483  # no multiples of anything


def _camera(*distortion: float) -> Camera:
    return Camera(
        WIDTH,
        HEIGHT,
        np.array([[500.0, 0, 318], [0, 503, 245], [0, 0, 1]]),
        np.array(distortion),
    )


@pytest.mark.parametrize(
    "distortion", [(-0.25, 0.08, 0.001, -0.002), (0.1, 0.05, 0, 0), (-0.05, 0, 0.003, 0)]
)
def test_a_pixel_shows_what_the_pinhole_sees_along_its_ray(distortion):
    camera = _camera(*distortion)
    lens = Lens.of(camera)
    rng = np.random.default_rng(0)
    pixels = np.stack([rng.integers(0, WIDTH, 200), rng.integers(0, HEIGHT, 200)], axis=1)
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-12)
    rays = cv2.undistortPoints(
        pixels[:, None].astype(float), camera.matrix, camera.distortion, criteria=criteria
    )[:, 0]
    expected = rays * lens.matrix[[0, 1], [0, 1]] + lens.matrix[:2, 2]
    u, v = pixels.T
    assert lens.pixels[v, u] == pytest.approx(expected, abs=0.1)


def test_the_pinhole_sees_all_that_the_camera_sees():
    lens = Lens.of(_camera(-0.25, 0.08, 0, 0))
    assert lens.pixels.shape == (HEIGHT, WIDTH, 2)
    assert lens.pixels.min(axis=(0, 1)) == pytest.approx([0, 0], abs=0.1)
    assert lens.pixels.max(axis=(0, 1)) == pytest.approx([WIDTH - 1, HEIGHT - 1], abs=0.1)


def test_the_lens_of_any_random_camera_is_the_one_that_joints_are_projected_through():
    columns, rows = (np.linspace(0, size - 1, 24).round().astype(int) for size in (640, 480))
    u, v = np.meshgrid(columns, rows)
    rng = np.random.default_rng(6)
    bent = 0
    while bent < 50:
        camera = random_viewpoint(rng, 640, 480).camera
        lens = Lens.of(camera)
        if lens.pixels is None:
            continue
        bent += 1
        flat = (lens.pixels[v, u] - lens.matrix[:2, 2]) / lens.matrix[[0, 1], [0, 1]]
        shown = camera.project(np.concatenate([flat, np.ones_like(flat[..., :1])], axis=-1))
        assert shown == pytest.approx(np.stack([u, v], axis=-1), abs=0.1)


def test_without_distortion_nothing_bends():
    camera = _camera(0, 0, 0, 0)
    lens, image = Lens.of(camera), np.random.default_rng(0).random((HEIGHT, WIDTH, 3))
    assert lens.matrix.tolist() == camera.matrix.tolist()
    assert lens.bend(image) is image


def _ramp() -> np.ndarray:
    light = np.linspace(0, 1, WIDTH, dtype=np.float32)
    return np.broadcast_to(light[None, :, None], (HEIGHT, WIDTH, 3)).copy()


def test_more_light_is_brighter():
    for seed in range(8):
        image, quality = photograph(_ramp(), np.random.default_rng(seed))
        assert image.shape == (HEIGHT, WIDTH, 3)
        assert image.dtype == np.uint8
        assert 1 <= quality <= 100
        columns = image.mean(axis=(0, 2))
        assert columns[-50:].mean() > columns[:50].mean() + 60
        smooth = np.convolve(columns, np.ones(41) / 41, mode="valid")
        assert (np.diff(smooth) > -1).all()


def test_dark_and_glaring_scenes_are_both_exposed():
    dark, glaring = (
        np.mean(
            [photograph(factor * _ramp(), np.random.default_rng(n))[0].mean() for n in range(8)]
        )
        for factor in (0.2, 2.0)
    )
    assert 60 < dark < glaring < 200  # ten times the light


def test_red_stays_red():
    light = np.full((HEIGHT, WIDTH, 3), 0.1, np.float32)
    light[..., 0] = 0.8
    image, _ = photograph(light, np.random.default_rng(3))
    blue, green, red = image.mean(axis=(0, 1))  # BGR, as OpenCV writes it
    assert red > green + 40
    assert red > blue + 40


def test_a_seed_gives_the_same_photograph():
    first, second = (photograph(_ramp(), np.random.default_rng(5))[0] for _ in range(2))
    assert (first == second).all()


def test_one_exposure_does_not_flicker_though_its_noise_does():
    rng = np.random.default_rng(2)
    exposure = Exposure.random(_ramp(), rng)
    first, second = (exposure.image(_ramp(), rng).astype(float) for _ in range(2))
    assert first.mean() == pytest.approx(second.mean(), abs=0.2)
    assert 0 < np.abs(first - second).mean() < 12
    brighter = exposure.image(1.5 * _ramp(), rng)  # as when somebody in white comes in
    assert brighter.mean() > first.mean() + 10
