"""Paired bootstrap: how certain the difference between two treatments of the same people is.

The people of one image are drawn together, as they share its errors. The frames of a video
resemble each other too, which resampling by image does not know: on videos the interval is
narrower than it should be, and says nothing of scenes that are not among the data.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993 (percentile interval).
"""

from __future__ import annotations

import numpy as np

_RESAMPLES = 2000
_INTERVAL = (0.025, 0.975)
_SEED = 0


def paired_differences(
    before: dict[str, np.ndarray], after: dict[str, np.ndarray], images: np.ndarray
) -> dict[str, dict[str, float] | None]:
    """The mean of after - before with its 95 % interval, for each metric.

    Args:
        before, after: (N,) values of each metric for the same people, NaN if not known; people
            without both values are left out.
        images: (N,) number of the image that each person is in.

    Returns:
        `mean`, `low` and `high` for each metric; None if nobody has both values.
    """
    differences = np.array([after[name] - before[name] for name in before])  # (metrics,N)
    known = ~np.isnan(differences)
    numbers, of_person = np.unique(images, return_inverse=True)
    sums, counts = (
        np.array([np.bincount(of_person, row, len(numbers)) for row in rows])  # (metrics,images)
        for rows in (np.where(known, differences, 0.0), known)
    )
    resampled = _resampled_means(sums, counts)
    return {
        name: _interval(sums[row].sum() / counts[row].sum(), resampled[:, row])
        if known[row].any()
        else None
        for row, name in enumerate(before)
    }


def _resampled_means(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(resamples,metrics), NaN if a resample has no known value of a metric."""
    rng = np.random.default_rng(_SEED)
    images = sums.shape[1]
    means = np.full((_RESAMPLES, len(sums)), np.nan)
    for resample in means:
        times = np.bincount(rng.integers(images, size=images), minlength=images)
        total = counts @ times
        np.divide(sums @ times, total, out=resample, where=total > 0)
    return means


def _interval(mean: float, resampled: np.ndarray) -> dict[str, float]:
    low, high = np.nanquantile(resampled, _INTERVAL)
    return {"mean": float(mean), "low": float(low), "high": float(high)}
