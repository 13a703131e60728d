"""Refiner: poses of all people of one image in, refined poses out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pinet_ros.errors import PinetError
from pinet_ros.geometry.alignment import kabsch
from pinet_ros.geometry.rotations import axes_and_angles, rotate_about_axes, rotate_planar
from pinet_ros.people import People
from pinet_ros.refinement.checkpoint import DEFAULT_WEIGHTS, Checkpoint, load_checkpoint
from pinet_ros.refinement.formulation import Distance, Formulation
from pinet_ros.skeleton import MUPOTS_17
from pinet_ros.util.device import select_device

ROLL = math.radians(30)  # the default weights have learnt rolls of up to 35 degrees

_REFINABLE_DISTANCES = (0.1, 100.0)  # metres: no camera gives poses beyond
_STEEPNESS = 8  # how fast corrections above their threshold come to be made in full


class RefinementError(PinetError):
    """People lack what the network needs to refine them."""


@dataclass(frozen=True)
class InferenceOptions:
    """How a network is run; not part of what it has learnt.

    Attributes:
        symmetric: average over four views of the scene: as it is and in a mirror, each with the
            camera rolled by ROLL to either side, as neither left and right nor how a camera is
            held should make a difference.
        turn_threshold: turns of a pose about its root by less than this, degrees, are not made,
            and those a little larger in part, see `suppress_small_corrections`.
        root_threshold: the same for moves of the root, as a part of its distance from the camera.

    Raises:
        ValueError: a threshold is negative.
    """

    symmetric: bool = True
    turn_threshold: float = 6.0
    root_threshold: float = 0.055

    def __post_init__(self) -> None:
        for name in ("turn_threshold", "root_threshold"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)}")

    @classmethod
    def for_formulation(cls, formulation: Formulation) -> InferenceOptions:
        """The defaults; published networks are run as published."""
        return AS_PREDICTED if formulation.is_published else cls()


# One view, and everything that the network predicts.
AS_PREDICTED = InferenceOptions(symmetric=False, turn_threshold=0.0, root_threshold=0.0)


@dataclass(frozen=True, eq=False)
class Refinement:
    """What a refinement gave.

    Attributes:
        people: N of them, in MUPOTS_17.
        refined: (N,) bool, false for people who were passed through, see `refinable`.
        attention: (N,N) float32; row n holds how much the network attended to each person,
            itself included, when it refined person n, and sums to one. NaN in the rows of people
            who were not refined, zero for them in the others' rows. None for a network without
            attention.
    """

    people: People
    refined: np.ndarray
    attention: np.ndarray | None


class Refiner:
    """Refines each person's 3D pose with those of the others, all people in one batched pass.

    Attributes:
        device: where it runs, in single precision.
        formulation: what the network's values mean.
        inference: how it is run.
    """

    def __init__(
        self,
        weights: str | Path | Checkpoint = DEFAULT_WEIGHTS,
        device: str | torch.device = "auto",
        *,
        inference: InferenceOptions | None = None,
    ) -> None:
        """Load weights.

        Args:
            weights: one of SHIPPED_WEIGHTS by name; a file of `pinet train` or a released
                snapshot, see `load_checkpoint`; or a network with its formulation.
            device: auto (the first GPU, else the CPU), cpu, cuda or cuda:N.
            inference: how the network is run; None for the defaults.

        Raises:
            DeviceError: the device is unknown or not available.
            ModelError: the file is missing or does not fit.
        """
        loaded = weights if isinstance(weights, Checkpoint) else load_checkpoint(weights)
        self.device = select_device(device) if isinstance(device, str) else device
        self.formulation = loaded.formulation
        self.inference = inference or InferenceOptions.for_formulation(self.formulation)
        self._network = loaded.network.to(self.device).eval()
        self._generator = torch.Generator().manual_seed(0)  # of the random order

    @property
    def has_attention(self) -> bool:
        """Whether the network has an attention to give."""
        return self._network.config.attention

    def __call__(self, people: People) -> Refinement:
        """Refine the people of one image.

        Args:
            people: any number, in a joint set that converts to MUPOTS_17.

        Returns:
            The same people in MUPOTS_17 with refined 3D joints. Whoever is not `refinable` is
            passed through, and not shown to the others' refinement.

        Raises:
            UnknownJointSetError: the joint set does not convert.
            RefinementError: the network orders people by their boxes, and there are none.
        """
        people = people.to_joint_set(MUPOTS_17)
        refined = refinable(people)
        rows = np.flatnonzero(refined)
        attention = None
        if self.has_attention:
            attention = np.full((len(people), len(people)), np.nan, np.float32)
        if not len(rows):
            return Refinement(people, refined, attention)
        joints = people.joints.copy()
        joints[rows], weights = self._refine(joints[rows], people.boxes[rows])
        if attention is not None:
            attention[rows] = 0.0
            attention[np.ix_(rows, rows)] = weights
        return Refinement(people.with_joints(joints), refined, attention)

    @torch.inference_mode()
    def _refine(self, joints: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Poses (N,17,3) and boxes (N,4) to refined poses (N,17,3), metres, and attention (N,N).

        Without attention in the network its values are meaningless.
        """
        if self.formulation.distance is Distance.BOXES and not np.isfinite(boxes).all():
            raise RefinementError(
                "these weights order people by the distance of their boxes, but there are people "
                "without a box; give boxes, or use weights that order by the roots' distance"
            )
        poses = torch.from_numpy(joints).to(self.device)
        order = self.formulation.order_people(
            poses, torch.from_numpy(boxes).to(self.device), generator=self._generator
        )  # (N,N)
        refined, weights = self._refine_first(poses[order])
        attention = torch.zeros(order.shape, device=self.device)
        if weights is not None:
            attention.scatter_(1, order, weights)
        return refined.cpu().numpy(), attention.cpu().numpy()

    def _refine_first(self, sequences: Tensor) -> tuple[Tensor, Tensor | None]:
        """Refine the first person of each sequence, as of Formulation.refine_first."""
        if self.inference.symmetric:
            poses, attention = self._average_over_views(sequences)
        else:
            poses, attention = self.formulation.refine_first(self._network, sequences)
        turn_threshold = math.radians(self.inference.turn_threshold)
        root_threshold = self.inference.root_threshold
        initial = sequences[:, 0]
        poses = suppress_small_corrections(initial, poses, turn_threshold, root_threshold)
        return poses, attention

    def _average_over_views(self, sequences: Tensor) -> tuple[Tensor, Tensor | None]:
        views = torch.cat([sequences, mirror_image(sequences)])
        views = torch.cat([_rolled(views, ROLL), _rolled(views, -ROLL)])  # (4B,N,J,3)
        poses, attention = self.formulation.refine_first(self._network, views)
        left, right = poses.chunk(2)
        plain, mirrored = ((_rolled(left, -ROLL) + _rolled(right, ROLL)) / 2).chunk(2)
        poses = (plain + mirror_image(mirrored)) / 2
        if attention is not None:
            attention = torch.stack(attention.chunk(4)).mean(dim=0)
        return poses, attention


