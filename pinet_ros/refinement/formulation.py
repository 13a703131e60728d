"""Formulation: what weights mean, and the order in which people enter the network.

Weights are valid for one formulation only, so their file states it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

import torch
from torch import Tensor

from pinet_ros.refinement.standardisation import STANDARDISATIONS, Facing, Standardisation
from pinet_ros.skeleton import MUPOTS_17


class Target(str, Enum):
    """What the network predicts."""

    POSE = "pose"
    CORRECTION = "correction"  # added to the input pose


class Order(str, Enum):
    """Order of the others after the person of interest (section 3.2, table 4 of the paper)."""

    NEAR_TO_FAR = "near_to_far"
    FAR_TO_NEAR = "far_to_near"  # the paper's "reverse"
    RANDOM = "random"


class Distance(str, Enum):
    """What the distance between two people is measured between."""

    ROOTS = "roots"  # root joints in space (section 4.4 of the paper)
    BOXES = "boxes"  # centres of the boxes in the image, as in the release


@dataclass(frozen=True)
class Formulation:
    """How people are presented to the network, and what it predicts.

    Attributes:
        standardisation: a key of STANDARDISATIONS.
        target: the pose itself (as in the paper), or a correction of it.
        order: order of the others after the person of interest.
        distance: distance to order them by. The distance in the image cannot separate people who
            stand behind each other.
        neighbours: how many others, the nearest ones, a person is refined with at most; so time
            and memory grow linearly with the number of people. 0: each person alone.

    Raises:
        ValueError: a value is unknown or negative.
    """

    standardisation: str = "root_centred"
    target: Target = Target.CORRECTION
    order: Order = Order.NEAR_TO_FAR
    distance: Distance = Distance.ROOTS
    neighbours: int = 10

    def __post_init__(self) -> None:
        object.__setattr__(self, "target", Target(self.target))
        object.__setattr__(self, "order", Order(self.order))
        object.__setattr__(self, "distance", Distance(self.distance))
        if self.standardisation not in STANDARDISATIONS:
            raise ValueError(
                f"standardisation {self.standardisation!r} is not known; use one of "
                f"{', '.join(STANDARDISATIONS)}"
            )
        if self.neighbours < 0:
            raise ValueError(f"neighbours must be 0 or more, got {self.neighbours}")

    @property
    def is_published(self) -> bool:
        """Whether standardisation and target are those of the paper and its release."""
        return self.standardisation == "all_people" and self.target is Target.POSE

    def order_people(
        self,
        joints: Tensor,
        boxes: Tensor,
        present: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Select and order the others for each person, see `interaction_order`.

        Args:
            joints: (...,N,J,3) metres, camera frame, joints of MUPOTS_17.
            boxes: (...,N,4) x_min y_min x_max y_max, pixels; used by Distance.BOXES only.
            present: (...,N) bool, false for padding; None for no padding.
            generator: random numbers for Order.RANDOM.

        Returns:
            (...,N,S) int64, row n being the order for person n; S is at most 1 + neighbours.
        """
        if self.distance is Distance.BOXES:
            positions = (boxes[..., :2] + boxes[..., 2:]) / 2
        else:
            positions = joints[..., MUPOTS_17.root, :]
        return interaction_order(positions, self.order, present, generator, self.neighbours)

    @property
    def has_deviations(self) -> bool:
        """Whether the network reads deviations and which way is up, and predicts deviations."""
        return STANDARDISATIONS[self.standardisation] is Facing

    def standardise(
        self,
        sequences: Tensor,
        present: Tensor | None = None,
        deviations: Tensor | None = None,
        up: Tensor | None = None,
    ) -> Standardisation:
        """Standardise sequences (B,N,J,3) in metres for the network, see Standardisation."""
        return STANDARDISATIONS[self.standardisation](sequences, present, deviations, up)

    def predicted(
        self, values: Tensor, joints: Tensor, standardised: Standardisation
    ) -> tuple[Tensor, Tensor | None]:
        """Convert network outputs (B,P,V) to encoded poses (B,P,3J) and logarithms of deviations.

        Args:
            values: (B,P,V) outputs for the first P people; V is 3J, or more with deviations.
            joints: (B,P,J,3) their input poses, metres, camera frame.
            standardised: standardisation of their sequences.

        Returns:
            The encoded poses, and the logarithms of their deviations (B,P,J+1), see
            `deviations_of`; None without deviations.
        """
        size = joints.shape[2] * 3
        poses, rest = values[..., :size], values[..., size:]
        if self.target is Target.CORRECTION:
            poses = poses + standardised.encode(joints)
        if not isinstance(standardised, Facing):
            return poses, None
        return poses, standardised.log_deviations(rest)

    def refine_first(
        self,
        network: Any,
        sequences: Tensor,
        deviations: Tensor | None = None,
        up: Tensor | None = None,
    ) -> RefinedFirst:
        """Refine the first person of each sequence in one forward pass.

        Args:
            network: PINet or PairGraph.
            sequences: (B,N,J,3) metres, camera frame; the person of interest first, then the
                others in their order.
            deviations: (B,N,J+1) see `deviations_of`; None for unknown ones.
            up: (B,3) unit vectors that point up, camera frame; None or NaN for unknown ones.
        """
        standardised = self.standardise(sequences, None, deviations, up)
        values, attention = network.refine_first(standardised.tokens)
        poses, logarithms = self.predicted(values[:, None], sequences[:, :1], standardised)
        refined = None if logarithms is None else logarithms[:, 0].exp()
        return RefinedFirst(standardised.decode(poses)[:, 0], attention, refined)


