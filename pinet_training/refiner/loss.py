"""Loss of PI-Net."""

from __future__ import annotations

from torch import Tensor, nn

from pinet_ros.refinement.formulation import Formulation


def pose_loss(
    formulation: Formulation, network: nn.Module, sequences: Tensor, truth: Tensor, present: Tensor
) -> Tensor:
    """Compute the L1 distance between standardised poses, for all people of each sequence.

    Source: section 3.3 of the paper.

    Args:
        formulation: what the network's inputs and outputs mean.
        network: PINet or PairGraph, possibly wrapped for several GPUs.
        sequences, truth: (B,N,J,3) metres, camera frame.
        present: (B,N) bool, false for padding.

    Returns:
        (B,N) mean over the values of each person, zero for padding.
    """
    standardised = formulation.standardise(sequences, present)
    values = network(standardised.tokens, present)
    values = formulation.predicted(values, sequences, standardised)
    errors = (values - standardised.encode(truth)).abs().mean(dim=2)
    return errors.masked_fill(~present, 0.0)
