"""Fusion against the product of the distributions, integrated numerically."""

from __future__ import annotations

import numpy as np
import pytest

from pinet_ros.positioning.fusion import Source, fuse

GRID = np.linspace(-6, 6, 240_001)


def normal(mean, deviation):
    return np.exp(-np.square((GRID - mean) / deviation) / 2) / deviation


def integrated(sources):
    density = np.ones_like(GRID)
    for mean, deviation, doubt in sources:
        right, wrong = normal(mean, deviation), normal(mean, np.hypot(deviation, 1.0))
        density *= (1 - doubt) * right + doubt * wrong
    density /= density.sum()
    mean = (density * GRID).sum()
    return mean, np.sqrt((density * np.square(GRID - mean)).sum())


def fused(sources):
    means, deviations = fuse([Source(np.array([m]), np.array([d]), e) for m, d, e in sources])
    return means[0], deviations[0]


@pytest.mark.parametrize(
    "sources",
    [
        [(0.3, 0.1, 0.0)],
        [(0.0, 0.1, 0.0), (0.2, 0.05, 0.0)],
        [(0.0, 0.1, 0.0), (0.2, 0.05, 0.1)],
        [(0.0, 0.1, 0.0), (0.9, 0.05, 0.1)],
        [(0.0, 0.15, 0.0), (-0.4, 0.05, 0.1), (-0.35, 0.02, 0.2)],
        [(0.0, 0.15, 0.3), (2.0, 0.05, 0.1), (-2.0, 0.02, 0.2)],
    ],
)
def test_the_result_is_mean_and_deviation_of_the_product(sources):
    np.testing.assert_allclose(fused(sources), integrated(sources), rtol=2e-3, atol=1e-4)


def test_two_sure_sources_are_weighted_by_their_variances():
    mean, deviation = fused([(0.0, 0.2, 0.0), (0.5, 0.1, 0.0)])
    assert mean == pytest.approx(0.4)
    assert deviation == pytest.approx(0.2 * 0.1 / np.hypot(0.2, 0.1))


def test_a_source_loses_weight_smoothly_as_it_disagrees():
    distances = np.linspace(0, 1.5, 1501)
    means, deviations = fuse(
        [Source(np.zeros(1501), np.full(1501, 0.1)), Source(distances, np.full(1501, 0.05), 0.1)]
    )
    assert means[100] == pytest.approx(0.08, abs=0.004)  # both are right
    assert abs(means[-1]) < 0.1  # that far, the second is wrong
    assert np.abs(np.diff(means)).max() < 0.003  # 0.001 between neighbours
    assert np.abs(np.diff(deviations)).max() < 0.003


def test_a_source_without_a_deviation_is_sure():
    for deviation in (0.0, 1e-9, 1e-5):
        mean, spread = fused([(0.0, 0.1, 0.0), (0.3, deviation, 0.0)])
        assert mean == pytest.approx(0.3, abs=1e-6)
        assert 0 <= spread < 2e-5


def test_sources_that_say_nothing_are_left_out():
    nothing = np.array([np.nan, 0.4, 0.4])
    means, deviations = fuse(
        [
            Source(np.array([0.1, 0.1, np.nan]), np.array([0.2, 0.2, 0.2])),
            Source(nothing, np.array([0.1, np.nan, np.inf]), 0.1),
        ]
    )
    np.testing.assert_allclose(means, [0.1, 0.1, np.nan])
    np.testing.assert_allclose(deviations, [0.2, 0.2, np.nan])
