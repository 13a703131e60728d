"""Both ways of sampling squares against SciPy."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from pinet_ros.imaging.regions import sample_squares, warp_squares

CENTERS = np.array([[40.3, 22.8], [2.0, 3.5], [63.0, 50.0], [-80.0, 20.0], [31.5, 23.5]])
SIDES = np.array([30.7, 21.0, 40.0, 25.0, 160.0])
ANGLES = np.array([0.6, -1.1, 2.5, 0.0, -3.0])
OUTSIDE = 3


@pytest.fixture
def image():
    """Clouds (48,64,3) uint8, in which OpenCV's 1/32 pixel is little."""
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (5, 5), 0)


def by_scipy(image, size, angles):
    """(N,3,size,size) float64."""
    found = []
    for center, side, angle in zip(CENTERS, SIDES, angles, strict=True):
        v, u = (np.indices((size, size)) / size - 0.5) * side
        x = center[0] + np.cos(angle) * u - np.sin(angle) * v
        y = center[1] + np.sin(angle) * u + np.cos(angle) * v
        found.append(
            [
                map_coordinates(channel.astype(float), [y, x], order=1, mode="grid-constant")
                for channel in np.moveaxis(image, 2, 0)
            ]
        )
    return np.array(found)


@pytest.mark.parametrize("size", [16, 40])
@pytest.mark.parametrize("angles", [None, ANGLES])
def test_squares_are_sampled_bilinearly_and_black_outside(image, size, angles):
    expected = by_scipy(image, size, np.zeros(len(SIDES)) if angles is None else angles)
    rest = [torch.tensor(CENTERS).float(), torch.tensor(SIDES).float(), size]
    rest.append(None if angles is None else torch.tensor(angles).float())
    sampled = sample_squares(torch.tensor(image).permute(2, 0, 1)[None].float(), *rest)
    warped = warp_squares(image, (0, 1, 2), *rest)
    np.testing.assert_allclose(sampled, expected, atol=0.02)
    np.testing.assert_allclose(warped, expected, atol=2.5)  # OpenCV rounds
    assert np.abs(warped.numpy() - expected).mean() < 0.6
    assert not sampled[OUTSIDE].any()
    assert not warped[OUTSIDE].any()


def test_each_sample_is_finished_in_place(image):
    rest = [torch.tensor(CENTERS).float(), torch.tensor(SIDES).float(), 8]
    plain = warp_squares(image, (2, 1, 0), *rest)
    halved = warp_squares(image, (2, 1, 0), *rest, finish=lambda sample: sample.div_(2))
    assert torch.equal(halved, plain / 2)
    assert torch.equal(plain, warp_squares(image, (0, 1, 2), *rest).flip(1))


def test_no_squares_are_no_samples(image):
    assert warp_squares(image, (0, 1, 2), torch.zeros(0, 2), torch.zeros(0), 8).shape[0] == 0
