"""Viewpoints: cameras that look at where people are to stand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pinet_training.rendering.viewpoint import LEVEL, STEEP, Viewpoint, random_viewpoint

WIDTH, HEIGHT = 640, 480


@pytest.fixture(scope="module")
def viewpoints() -> list[Viewpoint]:
    rng = np.random.default_rng(4)
    return [random_viewpoint(rng, WIDTH, HEIGHT) for _ in range(200)]


def test_what_the_camera_was_pointed_at_is_near_the_middle(viewpoints):
    pixels = np.array([viewpoint.project(viewpoint.target) for viewpoint in viewpoints])
    assert np.isfinite(pixels).all()
    away = np.abs(pixels - [WIDTH / 2, HEIGHT / 2]) / [WIDTH, HEIGHT]
    assert np.mean((away < 0.5).all(axis=1)) > 0.9  # close-ups are aimed aside
    assert np.median(away, axis=0) == pytest.approx([0, 0], abs=0.1)


def test_rotations_are_rotations(viewpoints):
    for viewpoint in viewpoints:
        assert viewpoint.rotation @ viewpoint.rotation.T == pytest.approx(np.eye(3), abs=1e-12)
        assert np.linalg.det(viewpoint.rotation) == pytest.approx(1)


def test_pitch_and_roll_are_those_of_the_axes(viewpoints):
    for viewpoint in viewpoints:
        right, _, forward = viewpoint.rotation  # camera axes in the world, z up
        assert np.arcsin(-forward[2]) == pytest.approx(viewpoint.pitch)
        # a picture that is turned clockwise is by a camera whose right side is lifted
        assert np.arcsin(right[2] / np.cos(viewpoint.pitch)) == pytest.approx(viewpoint.roll)
        assert (viewpoint.kind == STEEP) == (viewpoint.pitch >= np.radians(15))


def test_some_cameras_are_askew_and_most_are_not(viewpoints):
    rolls = np.degrees(np.abs([viewpoint.roll for viewpoint in viewpoints]))
    assert 25 < rolls.max() <= 35
    assert 0.05 < np.mean(rolls > 15) < 0.2
    assert np.median(rolls) < 5


def test_both_kinds_are_frequent(viewpoints):
    steep = np.mean([viewpoint.kind == STEEP for viewpoint in viewpoints])
    assert {viewpoint.kind for viewpoint in viewpoints} == {STEEP, LEVEL}
    assert 0.3 < steep < 0.7


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (640, 360)])
def test_no_lens_folds_the_image(size):
    rng = np.random.default_rng(1)
    for _ in range(400):
        camera = random_viewpoint(rng, *size).camera
        k1, k2 = camera.distortion[:2]
        focal, center = camera.matrix[[0, 1], [0, 1]], camera.matrix[:2, 2]
        corner = np.linalg.norm(np.maximum(center, np.array(size) - 1 - center) / focal)
        radius = np.linspace(0, 2 * corner, 4000)
        bent = radius * (1 + k1 * radius**2 + k2 * radius**4)
        within = bent[: np.argmax(np.append(bent, np.inf) > 1.02 * corner) + 1]
        assert within[-1] > 1.02 * corner  # else it turns back before
        assert (np.diff(within) > 0).all()


def test_projection_is_opencvs(viewpoints):
    points = np.random.default_rng(0).normal(0, 0.08, (50, 3))
    for viewpoint in viewpoints[:30]:
        distance = np.linalg.norm(viewpoint.target - viewpoint.position)
        ahead = viewpoint.rotation[2]
        world = viewpoint.position + distance * (ahead + points)
        expected, _ = cv2.projectPoints(
            world,
            cv2.Rodrigues(viewpoint.rotation)[0],
            viewpoint.translation,
            viewpoint.camera.matrix,
            viewpoint.camera.distortion,
        )
        seen = viewpoint.project(world)
        assert seen == pytest.approx(expected[:, 0], abs=1e-6)


def test_a_seed_gives_the_same_camera():
    first, second = (random_viewpoint(np.random.default_rng(9), 320, 240) for _ in range(2))
    assert first.camera.matrix.tolist() == second.camera.matrix.tolist()
    assert first.rotation.tolist() == second.rotation.tolist()
    assert first.position.tolist() == second.position.tolist()
