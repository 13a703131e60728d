"""Which part of a correction is made: small turns of a body and small moves of it are not.

A network learns an estimator's errors on the people that it is trained on, and is least sure of
them where they are small: which way somebody leans a little, or stands a little too far away, the
image hardly tells. How the defaults of the thresholds were found: docs/model_card.md.
"""

from __future__ import annotations

import torch

from pinet_ros.skeleton import MUPOTS_17

_PELVIS = MUPOTS_17.index("pelvis")
_STEEPNESS = 8  # with which corrections above their threshold come to be made in full


def sure_part(
    initial: torch.Tensor, refined: torch.Tensor, turn_threshold: float, root_threshold: float
) -> torch.Tensor:
    """Refined poses, but for turns about the root and moves of the root that are too small.

    Of a correction of size m only the part 1 - (t / m)^8 is made, where t is its threshold, and
    nothing below it. How the joints move in the body's own frame is not touched.

    Args:
        initial, refined: (B,J,3) metres, camera frame, joints of MUPOTS_17.
        turn_threshold: of the rotation that turns the initial pose about its root to fit the
            refined one best, radians.
        root_threshold: of the root's move, as a part of its distance from the camera.

    Returns:
        (B,J,3) metres, camera frame.
    """
    root, refined_root = initial[:, _PELVIS, None], refined[:, _PELVIS, None]  # (B,1,3)
    pose = refined - refined_root
    if turn_threshold:
        axes, angles = _turns(initial - root, pose)
        undone = angles * (1 - _made(angles, turn_threshold))
        pose = _rotated(pose, axes, -undone)
    move = refined_root - root
    threshold = root_threshold * root.norm(dim=2, keepdim=True)
    return root + move * _made(move.norm(dim=2, keepdim=True), threshold) + pose


def _made(sizes: torch.Tensor, thresholds: torch.Tensor | float) -> torch.Tensor:
    """Which part of corrections of some sizes is made."""
    return (1 - (thresholds / sizes) ** _STEEPNESS).nan_to_num().clamp(min=0)


def _turns(poses: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Axes (B,3) and angles (B,) by which poses (B,J,3) turn about the origin to fit targets best.

    Source: Kabsch, "A solution for the best rotation to relate two sets of vectors", 1976. The
    axis of half a turn is of no meaning.
    """
    covariances = targets.mT @ poses
    sound = covariances.isfinite().all(dim=(1, 2), keepdim=True)  # else the SVD fails, for all
    identity = torch.eye(3, dtype=poses.dtype, device=poses.device)
    left, _, right = torch.linalg.svd(torch.where(sound, covariances, identity))
    handed = torch.linalg.det(left @ right).sign()
    left = torch.cat([left[..., :2], left[..., 2:] * handed[:, None, None]], dim=-1)
    rotations = left @ right  # (B,3,3)
    twice_axis = torch.stack(
        [
            rotations[:, 2, 1] - rotations[:, 1, 2],
            rotations[:, 0, 2] - rotations[:, 2, 0],
            rotations[:, 1, 0] - rotations[:, 0, 1],
        ],
        dim=-1,
    )
    sine = twice_axis.norm(dim=-1)  # twice it
    cosine = rotations.diagonal(dim1=-2, dim2=-1).sum(dim=-1) - 1  # twice it
    return torch.nn.functional.normalize(twice_axis, dim=-1), torch.atan2(sine, cosine)


def _rotated(poses: torch.Tensor, axes: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Poses (B,J,3) turned about the origin, by angles (B,) about unit axes (B,3) (Rodrigues)."""
    axes = axes[:, None].expand_as(poses)
    cosine, sine = angles.cos()[:, None, None], angles.sin()[:, None, None]
    along = (axes * poses).sum(dim=-1, keepdim=True) * axes
    return cosine * poses + sine * torch.linalg.cross(axes, poses) + (1 - cosine) * along