class RefinedFirst(NamedTuple):
    """The first people of B sequences, refined.

    Attributes:
        poses: (B,J,3), metres, camera frame.
        attention: to each person (B,N), or None for a network without attention.
        deviations: (B,J+1), see `deviations_of`, or None for a network that predicts none.
    """

    poses: Tensor
    attention: Tensor | None
    deviations: Tensor | None


def interaction_order(
    positions: Tensor,
    order: Order = Order.NEAR_TO_FAR,
    present: Tensor | None = None,
    generator: torch.Generator | None = None,
    neighbours: int | None = None,
) -> Tensor:
    """Order for each person: the person itself, then the others, then padding.

    Ties are ordered by index, including people at the same position.

    Args:
        positions: (...,N,D) positions of the people, compared by Euclidean distance.
        order: order of the others.
        present: (...,N) bool, false for padding; None for no padding.
        generator: random numbers for Order.RANDOM, on the CPU.
        neighbours: number of others, the nearest ones, to keep; None for all.

    Returns:
        (...,N,S) int64, row n being the order for person n; S is N, or less with `neighbours`.
    """
    count = positions.shape[-2]
    kept = count if neighbours is None else min(count, 1 + neighbours)
    itself = torch.eye(count, dtype=torch.bool, device=positions.device)

    def ranked(keys: Tensor) -> Tensor:
        # the lowest key, so that a duplicate at distance zero does not precede the person
        if present is not None:
            keys = keys.masked_fill(~present[..., None, :], torch.inf)
        return keys.masked_fill(itself, -torch.inf)

    squares = torch.zeros((*positions.shape[:-1], count), device=positions.device)
    for axis in positions.unbind(dim=-1):
        squares = squares + (axis[..., :, None] - axis[..., None, :]).square()
    if order is Order.NEAR_TO_FAR:
        return ranked(squares).argsort(dim=-1, stable=True)[..., :kept]
    if order is Order.RANDOM:
        keys = ranked(torch.rand(squares.shape, generator=generator).to(positions.device))
    else:
        keys = ranked(-squares)
    if kept == count:
        return keys.argsort(dim=-1, stable=True)
    nearest = ranked(squares).argsort(dim=-1, stable=True)[..., :kept].sort(dim=-1).values
    return nearest.gather(-1, keys.gather(-1, nearest).argsort(dim=-1, stable=True))


# Formulation of the published network: section 3.3 of the paper and its release.
PUBLISHED = Formulation("all_people", Target.POSE)
