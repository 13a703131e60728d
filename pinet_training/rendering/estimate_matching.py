"""Match estimates with people whose joints in the image are known."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.datasets.scene_fields import NOBODY

# Largest mean distance of the limbs' joints in the image, relative to the person's size there, at
# which an estimate is of that person.
_BOUND = 0.25


def match_estimates(people: np.ndarray, estimates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Match the estimates of one image with its people, with the smallest total distance.

    Args:
        people: (P,17,2) pixels, true joints of MUPOTS_17; NaN for joints that have no image
            position.
        estimates: (E,17,2) pixels, estimated joints.

    Returns:
        (E,) the row of the person that each estimate is of, NOBODY for a false detection; and (E,)
        whether the estimate is a duplicate, because another one is matched with that person.
    """
    persons = np.full(len(estimates), NOBODY)
    duplicates = np.zeros(len(estimates), bool)
    if not len(people) or not len(estimates):
        return persons, duplicates
    distances = _distances(people, estimates)
    # all distances beyond the bound cost the same, so that no good match is given up to make a
    # wrong one less bad
    rows, columns = linear_sum_assignment(np.minimum(distances, _BOUND))
    best = distances[rows, columns] < _BOUND
    persons[columns[best]] = rows[best]
    # everybody within the bound of an unmatched estimate has a match: the estimate is a duplicate
    nearest = distances.argmin(axis=0)
    duplicates = (persons == NOBODY) & (distances.min(axis=0) < _BOUND)
    persons[duplicates] = nearest[duplicates]
    return persons, duplicates


def _distances(people: np.ndarray, estimates: np.ndarray) -> np.ndarray:
    """Mean distances (P,E) of the limbs' joints, relative to the person's size in the image."""
    limbs = MUPOTS_17.limbs
    offsets = np.linalg.norm(people[:, None, limbs] - estimates[:, limbs], axis=-1)  # (P,E,12)
    known = np.isfinite(offsets)
    sums = np.where(known, offsets, 0.0).sum(axis=-1)
    means = sums / np.maximum(known.sum(axis=-1), 1)
    sizes = np.fmax.reduce(people, axis=1) - np.fmin.reduce(people, axis=1)  # ignores NaN
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = means / sizes.max(axis=1)[:, None]
    return np.where(known.any(axis=-1) & np.isfinite(relative), relative, np.inf)
