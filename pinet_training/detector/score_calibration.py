"""Scores of a detector that are probabilities: of the boxes with 0.5, half are on a person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import expit

from pinet_ros.detection.nanodet_network import NanoDetNetwork
from pinet_training.detector.detector_recall import Recalls

_HOLD = 1.0  # how strongly the scores are held as they are; a few boxes move them little
_BOUNDS = ((0.2, 5.0), (-10.0, 10.0))  # of scale and shift


@dataclass(frozen=True)
class Calibration:
    """What a score's logit becomes: scale times the logit, plus shift."""

    scale: float = 1.0
    shift: float = 0.0


def fit_calibration(recalls: Recalls) -> Calibration:
    """Fit probabilities to the boxes that are of a person, and to those that are of nobody.

    Source: Platt, "Probabilistic outputs for support vector machines", 1999, on the logits.
    """
    of_people = recalls.scores[recalls.scores > 0]
    scores = np.concatenate([of_people, recalls.wrong]).clip(1e-4, 1 - 1e-4)
    right = np.arange(len(scores)) < len(of_people)
    inputs = np.column_stack([np.log(scores / (1 - scores)), np.ones(len(scores))])
    start = np.array([1.0, 0.0])

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        """Negative logarithm of the likelihood, and its gradient."""
        logits, moved = inputs @ values, values - start
        value = np.logaddexp(0, np.where(right, -logits, logits)).sum()
        value += _HOLD * moved @ moved / 2
        return value, inputs.T @ (expit(logits) - right) + _HOLD * moved

    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=_BOUNDS)
    return Calibration(*found.x.tolist())


@torch.no_grad()
def calibrate(network: NanoDetNetwork, calibration: Calibration) -> None:
    """Change the last weights of a network, so that it gives calibrated scores."""
    for head in network.heads:
        last = head[-1]
        last.weight[0] *= calibration.scale
        last.bias[0] = calibration.scale * last.bias[0] + calibration.shift
