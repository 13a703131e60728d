"""Formulation: the order in which people enter the network, and how poses become its values.

Weights are valid for one formulation only, so their file states it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import torch
from torch import Tensor

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

    def standardise(self, sequences: Tensor, present: Tensor | None = None) -> Standardisation:
        """Standardise sequences (B,N,J,3) in metres for the network, see Standardisation."""
        return STANDARDISATIONS[self.standardisation](sequences, present)

    def predicted(self, values: Tensor, joints: Tensor, standardised: Standardisation) -> Tensor:
        """Convert network outputs (B,P,3J) to encoded poses (B,P,3J).

        Args:
            values: (B,P,3J) outputs for the first P people.
            joints: (B,P,J,3) their input poses, metres, camera frame.
            standardised: standardisation of their sequences.
        """
        if self.target is Target.POSE:
            return values
        return values + standardised.encode(joints)

    def refine_first(self, network: Any, sequences: Tensor) -> tuple[Tensor, Tensor | None]:
        """Refine the first person of each sequence in one forward pass.

        Args:
            network: PINet or PairGraph.
            sequences: (B,N,J,3) metres, camera frame; the person of interest first, then the
                others in their order.

        Returns:
            The refined poses (B,J,3), metres, camera frame, and the attention to each person
            (B,N), or None for a network without attention.
        """
        standardised = self.standardise(sequences)
        values, attention = network.refine_first(standardised.tokens)
        values = self.predicted(values[:, None], sequences[:, :1], standardised)
        return standardised.decode(values)[:, 0], attention


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


class Standardisation(Protocol):
    """Converts poses in metres to the values that the network reads and predicts, and back.

    It is created for sequences of poses (B,N,J,3), metres, camera frame, joints of MUPOTS_17, the
    person of interest first. `present` (B,N) bool is false for padding, which is at the end; None
    means no padding.

    Attributes:
        tokens: (B,N,3J) input of the network, zero for padding.
    """

    tokens: Tensor

    def __init__(self, sequences: Tensor, present: Tensor | None = None) -> None: ...

    def encode(self, joints: Tensor) -> Tensor:
        """Encode poses (B,P,J,3) of the first P people as values (B,P,3J)."""

    def decode(self, values: Tensor) -> Tensor:
        """Decode values (B,P,3J) of the first P people to poses (B,P,J,3); inverts `encode`."""


class RootCentred:
    """Centres each person at its own root, with a fixed scale; the pelvis entry holds the root.

    This separates position from pose. In the tokens, the root of the person of interest is in the
    camera frame and the others' roots are relative to it. In encoded poses, the pelvis entry is
    the offset of the root from its estimate, relative to its distance from the camera: at the
    same error in the image, a person twice as far away is misplaced by twice as much.
    """

    SCALE = 0.25  # metres per unit of a joint, about the standard deviation of a body's joints
    ROOT_SCALE = 2.0  # metres per unit of the root of the person of interest
    NEIGHBOUR_SCALE = 1.0  # metres per unit of another person's root
    CORRECTION_SCALE = 1 / 16  # fraction of the root's distance per unit of its correction

    def __init__(self, sequences: Tensor, present: Tensor | None = None) -> None:
        self._roots = roots = sequences[:, :, MUPOTS_17.root]  # (B,N,3)
        self._root_units = self.CORRECTION_SCALE * roots.norm(dim=2, keepdim=True)  # (B,N,1)
        own = roots[:, :1] / self.ROOT_SCALE
        others = (roots[:, 1:] - roots[:, :1]) / self.NEIGHBOUR_SCALE
        tokens = (sequences - roots[:, :, None]) / self.SCALE
        tokens[:, :, MUPOTS_17.root] = torch.cat([own, others], dim=1)
        self.tokens = _without_padding(tokens.flatten(start_dim=2), present)

    def encode(self, joints: Tensor) -> Tensor:
        """See Standardisation."""
        count = joints.shape[1]
        roots = joints[:, :, MUPOTS_17.root]  # (B,P,3)
        values = (joints - roots[:, :, None]) / self.SCALE
        moved = roots - self._roots[:, :count]
        values[:, :, MUPOTS_17.root] = moved / self._root_units[:, :count]
        return values.flatten(start_dim=2)

    def decode(self, values: Tensor) -> Tensor:
        """See Standardisation."""
        count = values.shape[1]
        values = values.unflatten(2, (-1, 3))  # (B,P,J,3)
        moved = values[:, :, MUPOTS_17.root] * self._root_units[:, :count]
        roots = self._roots[:, :count] + moved
        joints = roots[:, :, None] + values * self.SCALE
        joints[:, :, MUPOTS_17.root] = roots
        return joints


class AllPeople:
    """Scales x, y and z to zero mean and unit deviation over all joints of all people.

    Source: section 3.3 of the paper and its release (unbiased deviation plus 1e-4, millimetres).
    Unlike in the release, padding is excluded from mean and deviation.
    """

    MILLIMETRES = 1000.0  # per metre; the released networks are trained on millimetres
    EPSILON = 1e-4

    def __init__(self, sequences: Tensor, present: Tensor | None = None) -> None:
        millimetres = sequences * self.MILLIMETRES  # (B,N,J,3)
        if present is None:
            present = sequences.new_ones(sequences.shape[:2], dtype=torch.bool)
        weights = present[:, :, None, None]
        count = present.sum(dim=1)[:, None, None, None] * sequences.shape[2]
        self._mean = (millimetres * weights).sum(dim=(1, 2), keepdim=True) / count  # (B,1,1,3)
        squares = ((millimetres - self._mean).square() * weights).sum(dim=(1, 2), keepdim=True)
        self._deviation = (squares / (count - 1)).sqrt() + self.EPSILON
        self.tokens = _without_padding(self.encode(sequences), present)

    def encode(self, joints: Tensor) -> Tensor:
        """See Standardisation."""
        values = (joints * self.MILLIMETRES - self._mean) / self._deviation
        return values.flatten(start_dim=2)

    def decode(self, values: Tensor) -> Tensor:
        """See Standardisation."""
        joints = values.unflatten(2, (-1, 3)) * self._deviation + self._mean
        return joints / self.MILLIMETRES


def _without_padding(tokens: Tensor, present: Tensor | None) -> Tensor:
    return tokens if present is None else tokens.masked_fill(~present[:, :, None], 0.0)


STANDARDISATIONS: dict[str, type[Standardisation]] = {
    "root_centred": RootCentred,
    "all_people": AllPeople,
}

# Formulation of the published network: section 3.3 of the paper and its release.
PUBLISHED = Formulation("all_people", Target.POSE)
