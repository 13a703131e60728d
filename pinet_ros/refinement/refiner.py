"""Refiner: poses of all people of one image in, refined poses out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from pinet_ros.errors import PinetError
from pinet_ros.people import People
from pinet_ros.refinement.checkpoint import DEFAULT_WEIGHTS, load_network
from pinet_ros.refinement.formulation import Distance, Formulation
from pinet_ros.skeleton import MUPOTS_17

_PELVIS = MUPOTS_17.index("pelvis")
_REFINABLE_DISTANCES = (0.1, 100.0)  # metres: no camera gives poses beyond


class RefinementError(PinetError):
    """People lack what the network needs to refine them."""


@dataclass(frozen=True, eq=False)
class Refinement:
    """What a refinement gave.

    Attributes:
        people: N of them, in MUPOTS_17.
        attention: (N,N) float32; row n holds how much the network attended to each person,
            itself included, when it refined person n, and sums to one. NaN in the rows of people
            who were not refined, zero for them in the others' rows. None for a network without
            attention.
    """

    people: People
    attention: np.ndarray | None


class Refiner:
    """Refines each person's 3D pose with those of the others, all people in one batched pass.

    Args:
        network: trained weights.
        formulation: what its values mean.
        device: where it runs, fp32.
    """

    def __init__(
        self, network: nn.Module, formulation: Formulation, device: torch.device | str = "cpu"
    ) -> None:
        self._network = network.to(device).eval()
        self._formulation = formulation
        self._device = torch.device(device)
        self._generator = torch.Generator().manual_seed(0)  # of the random order

    @classmethod
    def load(
        cls, weights: str | Path = DEFAULT_WEIGHTS, device: torch.device | str = "cpu"
    ) -> Refiner:
        """Load weights that come with the package, of a training, or of a released snapshot.

        Args:
            weights: one of SHIPPED_WEIGHTS by name, or a file; see `load_network`.
            device: where the refiner runs.

        Raises:
            ModelError: the file is missing or does not fit.
        """
        network, formulation = load_network(weights)
        return cls(network, formulation, device)

    @property
    def device(self) -> torch.device:
        return self._device

    @property
    def formulation(self) -> Formulation:
        return self._formulation

    @property
    def has_attention(self) -> bool:
        """Whether the network has an attention to give."""
        return self._network.config.attention

    def __call__(self, people: People) -> People:
        """The people of `refine`."""
        return self.refine(people).people

    def refine(self, people: People) -> Refinement:
        """Refine the people of one image.

        Args:
            people: any number, in a joint set that converts to MUPOTS_17.

        Returns:
            The same people in MUPOTS_17 with refined 3D joints, and the attention. Whoever is not
            `refinable` is passed through and not shown to the others' refinement.

        Raises:
            UnknownJointSetError: the joint set does not convert.
            RefinementError: the network orders people by their boxes, and there are none.
        """
        people = people.to_joint_set(MUPOTS_17)
        chosen = np.flatnonzero(self.refinable(people))
        attention = None
        if self.has_attention:
            attention = np.full((len(people), len(people)), np.nan, np.float32)
        if not len(chosen):
            return Refinement(people, attention)
        joints = people.joints.copy()
        joints[chosen], weights = self._refine(joints[chosen], people.boxes[chosen])
        if attention is not None:
            attention[chosen] = 0.0
            attention[np.ix_(chosen, chosen)] = weights
        return Refinement(people.with_joints(joints), attention)

    @staticmethod
    def refinable(people: People) -> np.ndarray:
        """(N,) who has all joints, and the pelvis 0.1 to 100 m from the camera.

        Raises:
            UnknownJointSetError: the joint set does not convert.
        """
        people = people.to_joint_set(MUPOTS_17)
        distance = np.linalg.norm(people.joints[:, _PELVIS], axis=1)
        nearest, farthest = _REFINABLE_DISTANCES
        with np.errstate(invalid="ignore"):
            return people.known & (distance >= nearest) & (distance <= farthest)

    @torch.inference_mode()
    def _refine(self, joints: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Poses (N,17,3) and boxes (N,4) to refined poses (N,17,3), metres, and attention (N,N).

        The attention of a network without one is of no meaning.
        """
        if self._formulation.distance is Distance.BOXES and not np.isfinite(boxes).all():
            raise RefinementError(
                "these weights order people by the distance of their boxes, but there are people "
                "without a box; give boxes, or use weights that order by the roots' distance"
            )
        poses = torch.from_numpy(joints).to(self._device)
        order = self._formulation.order_people(
            poses, torch.from_numpy(boxes).to(self._device), generator=self._generator
        )  # (N,N)
        refined, weights = self._formulation.refine_first(self._network, poses[order])
        attention = torch.zeros(order.shape, device=self._device)
        if weights is not None:
            attention.scatter_(1, order, weights)
        return refined.cpu().numpy(), attention.cpu().numpy()
