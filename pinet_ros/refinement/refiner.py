"""Refiner: refines the poses of all people in one image."""

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
from pinet_ros.geometry.turning import turn_points
from pinet_ros.people import People
from pinet_ros.refinement.checkpoint import DEFAULT_WEIGHTS, Checkpoint, load_checkpoint
from pinet_ros.refinement.formulation import Distance
from pinet_ros.refinement.inference import InferenceOptions, Passed, RefinerConfig
from pinet_ros.skeleton import MUPOTS_17
from pinet_ros.util.device import select_device

ROLL = math.radians(30)  # the default weights were trained with rolls of up to 35 degrees

_REFINABLE_DISTANCES = (0.1, 100.0)  # metres; outside, no camera gives usable poses
_STEEPNESS = 8  # how fast corrections above their threshold reach full size


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
            The same people in MUPOTS_17 with refined 3D joints. People that are not `refinable`,
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
        upright, weights = self._refine(upright, people.boxes[rows])
        poses = turn_points(upright, -degrees) if degrees else upright
        known = people.distance_deviations[rows]
        joints[rows] = hold_known_roots(joints[rows], poses, known, self.inference.known_deviation)
        return Refinement(people.with_joints(joints), refined, passed, weights)

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
        self, joints: np.ndarray, boxes: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Refine poses (N,17,3) with boxes (N,4): poses (N,17,3), metres, and attention (N,N)."""
        if self.formulation.distance is Distance.BOXES and not np.isfinite(boxes).all():
            raise RefinementError(
                "these weights order people by the distance of their boxes, but there are people "
                "without a box; give boxes, or use weights that order by the distance of the roots"
            )
        poses = torch.from_numpy(joints).to(self.device)
        order = self.formulation.order_people(
            poses, torch.from_numpy(boxes).to(self.device), generator=self._generator
        )  # (N,S)
        refined, weights = self._refine_first(poses[order])
        if weights is None:
            return refined.cpu().numpy(), None
        attention = torch.zeros(len(order), len(order), device=self.device)
        attention.scatter_(1, order, weights)
        return refined.cpu().numpy(), attention.cpu().numpy()

    def _refine_first(self, sequences: Tensor) -> tuple[Tensor, Tensor | None]:
        """Like Formulation.refine_first, with the options of inference."""
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
    return joints[..., MUPOTS_17.mirror, :] * joints.new_tensor([-1.0, 1.0, 1.0])


def _rolled(joints: Tensor, angle: float) -> Tensor:
    """Rotate points (...,3) about the optical axis, x towards y; the angle is in radians."""
    x, y, z = joints.unbind(-1)
    return torch.stack([*rotate_planar(x, y, angle), z], dim=-1)


def suppress_small_corrections(
    initial: Tensor, refined: Tensor, turn_threshold: float, root_threshold: float
) -> Tensor:
    """Suppress small rotations about the root and small translations of the root.

    The network learns the errors of an estimator on the people of its training data. Small
    corrections are the least certain: the image hardly shows a slight lean or a slightly larger
    distance. docs/accuracy.md says how the default thresholds were found.

    A correction of size m is scaled by 1 - (t / m)^8, where t is its threshold, and dropped if
    m < t. The movement of the joints in the body's own frame is kept.

    Args:
        initial, refined: (B,J,3) metres, camera frame, joints of MUPOTS_17.
        turn_threshold: threshold of the rotation about the root that best fits the initial pose
            to the refined one, radians.
        root_threshold: threshold of the translation of the root, as a fraction of its distance
            from the camera.

    Returns:
        (B,J,3) metres, camera frame.
    """
    root, refined_root = initial[:, MUPOTS_17.root, None], refined[:, MUPOTS_17.root, None]
    pose = refined - refined_root
    if turn_threshold:
        axes, angles = axes_and_angles(kabsch(initial - root, pose))
        undone = angles * (1 - _fraction_kept(angles, turn_threshold))
        pose = rotate_about_axes(pose, axes, -undone)
    move = refined_root - root  # (B,1,3)
    threshold = root_threshold * root.norm(dim=2, keepdim=True)
    return root + move * _fraction_kept(move.norm(dim=2, keepdim=True), threshold) + pose


def hold_known_roots(
    initial: np.ndarray, refined: np.ndarray, deviations: np.ndarray, known_deviation: float
) -> np.ndarray:
    """Move roots less along their viewing rays, where distances are known better than to PI-Net.

    It has learnt distances that come from the size of people alone. What a floor tells, for
    example, is not to be changed by it.

    Args:
        initial, refined: (N,17,3) metres, camera frame, joints of MUPOTS_17.
        deviations: (N,), `People.distance_deviations`; NaN moves the root as the network says.
        known_deviation: at which 63 % of a move along the ray is made; 0 to make all moves.

    Returns:
        (N,17,3) metres, the refined poses at roots between the initial and the refined ones.
    """
    if not known_deviation:
        return refined
    surely = np.exp(-np.square(deviations.astype(float) / known_deviation))[:, None]
    roots = initial[:, MUPOTS_17.root].astype(float)
    rays = roots / np.linalg.norm(roots, axis=1, keepdims=True)
    along = ((refined[:, MUPOTS_17.root] - roots) * rays).sum(axis=1, keepdims=True) * rays
    return refined - (np.nan_to_num(surely) * along)[:, None]


def _fraction_kept(sizes: Tensor, thresholds: Tensor | float) -> Tensor:
    """Fraction, 0 to 1, that is kept of corrections of these sizes."""
    return (1 - (thresholds / sizes) ** _STEEPNESS).nan_to_num().clamp(min=0)
