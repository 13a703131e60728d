"""The loss of deviations: they are quantiles of errors."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pinet_ros.skeleton import MUPOTS_17

_WITHIN = math.erf(0.5**0.5)  # share of errors within one deviation
_SMALLEST = 1e-3  # error that deviations are learnt from, metres, or of a logarithm


def deviation_losses(
    offsets: Tensor, ratios: Tensor, across: Tensor, log_deviations: Tensor
) -> Tensor:
    """Negative logarithms of the likelihoods of errors, without constants.

    The logarithm of an error has an asymmetric Laplace distribution (Yu and Moyeed, "Bayesian
    quantile regression", 2001) about the logarithm of its deviation. So the best deviation is
    the size that 68.3 % of the errors stay within, as of a normal distribution, and a few large
    errors do not change it. Errors get no gradients: a pose must not get worse to be less sure.

    Args:
        offsets: (...,J,3) metres, errors of the joints relative to the root.
        ratios: (...) natural logarithms of estimated over true distances of the root.
        across: (...,2) metres, errors of the root across its viewing ray.
        log_deviations: (...,J+1) see `deviations_of`.

    Returns:
        (...,J+1) one for each deviation.
    """
    sizes = torch.cat([offsets.norm(dim=-1), ratios.abs()[..., None]], dim=-1)
    losses = _quantile_loss(sizes, log_deviations)
    root = log_deviations[..., MUPOTS_17.root, None]
    of_root = _quantile_loss(across.abs(), root).mean(dim=-1, keepdim=True)
    places = torch.arange(losses.shape[-1], device=losses.device)
    return torch.where(places == MUPOTS_17.root, of_root, losses)


def _quantile_loss(sizes: Tensor, log_deviations: Tensor) -> Tensor:
    excess = sizes.detach().clamp_min(_SMALLEST).log() - log_deviations
    return torch.maximum(_WITHIN * excess, (_WITHIN - 1) * excess)
