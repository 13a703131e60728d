"""What a training of BlazePose minimises."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pinet_ros.geometry.alignment import translation_to_camera
from pinet_ros.geometry.rotations import rotation_to_ray
from pinet_ros.lifting.blazepose import MIN_WEIGHT
from pinet_ros.lifting.blazepose_network import LANDMARKS, SIZE
from pinet_ros.skeleton import BLAZEPOSE_33, EARS, MUPOTS_17
from pinet_training.lifter.blazepose_joints import SHARED_JOINTS, SHARED_LANDMARKS, to_mupots
from pinet_training.lifter.pose_crops import Batch, normalised

ROOT = MUPOTS_17.root

_LIMBS = list(BLAZEPOSE_33.limbs)
_EARS = list(BLAZEPOSE_33.indices(*EARS))
_HEAD = MUPOTS_17.index("head")
# Landmarks that rendered people do not teach: face, hands and feet.
_UNTAUGHT = [n for n in range(LANDMARKS) if n not in (*SHARED_LANDMARKS, *_EARS)]
_LARGEST = 1.0  # of the logarithm of a distance's error that counts


@dataclass(frozen=True)
class LossWeights:
    """Weights of the losses.

    The poses must lead: the features that presence and visibility are read from have large
    weights, so their gradients would be ten times those of the poses at equal weights.

    Attributes:
        pose: of the joints relative to the pelvis, per decimetre.
        image: of the joints in the image, per 2 % of the crop's side.
        distance: of the logarithm of the distance, per 0.1.
        visibility, presence: of cross entropies.
        deviations: of the negative logarithms of likelihoods.
        teacher: of the differences from the teacher's outputs.
    """

    pose: float = 1.0
    image: float = 0.25
    distance: float = 0.03
    visibility: float = 0.01
    presence: float = 0.01
    deviations: float = 0.05
    teacher: float = 0.5


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


def pose_errors(outputs: tuple[Tensor, ...], batch: Batch) -> PoseErrors:
    """Compare a network's outputs with the truth of a batch of PoseCrops."""
    image, world, visibility = outputs[:3]
    points, joints = to_mupots(image, world)
    rotated = (world - world[:, list(BLAZEPOSE_33.pelvis)].mean(1, keepdim=True)).double()
    rotated = rotated @ rotation_to_ray(F.normalize(batch["root"].double(), dim=-1)).mT
    seen = normalised(image.double(), batch["lens"].double())
    weights = visibility.double().sigmoid().clamp_min(MIN_WEIGHT)
    roots = translation_to_camera(rotated[:, _LIMBS], seen[:, _LIMBS], weights[:, _LIMBS].detach())
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


def losses(
    outputs: tuple[Tensor, ...], batch: Batch, teacher: tuple[Tensor, ...] | None = None
) -> dict[str, Tensor]:
    """The losses by the names in LossWeights: means over the people, of presence over the batch.

    Args:
        outputs: of the network for the crops of the batch.
        batch: of PoseCrops.
        teacher: outputs of the teacher for the first crops of the batch.
    """
    person = batch["is_person"] > 0  # crops of nobody are left out, finite or not
    people = {name: each[person] for name, each in batch.items() if name != "crop"}
    image, world, visibility, _, log_deviations = (each[person] for each in outputs)
    errors = pose_errors((image, world, visibility), people)
    inside = ((people["points"] >= 0) & (people["points"] < SIZE)).all(-1, keepdim=True)
    found = {
        "pose": errors.joints.abs().mean((1, 2)) / 0.1,
        "image": (errors.points.abs() * inside).mean((1, 2)) / 0.02,
        "distance": errors.distance.abs() / 0.1,
        "visibility": _visibility_loss(visibility, people["visible"]),
        "deviations": deviation_losses(errors, log_deviations).mean(-1),
    }
    means = {name: each.sum() / max(1, len(each)) for name, each in found.items()}
    means["presence"] = F.binary_cross_entropy_with_logits(outputs[3][:, 0], batch["is_person"])
    if teacher is not None:
        count = len(teacher[0])
        rows = person[:count]
        means["teacher"] = _teacher_loss(
            [each[:count][rows] for each in outputs[:3]], [each[rows] for each in teacher[:3]]
        )
    return means


def deviation_losses(errors: PoseErrors, log_deviations: Tensor) -> Tensor:
    """Negative logarithms of the likelihoods of errors, (N,18), without constants.

    A joint's error is a distance, its deviation that of a normal distribution of one dimension:
    the best deviation is the root of the mean squared distance. Errors get no gradients: a pose
    must not get worse to be less sure.
    """
    squares = errors.joints.square().sum(-1)
    squares = torch.cat([squares, errors.distance.square()[:, None]], dim=1).detach()
    squares[:, ROOT] = errors.across.square().mean(-1).detach()
    return log_deviations + 0.5 * squares * torch.exp(-2 * log_deviations)


def _visibility_loss(logits: Tensor, visible: Tensor) -> Tensor:
    rows = [*SHARED_JOINTS, _HEAD, _HEAD]
    columns = [*SHARED_LANDMARKS, *_EARS]
    return F.binary_cross_entropy_with_logits(
        logits[:, columns], visible[:, rows], reduction="none"
    ).mean(-1)


def _teacher_loss(outputs: list[Tensor], teacher: list[Tensor]) -> Tensor:
    """Keeps landmarks that rendered people do not teach where the teacher has them."""
    image, world, visibility = (
        (ours - theirs)[:, _UNTAUGHT] for ours, theirs in zip(outputs, teacher, strict=True)
    )
    each = (
        _huber(image / SIZE / 0.02).mean((1, 2))
        + _huber(world / 0.1).mean((1, 2))
        + 0.01 * _huber(visibility).mean(1)
    )
    return each.sum() / max(1, len(each))


def _huber(differences: Tensor) -> Tensor:
    """Linear beyond 1, and without a gradient where there is no difference."""
    return F.smooth_l1_loss(differences, torch.zeros_like(differences), reduction="none")
