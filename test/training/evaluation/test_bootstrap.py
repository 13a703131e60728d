from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap

from pinet_training.evaluation.bootstrap import paired_differences

UNITS = np.repeat(np.arange(300), [1, 2, 3] * 100)  # 600 people
TRUE_DIFFERENCE = -4.0


def _values(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Errors of people that differ much between units and little by treatment."""
    rng = np.random.default_rng(seed)
    before = 100 + 30 * rng.normal(size=300)[UNITS] + 10 * rng.normal(size=600)
    after = before + TRUE_DIFFERENCE + 6 * rng.normal(size=300)[UNITS] + rng.normal(size=600)
    return before, after


def _difference(before, after, units=UNITS):
    return paired_differences({"mpjpe_mm": before}, {"mpjpe_mm": after}, units)["mpjpe_mm"]


def test_the_interval_covers_a_known_difference_about_as_often_as_it_says():
    intervals = [_difference(*_values(seed)) for seed in range(60)]

    covered = sum(i["low"] <= TRUE_DIFFERENCE <= i["high"] for i in intervals)
    assert 52 <= covered <= 60  # 57 are expected


def test_the_mean_is_that_over_people():
    before, after = _values(0)

    assert _difference(before, after)["mean"] == pytest.approx(np.mean(after - before))


def test_the_interval_is_that_of_scipy_over_units():
    before, after = _values(1)
    sums = np.array([(after - before)[unit == UNITS].sum() for unit in range(300)])
    counts = np.bincount(UNITS)

    expected = bootstrap(
        (sums, counts),
        lambda s, c, axis=-1: s.sum(axis=axis) / c.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=2000,
        method="percentile",
    ).confidence_interval

    interval = _difference(before, after)
    assert interval["low"] == pytest.approx(expected.low, abs=0.1)
    assert interval["high"] == pytest.approx(expected.high, abs=0.1)


def test_pairing_narrows_the_interval():
    before, after = _values(2)
    other, _ = _values(3)

    paired, unpaired = _difference(before, after), _difference(before, other + TRUE_DIFFERENCE)

    assert paired["high"] - paired["low"] < (unpaired["high"] - unpaired["low"]) / 3


def test_people_of_one_unit_are_not_independent():
    before, after = _values(4)

    together, apart = _difference(before, after), _difference(before, after, np.arange(600))

    assert together["high"] - together["low"] > 1.2 * (apart["high"] - apart["low"])


def test_one_unit_has_no_interval():
    before, after = _values(7)

    assert _difference(before, after, np.zeros(600)) == {
        "mean": pytest.approx(np.mean(after - before)),
        "low": None,
        "high": None,
    }


def test_units_without_a_known_value_do_not_count():
    before, after = _values(8)
    before[UNITS != 4] = np.nan

    assert _difference(before, after)["low"] is None


def test_a_seed_gives_the_same_interval():
    assert _difference(*_values(5)) == _difference(*_values(5))


def test_people_without_both_values_are_left_out():
    before, after = _values(6)
    holes = before.copy()
    holes[::3] = np.nan
    rest = np.isfinite(holes)

    with_holes = _difference(holes, after)

    assert with_holes["mean"] == pytest.approx(np.mean((after - before)[rest]))
    assert with_holes["low"] < with_holes["mean"] < with_holes["high"]


def test_nobody_with_both_values_gives_none_for_that_metric_alone():
    unknown, one = np.full(3, np.nan), np.ones(3)

    differences = paired_differences(
        {"mpjpe_mm": unknown, "pck150": one}, {"mpjpe_mm": one, "pck150": 3 * one}, np.arange(3)
    )

    assert differences == {"mpjpe_mm": None, "pck150": {"mean": 2.0, "low": 2.0, "high": 2.0}}
