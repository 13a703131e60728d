"""Formulation: what the values mean that a network of given weights reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import torch

from pinet_ros.refinement.model import PINet
from pinet_ros.refinement.standardisation import STANDARDISATIONS, Standardisation


class Target(str, Enum):
    """What the network writes."""

    POSE = "pose"
    CORRECTION = "correction"  # to be added to the pose that was read


@dataclass(frozen=True)
class Formulation:
    """How poses are standardised, and what the network predicts of them.

    Attributes:
        standardisation: a key of STANDARDISATIONS.
        target: the pose itself (the paper) or a correction of it.

    Raises:
        ValueError: an unknown standardisation or target.
    """

    standardisation: str = "root_centred"
    target: Target = Target.CORRECTION

    def __post_init__(self) -> None:
        object.__setattr__(self, "target", Target(self.target))
        if self.standardisation not in STANDARDISATIONS:
            raise ValueError(
                f"standardisation {self.standardisation!r} is not known; use one of "
                f"{', '.join(STANDARDISATIONS)}"
            )

    def predict(
        self, network: PINet, sequences: torch.Tensor
    ) -> tuple[torch.Tensor, Standardisation]:
        """Refine the first person of each sequence.

        Args:
            network: in training or evaluation mode.
            sequences: (B,N,J,3) metres, camera frame, the person of interest first, then the
                others from near to far.

        Returns:
            the refined poses as values (B,3J), and the standardisation that decodes them.
        """
        standardised = STANDARDISATIONS[self.standardisation](sequences)
        values = network.refine_first(standardised.tokens)
        if self.target is Target.CORRECTION:
            values = values + standardised.encode(sequences[:, 0])
        return values, standardised


# The published network: section 3.3 of the paper and its release.
PUBLISHED = Formulation("all_people", Target.POSE)