def refinable(people: People) -> np.ndarray:
    """(N,) bool: who has all joints of MUPOTS_17, and the pelvis 0.1 to 100 m from the camera.

    Raises:
        UnknownJointSetError: the joint set does not convert.
    """
    people = people.to_joint_set(MUPOTS_17)
    distance = np.linalg.norm(people.joints[:, MUPOTS_17.root], axis=1)
    nearest, farthest = _REFINABLE_DISTANCES
    with np.errstate(invalid="ignore"):
        return people.known & (distance >= nearest) & (distance <= farthest)


def mirror_image(joints: Tensor) -> Tensor:
    """Poses (...,J,3) of MUPOTS_17 in a mirror: x changes its sign, left and right swap."""
    return joints[..., MUPOTS_17.mirror, :] * joints.new_tensor([-1.0, 1.0, 1.0])


def _rolled(joints: Tensor, angle: float) -> Tensor:
    """Poses (...,3) rotated about the optical axis, x towards y, by radians."""
    x, y, z = joints.unbind(-1)
    return torch.stack([*rotate_planar(x, y, angle), z], dim=-1)


def suppress_small_corrections(
    initial: Tensor, refined: Tensor, turn_threshold: float, root_threshold: float
) -> Tensor:
    """Refined poses without turns about the root and moves of the root that are too small.

    A network learns an estimator's errors on the people that it is trained on, and is least sure
    of them where they are small: the image hardly tells which way somebody leans a little, or
    stands a little too far away. How the default thresholds were found: docs/accuracy.md.

    Of a correction of size m only the part 1 - (t / m)^8 is made, where t is its threshold, and
    nothing below it. How the joints move in the body's own frame is not changed.

    Args:
        initial, refined: (B,J,3) metres, camera frame, joints of MUPOTS_17.
        turn_threshold: of the rotation about the root that fits the initial pose to the refined
            one best, radians.
        root_threshold: of the root's move, as a part of its distance from the camera.

    Returns:
        (B,J,3) metres, camera frame.
    """
    root, refined_root = initial[:, MUPOTS_17.root, None], refined[:, MUPOTS_17.root, None]
    pose = refined - refined_root
    if turn_threshold:
        axes, angles = axes_and_angles(kabsch(initial - root, pose))
        undone = angles * (1 - _part_made(angles, turn_threshold))
        pose = rotate_about_axes(pose, axes, -undone)
    move = refined_root - root  # (B,1,3)
    threshold = root_threshold * root.norm(dim=2, keepdim=True)
    return root + move * _part_made(move.norm(dim=2, keepdim=True), threshold) + pose


def _part_made(sizes: Tensor, thresholds: Tensor | float) -> Tensor:
    """Which part of corrections of some sizes is made, 0 to 1."""
    return (1 - (thresholds / sizes) ** _STEEPNESS).nan_to_num().clamp(min=0)
