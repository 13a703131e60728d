from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from pinet_ros.geometry.alignment import translation_to_camera
from pinet_ros.geometry.rotations import rotation_to_ray


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_rotations_are_the_smallest_that_reach_the_rays(rng):
    rays = rng.normal(size=(50, 3))
    rays[:, 2] = np.abs(rays[:, 2]) + 0.1
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    axes = np.cross([0, 0, 1], rays)
    angles = np.arccos(rays[:, 2])
    vectors = axes / np.linalg.norm(axes, axis=1, keepdims=True) * angles[:, None]
    expected = Rotation.from_rotvec(vectors).as_matrix()
    np.testing.assert_allclose(rotation_to_ray(torch.as_tensor(rays)), expected, atol=1e-9)


def test_the_optical_axis_needs_no_rotation():
    np.testing.assert_array_equal(rotation_to_ray(torch.tensor([[0, 0, 1.0]])), np.eye(3)[None])
    assert rotation_to_ray(torch.zeros((0, 3))).shape == (0, 3, 3)


def fitted(*arrays: np.ndarray) -> np.ndarray:
    return translation_to_camera(*map(torch.as_tensor, arrays)).numpy()


def test_translations_of_exact_projections_are_recovered(rng):
    points = rng.normal(scale=0.4, size=(7, 12, 3))
    true = rng.uniform([-3, -1, 1.5], [3, 1, 9], size=(7, 3))
    placed = points + true[:, None]
    weights = rng.uniform(0.05, 1, size=(7, 12))
    found = fitted(points, placed[..., :2] / placed[..., 2:], weights)
    np.testing.assert_allclose(found, true, atol=1e-9)


def test_noisy_projections_give_the_weighted_least_squares_of_each_person(rng):
    points = rng.normal(scale=0.4, size=(7, 12, 3))
    normalised = rng.normal(scale=0.3, size=(7, 12, 2))
    weights = rng.uniform(0.05, 1, size=(7, 12))
    found = fitted(points, normalised, weights)
    for person in range(7):
        rows, values = [], []
        for (x, y, z), (u, v), w in zip(
            points[person], normalised[person], weights[person], strict=True
        ):
            rows += [[w, 0, -w * u], [0, w, -w * v]]
            values += [w * (u * z - x), w * (v * z - y)]
        expected, *_ = np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)
        np.testing.assert_allclose(found[person], expected, atol=1e-9)


def test_points_without_weight_do_not_count(rng):
    points = rng.normal(scale=0.4, size=(1, 12, 3))
    normalised = rng.normal(scale=0.3, size=(1, 12, 2))
    weights = np.repeat([1.0, 0.0], 6)[None]
    found = fitted(points, normalised, weights)
    alone = fitted(points[:, :6], normalised[:, :6], np.ones((1, 6)))
    np.testing.assert_allclose(found, alone, atol=1e-9)
