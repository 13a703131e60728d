"""The refinement of landmarks by heat maps, cell by cell."""

from __future__ import annotations

import math

import numpy as np


def moved_by_heatmap(point: np.ndarray, heatmap: np.ndarray) -> np.ndarray:
    """One landmark (2,), pixels, in one map (64,64); each cell weighs by its distance to it.

    The landmark goes a part m^2 / (m^2 + 4) of its way to the centre of mass, with the mass m.
    """
    mass, moment = 0.0, np.zeros(2)
    for row in range(64):
        for column in range(64):
            way = np.array([column, row]) - np.asarray(point, float) / 4
            weight = heatmap[row, column] * math.exp(-(way @ way) / (2 * 2.0**2))
            mass, moment = mass + weight, moment + weight * way
    if mass == 0:
        return np.asarray(point, float)
    return point + 4 * (moment / mass) * mass**2 / (mass**2 + 4)
