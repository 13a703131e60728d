"""Areas of boxes, and what they have in common; boxes are x_min y_min x_max y_max."""

from __future__ import annotations

import numpy as np


def areas(boxes: np.ndarray) -> np.ndarray:
    """Areas (...) of boxes (...,4); 0 for those turned inside out, NaN for unknown ones."""
    return (boxes[..., 2:] - boxes[..., :2]).clip(0).prod(axis=-1)


def intersections(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Areas (N,M) that boxes (N,4) and (M,4) have in common; NaN where one is unknown."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    return (high - low).clip(0).prod(axis=-1)


def overlaps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union (N,M) of boxes (N,4) and (M,4); 0 where one is unknown."""
    shared = intersections(first, second)
    unions = areas(first)[:, None] + areas(second)[None] - shared
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(shared / np.maximum(unions, 1e-9))
