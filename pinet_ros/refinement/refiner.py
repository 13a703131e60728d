"""Refiner: refines the poses of all people in one image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pinet_ros.errors import PinetError
from pinet_ros.geometry.turning import turn_points
from pinet_ros.people import People
from pinet_ros.refinement.checkpoint import DEFAULT_WEIGHTS, Checkpoint, load_checkpoint
from pinet_ros.refinement.formulation import Distance, RefinedFirst
from pinet_ros.refinement.inference import InferenceOptions, Passed, RefinerConfig
from pinet_ros.refinement.standardisation import deviations_of, with_deviations
from pinet_ros.skeleton import MUPOTS_17
from pinet_ros.util.device import select_device

MIRRORED = [*MUPOTS_17.mirror, len(MUPOTS_17)]  # order of a mirror image's deviations (18)

MIRROR_AXES = (-1.0, 1.0, 1.0)
_REFINABLE_DISTANCES = (0.1, 100.0)  # metres; outside, no camera gives usable poses


class RefinementError(PinetError):
    """The people lack data that the network needs."""


@dataclass(frozen=True, eq=False)
class Refinement:
    """The result of Refiner for one image.

    Attributes:
        people: N people in MUPOTS_17.
        refined: (N,) bool, false for people passed through unrefined.
        passed: how many these are, and why.
        weights: (R,R) float32, `attention` of the R people that were refined; None for a network
            without attention.
    """

    people: People
    refined: np.ndarray
    passed: Passed
    weights: np.ndarray | None

    @property
    def attention(self) -> np.ndarray | None:
        """The network's attention to each person (N,N) float32; None for one without attention.

        Row n is the attention to each person, including the person itself, when person n was
        refined; it sums to one. People that were not refined have NaN in their own rows and zero
        in the others' rows.
        """
        if self.weights is None:
            return None
        rows = np.flatnonzero(self.refined)
        attention = np.full((len(self.people), len(self.people)), np.nan, np.float32)
        attention[rows] = 0.0
        attention[np.ix_(rows, rows)] = self.weights
        return attention


class Refiner:
    """Refines each person's 3D pose using the poses of the others, all in one batch.

    Attributes:
        device: device that the network runs on, in single precision.
        formulation: formulation of the weights.
        estimators: estimators whose people the weights are for, see `Checkpoint`.
        config: whom it refines.
        inference: options of inference.
    """

    def __init__(
        self,
        weights: str | Path | Checkpoint = DEFAULT_WEIGHTS,
        device: str | torch.device = "auto",
        *,
        config: RefinerConfig | None = None,
        inference: InferenceOptions | None = None,
    ) -> None:
        """Load weights.

        Args:
            weights: a name in SHIPPED_WEIGHTS; a file written by `pinet train` or a released
                snapshot, see `load_checkpoint`; or a network with its formulation.
            device: auto (the first GPU, else the CPU), cpu, cuda or cuda:N.
            config: whom to refine; None for the defaults.
            inference: options of inference; None for the defaults.

        Raises:
            DeviceError: the device is unknown or not available.
            ModelError: the file is missing or does not fit.
        """
        loaded = weights if isinstance(weights, Checkpoint) else load_checkpoint(weights)
        self.device = select_device(device) if isinstance(device, str) else device
        self.formulation = loaded.formulation
        self.estimators = loaded.estimators
        self.config = config or RefinerConfig()
        self.inference = inference or InferenceOptions.for_formulation(self.formulation)
        self._network = loaded.network.to(self.device).eval()
        self._generator = torch.Generator().manual_seed(0)  # of the random order

    @property
    def has_attention(self) -> bool:
        """Whether the network has attention."""
        return self._network.config.attention

    def __call__(self, people: People) -> Refinement:
        """Refine the people of one image.

        Args:
            people: any number, in a joint set that converts to MUPOTS_17.

        Returns:
            The same people in MUPOTS_17 with refined 3D joints, and with the deviations that the
            network predicts, if it does. People that are not `refinable`,
            of an estimator that the weights are not for, or beyond max_people are passed through
            unrefined and do not influence the others.

        Raises:
            UnknownJointSetError: the joint set does not convert to MUPOTS_17.
            RefinementError: the network orders people by their boxes, and some have none.
        """
        people = people.to_joint_set(MUPOTS_17)
        refined, passed = self._select(people)
        rows = np.flatnonzero(refined)
        if not len(rows):
            weights = np.zeros((0, 0), np.float32) if self.has_attention else None
            return Refinement(people, refined, passed, weights)
        joints = people.joints.copy()
        degrees = self.config.image_rotation
        upright = turn_points(joints[rows], degrees) if degrees else joints[rows]
        deviations = deviations_of(people)
        up = turn_points(people.up, degrees) if degrees else people.up
        outcome = self._refine(upright, people.boxes[rows], deviations[rows], up)
        poses = outcome.poses.numpy()
        joints[rows] = turn_points(poses, -degrees) if degrees else poses
        result = people.with_joints(joints)
        if outcome.deviations is not None:
            deviations[rows] = outcome.deviations.numpy()
            result = with_deviations(result, deviations)
        attention = None if outcome.attention is None else outcome.attention.numpy()
        return Refinement(result, refined, passed, attention)

    def _select(self, people: People) -> tuple[np.ndarray, Passed]:
        """Mask (N,) bool of the people to refine, and how many are passed through."""
        names = {people.estimator, people.estimator.partition("/")[0]}
        has_learnt = not self.estimators or bool(names.intersection(self.estimators))
        if not (has_learnt or self.config.refine_unknown):
            return np.zeros(len(people), bool), Passed(unknown_estimator=len(people))
        usable = refinable(people)
        rows = np.flatnonzero(usable)
        distance = np.linalg.norm(people.joints[rows, MUPOTS_17.root], axis=1)
        nearest = rows[np.argsort(distance, kind="stable")[: self.config.max_people]]
        selected = np.zeros(len(people), bool)
        selected[nearest] = True
        return selected, Passed(len(people) - len(rows), len(rows) - len(nearest))

    @torch.inference_mode()
    def _refine(
        self, joints: np.ndarray, boxes: np.ndarray, deviations: np.ndarray, up: np.ndarray
    ) -> RefinedFirst:
        """Refine poses (N,17,3), boxes (N,4), deviations (N,18) under an `up` (3,), on the CPU."""
        if self.formulation.distance is Distance.BOXES and not np.isfinite(boxes).all():
            raise RefinementError(
                "these weights order people by the distance of their boxes, but there are people "
                "without a box; give boxes, or use weights that order by the distance of the roots"
            )
        poses, known, upwards = (
            torch.from_numpy(each).to(self.device) for each in (joints, deviations, up)
        )
        order = self.formulation.order_people(
            poses, torch.from_numpy(boxes).to(self.device), generator=self._generator
        )  # (N,S)
        refined = self._refine_first(poses[order], known[order], upwards.expand(len(order), 3))
        attention = None
        if refined.attention is not None:
            weights = torch.zeros(len(order), len(order), device=self.device)
            attention = weights.scatter_(1, order, refined.attention).cpu()
        certainty = None if refined.deviations is None else refined.deviations.cpu()
        return RefinedFirst(refined.poses.cpu(), attention, certainty)

    def _refine_first(self, sequences: Tensor, deviations: Tensor, up: Tensor) -> RefinedFirst:
        """Like Formulation.refine_first, with the options of inference."""
        if not self.inference.symmetric:
            return self.formulation.refine_first(self._network, sequences, deviations, up)
        views = torch.cat([sequences, mirror_image(sequences)])
        both = torch.cat([deviations, deviations[..., MIRRORED]])
        ups = torch.cat([up, up * up.new_tensor(MIRROR_AXES)])
        refined = self.formulation.refine_first(self._network, views, both, ups)
        poses, attention, certainty = refined
        plain, mirrored = poses.chunk(2)
        poses = (plain + mirror_image(mirrored)) / 2
        if attention is not None:
            attention = torch.stack(attention.chunk(2)).mean(dim=0)
        if certainty is not None:
            plain, mirrored = certainty.log().chunk(2)
            certainty = ((plain + mirrored[:, MIRRORED]) / 2).exp()
        return RefinedFirst(poses, attention, certainty)


def refinable(people: People) -> np.ndarray:
    """Mask (N,) bool of the people that can be refined.

    They have all joints of MUPOTS_17, and the pelvis 0.1 to 100 m from the camera.

    Raises:
        UnknownJointSetError: the joint set does not convert to MUPOTS_17.
    """
    people = people.to_joint_set(MUPOTS_17)
    distance = np.linalg.norm(people.joints[:, MUPOTS_17.root], axis=1)
    nearest, farthest = _REFINABLE_DISTANCES
    with np.errstate(invalid="ignore"):
        return people.known & (distance >= nearest) & (distance <= farthest)


def mirror_image(joints: Tensor) -> Tensor:
    """Mirror poses (...,J,3) of MUPOTS_17: negate x, and swap left and right joints."""
    return joints[..., MUPOTS_17.mirror, :] * joints.new_tensor(MIRROR_AXES)
