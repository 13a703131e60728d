"""What a training of BlazePose minimises."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pinet_ros.geometry.alignment import translation_to_camera
from pinet_ros.geometry.rotations import rotation_to_ray
from pinet_ros.lifting.blazepose import MIN_WEIGHT
from pinet_ros.lifting.blazepose_network import SIZE
from pinet_ros.skeleton import BLAZEPOSE_33, EARS, MUPOTS_17
from pinet_training.lifter.blazepose_joints import (
    ANCHORS,
    SHARED_JOINTS,
    SHARED_LANDMARKS,
    UNTAUGHT,
    to_mupots,
)
from pinet_training.lifter.pose_crops import Batch, normalised
from pinet_training.runs.deviation_losses import deviation_losses

ROOT = MUPOTS_17.root

_LIMBS = list(BLAZEPOSE_33.limbs)
_EARS = list(BLAZEPOSE_33.indices(*EARS))
_HEAD = MUPOTS_17.index("head")
# weights of joints that cannot be seen, over those of visible ones: the rest of a body tells where
# a joint behind something is, and little of one outside of the crop
_HIDDEN, _OUTSIDE = 0.7, 0.3
_SURE = 0.25  # share of joints that are visible, from which there is a person for sure
_LEAST = 1e-6  # by which sums are divided where there is nothing
_LARGEST = 1.0  # of the logarithm of a distance's error that counts


@dataclass(frozen=True)
class LossWeights:
    """Weights of the losses.

    Joints that are not visible count less, least of all those outside of the crop: their errors
    are large and say little.

    Attributes:
        pose: of the joints relative to the pelvis, per decimetre.
        image: of the joints in the image, per 2 % of the crop's side.
        distance: of the logarithm of the distance, per 0.1.
        visibility, presence: of cross entropies. That of presence is small: with more at the
            start the features of people who are hard to see become those of nobody, and their
            poses are lost.
        deviations: of the negative logarithms of likelihoods.
        teacher: of the differences from the teacher in what rendered people do not teach.
    """

    pose: float = 1.0
    image: float = 0.25
    distance: float = 0.03
    visibility: float = 0.1
    presence: float = 0.03
    deviations: float = 0.05
    teacher: float = 0.3


@dataclass(frozen=True, eq=False)
class PoseErrors:
    """Errors of N crops; without a meaning where there is no person.

    Attributes:
        joints: (N,17,3) metres, of the joints relative to the pelvis.
        points: (N,17,2) of the joints in the crop, as fractions of its side.
        distance: (N,) natural logarithm of estimated over true distance of the pelvis.
        across: (N,2) metres, of the pelvis across its viewing ray.
    """

    joints: Tensor
    points: Tensor
    distance: Tensor
    across: Tensor

    def deviation_losses(self, log_deviations: Tensor) -> Tensor:
        """Losses (N,18) of the logarithms of deviations (N,18), see `deviation_losses`."""
        return deviation_losses(self.joints, self.distance, self.across, log_deviations)


def pose_errors(outputs: tuple[Tensor, ...], batch: Batch) -> PoseErrors:
    """Compare a network's outputs with the truth of a batch of PoseCrops."""
    image, world, visibility = outputs[:3]
    points, joints = to_mupots(image, world)
    rotated = (world - world[:, list(BLAZEPOSE_33.pelvis)].mean(1, keepdim=True)).double()
    rotated = rotated @ rotation_to_ray(F.normalize(batch["root"].double(), dim=-1)).mT
    # gradients of the distance to the landmarks in the image, whose truth is known, can be huge
    seen = normalised(image.detach().double(), batch["lens"].double())[:, _LIMBS]
    weights = visibility.detach().double().sigmoid().clamp_min(MIN_WEIGHT)
    roots = translation_to_camera(rotated[:, _LIMBS], seen, weights[:, _LIMBS])
    true = batch["root"].double()
    ratio = roots.norm(dim=-1).clamp_min(1e-3) / true.norm(dim=-1)
    pelvis = normalised(points[:, [ROOT]].double(), batch["lens"].double())[:, 0]
    across = (pelvis - true[:, :2] / true[:, 2:]) * true[:, 2:]
    return PoseErrors(
        joints=joints - batch["world"],
        points=(points - batch["points"]) / SIZE,
        distance=ratio.log().clamp(-_LARGEST, _LARGEST).float(),
        across=across.float(),
    )


