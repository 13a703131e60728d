"""The loss that PI-Net is trained with."""

from __future__ import annotations

from torch import Tensor, nn

from pinet_ros.refinement.formulation import Formulation


def pose_loss(
    formulation: Formulation, network: nn.Module, sequences: Tensor, truth: Tensor, present: Tensor
) -> Tensor:
    """L1 distance of the standardised poses of all people of each sequence (section 3.3).

    Args:
        formulation: what the network's values mean.
        network: PINet or PairGraph, or what wraps them for several GPUs.
        sequences, truth: (B,N,J,3) metres, camera frame.
        present: (B,N) bool, false for padding.

    Returns:
        (B,N) the mean over the values of a person, zero for padding.
    """
    standardised = formulation.standardise(sequences, present)
    values = network(standardised.tokens, present)
    values = formulation.predicted(values, sequences, standardised)
    errors = (values - standardised.encode(truth)).abs().mean(dim=2)
    return errors.masked_fill(~present, 0.0)
