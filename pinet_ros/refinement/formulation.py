"""Formulation: the order in which people enter a network, and what its values mean.

It is the contract between a network and its weights, and stands in the weights' file.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import torch
from torch import Tensor

from pinet_ros.skeleton import MUPOTS_17


class Target(str, Enum):
    """What the network writes."""

    POSE = "pose"
    CORRECTION = "correction"  # to be added to the pose that was read


class Order(str, Enum):
    """How the others follow the person of interest (section 3.2 and table 4 of the paper)."""

    NEAR_TO_FAR = "near_to_far"
    FAR_TO_NEAR = "far_to_near"  # the paper's "reverse"
    RANDOM = "random"


class Distance(str, Enum):
    """What the distance between two people is measured between."""

    ROOTS = "roots"  # in space (section 4.4 of the paper)
    BOXES = "boxes"  # the boxes' centers in the image, as the release does


@dataclass(frozen=True)
class Formulation:
    """How people are presented to the network, and what it predicts of them.

    Attributes:
        standardisation: a key of STANDARDISATIONS.
        target: the pose itself (the paper), or a correction of it.
        order: of the others after the person of interest.
        distance: which distance orders them. The one in the image cannot tell apart people who
            stand behind each other.

    Raises:
        ValueError: a value is unknown.
    """

    standardisation: str = "root_centred"
    target: Target = Target.CORRECTION
    order: Order = Order.NEAR_TO_FAR
    distance: Distance = Distance.ROOTS

    def __post_init__(self) -> None:
        object.__setattr__(self, "target", Target(self.target))
        object.__setattr__(self, "order", Order(self.order))
        object.__setattr__(self, "distance", Distance(self.distance))
        if self.standardisation not in STANDARDISATIONS:
            raise ValueError(
                f"standardisation {self.standardisation!r} is not known; use one of "
                f"{', '.join(STANDARDISATIONS)}"
            )

    @property
    def is_published(self) -> bool:
        """Whether the values are those of the paper and its release, whatever the order."""
        return self.standardisation == "all_people" and self.target is Target.POSE

    def order_people(
        self,
        joints: Tensor,
        boxes: Tensor,
        present: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """The order of the others for each person, see `interaction_order`.

        Args:
            joints: (...,N,J,3) metres, camera frame, joints of MUPOTS_17.
            boxes: (...,N,4) x_min y_min x_max y_max, pixels; only Distance.BOXES reads them.
            present: (...,N) bool, false for padding.
            generator: of the random order.

        Returns:
            (...,N,N) int64.
        """
        if self.distance is Distance.BOXES:
            positions = (boxes[..., :2] + boxes[..., 2:]) / 2
        else:
            positions = joints[..., MUPOTS_17.root, :]
        return interaction_order(positions, self.order, present, generator)

    def standardise(self, sequences: Tensor, present: Tensor | None = None) -> Standardisation:
        """Sequences (B,N,J,3) in metres as the network reads them; see Standardisation."""
        return STANDARDISATIONS[self.standardisation](sequences, present)

    def predicted(self, values: Tensor, joints: Tensor, standardised: Standardisation) -> Tensor:
        """The network's values (B,P,3J) of poses joints (B,P,J,3) as values of whole poses."""
        if self.target is Target.POSE:
            return values
        return values + standardised.encode(joints)

    def refine_first(self, network: Any, sequences: Tensor) -> tuple[Tensor, Tensor | None]:
        """Refine the first person of each sequence in one pass.

        Args:
            network: PINet or PairGraph.
            sequences: (B,N,J,3) metres, camera frame, the person of interest first, then the
                others in their order.

        Returns:
            the refined poses (B,J,3) in metres, and the attention to each person (B,N), None for
            a network without attention.
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
) -> Tensor:
    """For each person: the person itself, then the others in their order, then who is absent.

    Ties keep the order of the index, also among people at the very same place.

    Args:
        positions: (...,N,D) where the people are; the distance between two is Euclidean.
        present: (...,N) bool, false for padding; None when everybody is there.
        generator: of the random order, on the CPU.

    Returns:
        (...,N,N) int64, row n being the order for person n.
    """
    if order is Order.RANDOM:
        keys = torch.rand((*positions.shape[:-1], positions.shape[-2]), generator=generator)
        keys = keys.to(positions.device)
    else:
        offsets = positions[..., :, None, :] - positions[..., None, :, :]  # (...,N,N,D)
        keys = torch.zeros_like(offsets[..., 0])
        for offset in offsets.unbind(dim=-1):
            keys = keys + offset.square()
        keys = -keys if order is Order.FAR_TO_NEAR else keys
    if present is not None:
        keys = keys.masked_fill(~present[..., None, :], torch.inf)
    # below every key, so that a duplicate at distance zero does not come before the person
    itself = torch.eye(positions.shape[-2], dtype=torch.bool, device=positions.device)
    return keys.masked_fill(itself, -torch.inf).argsort(dim=-1, stable=True)


class Standardisation(Protocol):
    """Poses in metres to the values that the network reads and writes, and back.

    It is made for sequences of poses (B,N,J,3), metres in the camera frame, joints of MUPOTS_17,
    the person of interest first, and `present` (B,N) bool, false for padding at the end (None for
    no padding).

    Attributes:
        tokens: (B,N,3J) what the network reads, zero for padding.
    """

    tokens: Tensor

    def __init__(self, sequences: Tensor, present: Tensor | None = None) -> None: ...

    def encode(self, joints: Tensor) -> Tensor:
        """Poses (B,P,J,3) of the first P people to values (B,P,3J)."""

    def decode(self, values: Tensor) -> Tensor:
        """Values (B,P,3J) of the first P people to poses (B,P,J,3); the inverse of encode."""


class RootCentred:
    """Each person about its own root on a fixed scale; the pelvis' place holds the root.

    The person of interest brings its root in the camera frame, the others theirs relative to it:
    where people stand is kept apart from how they stand. Encoded poses hold in the pelvis' place
    the distance of the root from the estimated one as a part of its distance from the camera:
    in the same picture, a person twice as far away is estimated twice as far off.
    """

    SCALE = 0.25  # metres per unit of a joint, about the standard deviation of a body's joints
    ROOT_SCALE = 2.0  # metres per unit of the person of interest's own root
    NEIGHBOUR_SCALE = 1.0  # metres per unit of another person's root
    CORRECTION_SCALE = 1 / 16  # of the root's distance per unit of its correction

    def __init__(self, sequences: Tensor, present: Tensor | None = None) -> None:
        self._roots = roots = sequences[:, :, MUPOTS_17.root]  # (B,N,3)
        self._root_units = self.CORRECTION_SCALE * roots.norm(dim=2, keepdim=True)  # (B,N,1)
        own = roots[:, :1] / self.ROOT_SCALE
        others = (roots[:, 1:] - roots[:, :1]) / self.NEIGHBOUR_SCALE
        tokens = (sequences - roots[:, :, None]) / self.SCALE
        tokens[:, :, MUPOTS_17.root] = torch.cat([own, others], dim=1)
        self.tokens = _without_padding(tokens.flatten(start_dim=2), present)

    def encode(self, joints: Tensor) -> Tensor:
        count = joints.shape[1]
        roots = joints[:, :, MUPOTS_17.root]  # (B,P,3)
        values = (joints - roots[:, :, None]) / self.SCALE
        moved = roots - self._roots[:, :count]
        values[:, :, MUPOTS_17.root] = moved / self._root_units[:, :count]
        return values.flatten(start_dim=2)

    def decode(self, values: Tensor) -> Tensor:
        count = values.shape[1]
        values = values.unflatten(2, (-1, 3))  # (B,P,J,3)
        moved = values[:, :, MUPOTS_17.root] * self._root_units[:, :count]
        roots = self._roots[:, :count] + moved
        joints = roots[:, :, None] + values * self.SCALE
        joints[:, :, MUPOTS_17.root] = roots
        return joints


class AllPeople:
    """x, y and z each over all joints of all people, as released: zero mean, unit deviation.

    Source: section 3.3 of the paper and its release (unbiased deviation plus 1e-4, millimetres).
    Unlike in the release, padding has no part in either.
    """

    MILLIMETRES = 1000.0  # per metre: the released networks are trained on millimetres
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
        values = (joints * self.MILLIMETRES - self._mean) / self._deviation
        return values.flatten(start_dim=2)

    def decode(self, values: Tensor) -> Tensor:
        joints = values.unflatten(2, (-1, 3)) * self._deviation + self._mean
        return joints / self.MILLIMETRES


def _without_padding(tokens: Tensor, present: Tensor | None) -> Tensor:
    return tokens if present is None else tokens.masked_fill(~present[:, :, None], 0.0)


STANDARDISATIONS: dict[str, type[Standardisation]] = {
    "root_centred": RootCentred,
    "all_people": AllPeople,
}

# The published network: section 3.3 of the paper and its release.
PUBLISHED = Formulation("all_people", Target.POSE)
