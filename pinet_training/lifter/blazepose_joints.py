"""The joints of MuPoTS-3D from BlazePose's landmarks, made as the estimator does."""

from __future__ import annotations

import torch
from torch import Tensor

from pinet_ros.skeleton import (
    BLAZEPOSE_33,
    EARS,
    HEAD_BETWEEN_THORAX_AND_TOP,
    HEAD_TOP_ABOVE_EARS,
    MUPOTS_17,
    SHOULDERS,
    THORAX_ABOVE_SHOULDERS,
)

# Landmarks that are joints of MUPOTS_17 themselves, and the rows of those joints there.
SHARED = [joint for joint in MUPOTS_17.joints if joint in BLAZEPOSE_33.joints]
SHARED_LANDMARKS = list(BLAZEPOSE_33.indices(*SHARED))
SHARED_JOINTS = list(MUPOTS_17.indices(*SHARED))

# Landmarks of face, hands and feet, which rendered people do not teach. For each of them the two
# landmarks of the joint that it is held to: both ears, or its wrist or ankle, twice.
_HANDS, _FEET = ("pinky", "index", "thumb"), ("heel", "foot_index")
_HELD: dict[str, tuple[str, ...]] = {
    **{f"{side}_{part}": (f"{side}_wrist",) for side in ("left", "right") for part in _HANDS},
    **{f"{side}_{part}": (f"{side}_ankle",) for side in ("left", "right") for part in _FEET},
    **dict.fromkeys(BLAZEPOSE_33.joints[: BLAZEPOSE_33.index("left_shoulder")], EARS),
}
UNTAUGHT = list(BLAZEPOSE_33.indices(*_HELD))
ANCHORS = [list(BLAZEPOSE_33.indices(each[0], each[-1])) for each in _HELD.values()]  # (22,2)

_EARS, _SHOULDERS = (list(BLAZEPOSE_33.indices(*pair)) for pair in (EARS, SHOULDERS))
_HIPS = list(BLAZEPOSE_33.pelvis)
_SHORTEST_NECK = 0.05  # metres


def to_mupots(image: Tensor, world: Tensor) -> tuple[Tensor, Tensor]:
    """Convert landmarks to MUPOTS_17, as `skeleton.convert` does.

    Args:
        image: (N,33,2) pixels.
        world: (N,33,3) metres.

    Returns:
        (N,17,2) pixels, and (N,17,3) metres from the pelvis.
    """
    neck = world[:, _EARS].mean(1) - world[:, _SHOULDERS].mean(1)
    length = neck.norm(dim=-1, keepdim=True).clamp_min(_SHORTEST_NECK)
    stretch = (HEAD_TOP_ABOVE_EARS / length).detach()
    joints = _convert(world, stretch)
    return _convert(image, stretch), joints - joints[:, [MUPOTS_17.root]]


def _convert(points: Tensor, stretch: Tensor) -> Tensor:
    ear, shoulder, hip = (points[:, pair].mean(1) for pair in (_EARS, _SHOULDERS, _HIPS))
    thorax = shoulder + THORAX_ABOVE_SHOULDERS * (shoulder - hip)
    top = ear + stretch * (ear - shoulder)
    computed = {
        "pelvis": hip,
        "thorax": thorax,
        "spine": (hip + thorax) / 2,
        "head": thorax + HEAD_BETWEEN_THORAX_AND_TOP * (top - thorax),
        "head_top": top,
    }
    own = dict(zip(SHARED, points[:, SHARED_LANDMARKS].unbind(1), strict=True))
    return torch.stack([(own | computed)[joint] for joint in MUPOTS_17.joints], dim=1)
