"""Triangulation against cameras and people that are made up."""

from __future__ import annotations

import numpy as np
import pytest

from pinet_ros.geometry.camera import Camera
from pinet_training.evaluation.triangulation import (
    View,
    associate,
    reprojection_errors,
    triangulate,
    triangulate_robustly,
)


def _view(angle: float) -> View:
    """A camera 4 m from the z axis of the world, which looks at it; z is up."""
    position = np.array([4 * np.cos(angle), 4 * np.sin(angle), 1.0])
    forward = np.array([-np.cos(angle), -np.sin(angle), 0.0])
    down = np.array([0.0, 0.0, -1.0])
    rotation = np.stack([np.cross(down, forward), down, forward])
    return View(Camera.from_focal(1000.0, 1280, 720), rotation, position)


@pytest.fixture
def views() -> list[View]:
    return [_view(angle) for angle in (0.0, 1.2, 2.5, 4.0)]


def _person(seed: int, place: tuple[float, float]) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform([-0.3, -0.3, 0.1], [0.3, 0.3, 1.8], (33, 3)) + np.array([*place, 0.0])


def _seen(views: list[View], points: np.ndarray) -> np.ndarray:
    return np.stack([view.project(points) for view in views])


def test_exact_pixels_give_the_points(views):
    points = _person(0, (0, 0))
    assert triangulate(views[:2], _seen(views[:2], points)) == pytest.approx(points, abs=1e-9)


def test_weights_choose_the_views(views):
    points = _person(0, (0, 0))
    pixels = _seen(views, points)
    pixels[3] += 50.0
    weights = np.ones((4, 33))
    weights[3] = 0.0
    assert triangulate(views, pixels, weights) == pytest.approx(points, abs=1e-9)


def test_noise_of_a_pixel_is_millimetres(views):
    points = _person(0, (0, 0))
    noise = np.random.default_rng(1).normal(0, 1, (4, 33, 2))
    found = triangulate_robustly(views, _seen(views, points) + noise)
    assert np.linalg.norm(found.points - points, axis=1).mean() < 0.006
    assert found.used.all()
    np.testing.assert_allclose(
        found.errors,
        reprojection_errors(views, found.points, _seen(views, points) + noise),
    )
    assert found.errors.mean() < 2


def test_views_that_are_wrong_are_not_used(views):
    points = _person(0, (0, 0))
    pixels = _seen(views, points)
    pixels[2, :20] += 80.0
    pixels[0, 25, 1] += 80.0
    found = triangulate_robustly(views, pixels)
    assert found.points == pytest.approx(points, abs=1e-6)
    expected = np.ones((4, 33), bool)
    expected[2, :20] = expected[0, 25] = False
    np.testing.assert_array_equal(found.used, expected)
    np.testing.assert_array_equal(np.isnan(found.errors), ~expected)
    plain = np.linalg.norm(triangulate(views, pixels) - points, axis=1)
    assert plain[:20].mean() > 0.03


def test_the_more_confident_of_two_places_is_taken(views):
    right, wrong = _person(0, (0, 0)), _person(0, (0.4, 0.4))
    pixels = np.concatenate([_seen(views[:2], right), _seen(views[2:], wrong)])
    confidence = np.repeat([0.9, 0.2], 2)[:, None] * np.ones(33)
    found = triangulate_robustly(views, pixels, confidence)
    assert found.points == pytest.approx(right, abs=0.02)
    assert found.used[:2].all()


def test_a_joint_that_no_views_agree_on_is_unknown(views):
    points = _person(0, (0, 0))
    pixels = _seen(views[:2], points)
    pixels[1, 5, 1] += 200.0
    pixels[0, 6] = np.nan  # not seen
    found = triangulate_robustly(views[:2], pixels)
    assert np.isnan(found.points).all(axis=1).nonzero()[0].tolist() == [5, 6]
    assert not found.used[:, [5, 6]].any()


def test_views_that_face_each_other_fix_no_depth():
    facing = [_view(0.0), _view(np.pi)]
    found = triangulate_robustly(facing, _seen(facing, np.array([[0.0, 0.0, 1.0]])))
    assert np.isnan(found.points).all()


def test_people_are_found_again_in_other_views(views):
    first, second = (_seen(views, _person(n, place)) for n, place in enumerate([(0, 0), (1, 0.5)]))
    pixels = [np.stack([first[0], second[0]]), np.stack([second[1], first[1]])]
    pixels += [first[2][None], np.stack([first[3], second[3]])]
    groups = sorted(associate(views, pixels), key=len)
    assert groups == [{0: 1, 1: 0, 3: 1}, {0: 0, 1: 1, 2: 0, 3: 0}]


def test_a_person_who_is_half_wrong_in_a_view_is_found_there(views):
    person = _seen(views, _person(0, (0, 0)))
    person[2, :20] += 300.0
    assert associate(views, person[:, None]) == [{0: 0, 1: 0, 2: 0, 3: 0}]


def test_whoever_no_other_view_sees_is_in_no_group(views):
    person, other = _seen(views, _person(0, (0, 0))), _seen(views, _person(1, (1, 0.5)))
    pixels = [
        np.stack([other[0], person[0]]),
        person[1][None],
        np.zeros((0, 33, 2)),
        person[3][None],
    ]
    assert associate(views, pixels) == [{0: 1, 1: 0, 3: 0}]
