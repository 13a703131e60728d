"""Refiner: poses of all people of one image in, refined poses out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from pinet_ros.people import People
from pinet_ros.refinement.checkpoint import DEFAULT_WEIGHTS, load_network
from pinet_ros.refinement.formulation import Formulation
from pinet_ros.refinement.model import PINet
from pinet_ros.refinement.order import near_to_far
from pinet_ros.skeleton import MUPOTS_17

_PELVIS = MUPOTS_17.index("pelvis")
_REFINABLE_DISTANCES = (0.1, 100.0)  # metres: no camera gives poses beyond


class Refiner:
    """Refines each person's 3D pose with those of the others, all people in one batched pass.

    Args:
        network: trained weights.
        formulation: what its values mean.
        device: where it runs, fp32.
    """

    def __init__(
        self, network: PINet, formulation: Formulation, device: torch.device | str = "cpu"
    ) -> None:
        self._network = network.to(device).eval()
        self._formulation = formulation
        self._device = torch.device(device)

    @classmethod
    def load(cls, path: Path | None = None, device: torch.device | str = "cpu") -> Refiner:
        """Load weights of this project (.safetensors) or a released snapshot (.pth, .tar).

        Args:
            path: None for the weights that come with the package.
            device: where the refiner runs.

        Raises:
            ModelError: the file is missing or does not fit.
        """
        network, formulation = load_network(path or DEFAULT_WEIGHTS)
        return cls(network, formulation, device)

    @property
    def device(self) -> torch.device:
        return self._device

    @property
    def formulation(self) -> Formulation:
        return self._formulation

    def __call__(self, people: People) -> People:
        """Refine the people of one image.

        Args:
            people: any number, in a joint set that converts to MUPOTS_17.

        Returns:
            The same people in MUPOTS_17 with refined 3D joints. Whoever is not `refinable` is
            passed through and not shown to the others' refinement.

        Raises:
            UnknownJointSetError: the joint set does not convert.
        """
        people = people.to_joint_set(MUPOTS_17)
        chosen = self.refinable(people)
        if not chosen.any():
            return people
        joints = people.joints.copy()
        joints[chosen] = self._refine(joints[chosen])
        return people.with_joints(joints)

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
    def _refine(self, joints: np.ndarray) -> np.ndarray:
        """Poses (N,17,3) of N people to their refined poses (N,17,3), metres."""
        poses = torch.from_numpy(joints).to(self._device)
        sequences = poses[near_to_far(poses[:, _PELVIS])]  # (N,N,17,3)
        values, standardised = self._formulation.predict(self._network, sequences)
        return standardised.decode(values).cpu().numpy()
