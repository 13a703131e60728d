"""Formulation: who comes when, and what the values mean that a network reads and writes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum

import torch
from torch import nn

from pinet_ros.refinement.corrections import sure_part
from pinet_ros.refinement.order import Order, interaction_order
from pinet_ros.refinement.standardisation import STANDARDISATIONS, Standardisation
from pinet_ros.skeleton import MUPOTS_17

ROLL = math.radians(30)  # the default weights have learnt rolls of up to 35 degrees

_PELVIS = MUPOTS_17.index("pelvis")


class Target(str, Enum):
    """What the network writes."""

    POSE = "pose"
    CORRECTION = "correction"  # to be added to the pose that was read


class Distance(str, Enum):
    """Between what the distance of two people is measured."""

    ROOTS = "roots"  # in space (section 4.4 of the paper)
    BOXES = "boxes"  # between the boxes' centres in the image, as the release does


@dataclass(frozen=True)
class Formulation:
    """How people are presented to the network, and what it predicts of them.

    Attributes:
        standardisation: a key of STANDARDISATIONS.
        target: the pose itself (the paper) or a correction of it.
        order: of the others behind the person of interest.
        distance: which distance orders them. That in the image cannot tell people apart who
            stand behind each other.
        symmetric: whether refined poses are averaged over four views of the scene: as it is and
            in a mirror, each by cameras rolled by ROLL to either side, as neither left and right
            nor how a camera is held should make a difference.
        turn_threshold: turns of a pose about its root by less than this, degrees, are not made,
            and those a little larger in part, see `sure_part`.
        root_threshold: the same for moves of the root, as a part of its distance from the camera.

    Raises:
        ValueError: an unknown value of one of them, or a threshold below 0.
    """

    standardisation: str = "root_centred"
    target: Target = Target.CORRECTION
    order: Order = Order.NEAR_TO_FAR
    distance: Distance = Distance.ROOTS
    symmetric: bool = True
    turn_threshold: float = 6.0
    root_threshold: float = 0.055

    def __post_init__(self) -> None:
        object.__setattr__(self, "target", Target(self.target))
        object.__setattr__(self, "order", Order(self.order))
        object.__setattr__(self, "distance", Distance(self.distance))
        if self.standardisation not in STANDARDISATIONS:
            raise ValueError(
                f"standardisation {self.standardisation!r} is not known; use one of "
                f"{', '.join(STANDARDISATIONS)}"
            )
        for name in ("turn_threshold", "root_threshold"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)}")

    def as_learnt(self) -> Formulation:
        """All that training has a part in: one view of the scene, and all that a network says."""
        return replace(self, symmetric=False, turn_threshold=0.0, root_threshold=0.0)

    def order_people(
        self,
        joints: torch.Tensor,
        boxes: torch.Tensor,
        present: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> torch.Tensor:
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
            positions = joints[..., _PELVIS, :]
        return interaction_order(positions, self.order, present, generator)

    def refine_first(
        self, network: nn.Module, sequences: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Refine the first person of each sequence.

        Args:
            network: PINet or PairGraph.
            sequences: (B,N,J,3) metres, camera frame, the person of interest first, then the
                others in their order.

        Returns:
            the refined poses (B,J,3) in metres, and to whom the network attended (B,N), which is
            None for a network without attention.
        """
        if self.symmetric:
            poses, attention = self._average_first(network, sequences)
        else:
            poses, attention = self._refine_first(network, sequences)
        turn_threshold = math.radians(self.turn_threshold)
        return sure_part(sequences[:, 0], poses, turn_threshold, self.root_threshold), attention

    def _average_first(
        self, network: nn.Module, sequences: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The average over four views."""
        views = torch.cat([sequences, mirror_image(sequences)])
        views = torch.cat([rolled(views, ROLL), rolled(views, -ROLL)])  # (4B,N,J,3)
        poses, attention = self._refine_first(network, views)
        one, other = poses.chunk(2)
        plain, mirrored = ((rolled(one, -ROLL) + rolled(other, ROLL)) / 2).chunk(2)
        poses = (plain + mirror_image(mirrored)) / 2
        return poses, attention if attention is None else sum(attention.chunk(4)) / 4

    def _refine_first(
        self, network: nn.Module, sequences: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        standardised = STANDARDISATIONS[self.standardisation](sequences)
        values, attention = network.refine_first(standardised.tokens)
        values = self._with_input(values[:, None], sequences[:, :1], standardised)
        return standardised.decode(values)[:, 0], attention

    def loss(
        self,
        network: nn.Module,
        sequences: torch.Tensor,
        truth: torch.Tensor,
        present: torch.Tensor,
    ) -> torch.Tensor:
        """L1 distance of the standardised poses of all people of each sequence (section 3.3).

        Args:
            network: PINet or PairGraph, or what wraps them for several GPUs.
            sequences, truth: (B,N,J,3) metres, camera frame.
            present: (B,N) bool, false for padding.

        Returns:
            (B,N) the mean over the values of a person, zero where nobody is.
        """
        standardised = STANDARDISATIONS[self.standardisation](sequences, present)
        values = network(standardised.tokens, present)
        values = self._with_input(values, sequences, standardised)
        errors = (values - standardised.encode(truth)).abs().mean(dim=2)
        return errors.masked_fill(~present, 0.0)

    def _with_input(
        self, values: torch.Tensor, sequences: torch.Tensor, standardised: Standardisation
    ) -> torch.Tensor:
        if self.target is Target.POSE:
            return values
        return values + standardised.encode(sequences)


def mirror_image(joints: torch.Tensor) -> torch.Tensor:
    """Poses (...,J,3) of MUPOTS_17 in a mirror: x turns round, left and right swap."""
    return joints[..., MUPOTS_17.mirror, :] * joints.new_tensor([-1.0, 1.0, 1.0])


def rolled(joints: torch.Tensor, angle: float) -> torch.Tensor:
    """Poses (...,3) turned about the optical axis, x towards y, by radians."""
    x, y, z = joints.unbind(-1)
    cosine, sine = math.cos(angle), math.sin(angle)
    return torch.stack([cosine * x - sine * y, sine * x + cosine * y, z], dim=-1)


# The published network: section 3.3 of the paper and its release.
PUBLISHED = Formulation("all_people", Target.POSE).as_learnt()