@dataclass(frozen=True)
class Counts:
    """What sums over a batch are divided by: numbers of the whole batch, a worker on average.

    Attributes:
        crops: of the batch.
        people: crops that show somebody.
        taught: those of them on which the teacher is asked.
    """

    crops: float
    people: float
    taught: float

    @classmethod
    def of(cls, is_person: Tensor, asked: int) -> Tensor:
        """The numbers (3,) of a batch, of which the teacher is asked on the first crops."""
        people = is_person > 0
        numbers = (len(people), int(people.sum()), int(people[:asked].sum()))
        return torch.tensor(numbers, dtype=torch.float32, device=is_person.device)


def losses(
    outputs: tuple[Tensor, ...],
    batch: Batch,
    teacher: tuple[Tensor, ...] | None = None,
    counts: Counts | None = None,
) -> dict[str, Tensor]:
    """The losses by the names in LossWeights: means over the people, of presence over the batch.

    Args:
        outputs: of the network for the crops of the batch.
        batch: of PoseCrops.
        teacher: outputs of the teacher for the first crops of the batch.
        counts: what sums are divided by; by default the numbers of this batch.
    """
    asked = 0 if teacher is None else len(teacher[0])
    counts = counts or Counts(*Counts.of(batch["is_person"], asked).tolist())
    person = batch["is_person"] > 0  # crops of nobody are left out, finite or not
    people = {name: each[person] for name, each in batch.items() if name != "crop"}
    image, world, visibility, _, log_deviations = (each[person] for each in outputs)
    errors = pose_errors((image, world, visibility), people)
    visible = people["visible"]
    seen = visible.mean(1)
    inside = ((people["points"] >= 0) & (people["points"] < SIZE)).all(-1, keepdim=True)
    unseen = torch.where(inside, _HIDDEN, _OUTSIDE)
    weights = torch.where(visible[..., None] > 0, 1.0, unseen)
    found = {
        "pose": (errors.joints.abs() * weights).mean((1, 2)) / 0.1,
        "image": (errors.points.abs() * weights * inside).mean((1, 2)) / 0.02,
        "distance": errors.distance.abs() * seen / 0.1,
        "visibility": _visibility_loss(visibility, visible),
        "deviations": errors.deviation_losses(log_deviations).mean(-1),
    }
    means = {name: each.sum() / max(_LEAST, counts.people) for name, each in found.items()}
    presence = _presence_losses(outputs[3][:, 0], batch["is_person"], batch["visible"])
    means["presence"] = presence.sum() / max(_LEAST, counts.crops)
    if teacher is not None:
        rows = person[:asked]
        ours = [each[:asked][rows] for each in outputs[:3]]
        of_teacher = _teacher_losses(ours, [each[rows] for each in teacher[:3]])
        of_teacher = of_teacher * batch["visible"][:asked][rows].mean(1)
        means["teacher"] = of_teacher.sum() / max(_LEAST, counts.taught)
    return means


def _presence_losses(logits: Tensor, is_person: Tensor, visible: Tensor) -> Tensor:
    """People of whom next to nothing is seen count little: they are as good as nobody."""
    sure = (visible.mean(1) / _SURE).clamp(max=1)
    weights = torch.where(is_person > 0, sure, 1.0)
    each = F.binary_cross_entropy_with_logits(logits, is_person, reduction="none")
    return weights * each


def _visibility_loss(logits: Tensor, visible: Tensor) -> Tensor:
    rows = [*SHARED_JOINTS, _HEAD, _HEAD]
    columns = [*SHARED_LANDMARKS, *_EARS]
    return F.binary_cross_entropy_with_logits(
        logits[:, columns], visible[:, rows], reduction="none"
    ).mean(-1)


def _teacher_losses(outputs: list[Tensor], teacher: list[Tensor]) -> Tensor:
    """Keep what rendered people do not teach, where the teacher has it relative to the joints."""
    ours, theirs = (
        [*(each[:, UNTAUGHT] - each[:, ANCHORS].mean(2) for each in of[:2]), of[2][:, UNTAUGHT]]
        for of in (outputs, teacher)
    )
    image, world, visibility = (a - b for a, b in zip(ours, theirs, strict=True))
    return (
        _huber(image / SIZE / 0.02).mean((1, 2))
        + _huber(world / 0.1).mean((1, 2))
        + 0.1 * _huber(visibility).mean(1)
    )


def _huber(differences: Tensor) -> Tensor:
    """Linear beyond 1, and without a gradient where there is no difference."""
    return F.smooth_l1_loss(differences, torch.zeros_like(differences), reduction="none")
