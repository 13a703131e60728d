"""Paired bootstrap: how certain the difference between two treatments of the same people is.

Whole units are resampled, such as the sequences of a data set: the frames of a video resemble each
other, so people of one unit say less than as many people of several. The interval says nothing of
people and places that are not among the data, and is too narrow with few units.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993 (percentile interval); Field
and Welsh, Bootstrapping clustered data, 2007 (resampling of whole units).
"""

from __future__ import annotations

import numpy as np

_RESAMPLES = 2000
_INTERVAL = (0.025, 0.975)
_SEED = 0


def paired_differences(
    before: dict[str, np.ndarray], after: dict[str, np.ndarray], units: np.ndarray
) -> dict[str, dict[str, float | None] | None]:
    """The mean of after - before with its 95 % interval, for each metric.

    Args:
        before, after: (N,) values of each metric for the same people, NaN if not known; people
            without both values are left out.
        units: (N,) number of the independent unit that each person is in: a sequence of a video,
            a rendered scene or a recorded moment.

    Returns:
        `mean`, `low` and `high` for each metric; None if nobody has both values. One unit alone
        has no interval: `low` and `high` are None.
    """
    differences = np.array([after[name] - before[name] for name in before])  # (metrics,N)
    known = ~np.isnan(differences)
    numbers, of_person = np.unique(units, return_inverse=True)
    sums, counts = (
        np.array([np.bincount(of_person, row, len(numbers)) for row in rows])  # (metrics,units)
        for rows in (np.where(known, differences, 0.0), known)
    )
    resampled = _resampled_means(sums, counts)
    return {
        name: _interval(sums[row], counts[row], resampled[:, row]) if known[row].any() else None
        for row, name in enumerate(before)
    }


def _resampled_means(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(resamples,metrics), NaN if a resample has no known value of a metric."""
    rng = np.random.default_rng(_SEED)
    units = sums.shape[1]
    means = np.full((_RESAMPLES, len(sums)), np.nan)
    for resample in means:
        times = np.bincount(rng.integers(units, size=units), minlength=units)
        total = counts @ times
        np.divide(sums @ times, total, out=resample, where=total > 0)
    return means


def _interval(
    sums: np.ndarray, counts: np.ndarray, resampled: np.ndarray
) -> dict[str, float | None]:
    """Of one metric, from the sums (units,) of its differences and how many are known."""
    mean = float(sums.sum() / counts.sum())
    if np.count_nonzero(counts) < 2:
        return {"mean": mean, "low": None, "high": None}
    low, high = np.nanquantile(resampled, _INTERVAL)
    return {"mean": mean, "low": float(low), "high": float(high)}
