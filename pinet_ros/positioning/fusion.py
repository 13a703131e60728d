"""Fusion of what independent sources know about the distances of people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

_WIDE = 1.0  # deviation of a source that is wrong: it says next to nothing
_SUREST = 1e-6  # deviation


@dataclass(frozen=True, eq=False)
class Source:
    """What one source knows about the distances of N people, relative to their estimates.

    Attributes:
        logarithms: (N,) natural logarithms of the factors by which the distances are to change.
        deviations: (N,) their standard deviations, 0 or more; NaN or infinite where the source
            says nothing.
        doubt: probability, 0 to 1, that the source is wrong about a person.
    """

    logarithms: np.ndarray
    deviations: np.ndarray
    doubt: float = 0.0


def fuse(sources: Sequence[Source]) -> tuple[np.ndarray, np.ndarray]:
    """Combine one or more sources into the logarithms (N,) of factors, and their deviations (N,).

    A source is right with a normal distribution, or wrong with a wide one. The result is the mean
    and the standard deviation of the product of these distributions. So a source that disagrees
    with the others beyond its deviation loses weight, and does so smoothly. NaN where no source
    says anything.
    """
    logarithms = np.stack([source.logarithms for source in sources]).astype(float)  # (S,N)
    deviations = np.stack([source.deviations for source in sources]).astype(float)
    says = np.isfinite(logarithms) & np.isfinite(deviations)
    logarithms = np.where(says, logarithms, 0)
    variances = np.square(np.where(says, deviations, 1).clip(_SUREST, 1 / _SUREST))
    right, wrong = says / variances, says / (variances + _WIDE**2)
    doubts = np.array([source.doubt for source in sources])
    weights, means, spreads = [], [], []
    for is_wrong in product(*((False, True) if doubt else (False,) for doubt in doubts)):
        chosen = np.array(is_wrong)[:, None]
        precisions = np.where(chosen, wrong, right)
        chances = np.where(chosen, doubts[:, None], 1 - doubts[:, None])
        total = precisions.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = (precisions * logarithms).sum(axis=0) / total
            # of the density at the best place; without sources that say nothing
            parts = np.log(chances) + np.log(precisions) / 2
            fit = (precisions * np.square(logarithms - mean)).sum(axis=0) / 2
            weights.append(np.where(says, parts, 0).sum(axis=0) - np.log(total) / 2 - fit)
            spreads.append(1 / total)
        means.append(mean)
    likely = np.exp(np.array(weights) - np.max(weights, axis=0))
    likely /= likely.sum(axis=0)
    mean = (likely * means).sum(axis=0)
    spread = (likely * (np.array(spreads) + np.square(means - mean))).sum(axis=0)
    return mean, np.sqrt(spread)
