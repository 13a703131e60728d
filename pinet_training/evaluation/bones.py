"""Bone lengths, and poses with the bones of others, as MuPoTS-3D's script compares them."""

from __future__ import annotations

import numpy as np

from pinet_ros.skeleton import MUPOTS_17

# Each joint after the one that it hangs on, from the pelvis outwards (MuPoTS-3D's script).
_HANGS_ON = {
    "spine": "pelvis",
    "thorax": "spine",
    "head": "thorax",
    "head_top": "thorax",
} | {
    f"{side}_{joint}": parent if parent in ("thorax", "pelvis") else f"{side}_{parent}"
    for side in ("right", "left")
    for joint, parent in (
        ("shoulder", "thorax"),
        ("elbow", "shoulder"),
        ("wrist", "elbow"),
        ("hip", "pelvis"),
        ("knee", "hip"),
        ("ankle", "knee"),
    )
}


def bone_lengths(poses: np.ndarray) -> np.ndarray:
    """(N,17) length of the bone of poses (N,17,3) that each joint hangs on by, 0 at the pelvis.

    NaN where either end is not known.
    """
    parents = [MUPOTS_17.index(_HANGS_ON.get(joint, joint)) for joint in MUPOTS_17.joints]
    return np.linalg.norm(poses - poses[:, parents], axis=-1)


def with_bone_lengths(poses: np.ndarray, model: np.ndarray) -> np.ndarray:
    """Poses (N,17,3) whose bones keep their directions and get the lengths of `model` (N,17,3).

    The pelvis stays where it is. A bone of no length has no direction and stays so.
    """
    walked = np.array(poses, np.float64)
    for child, parent in _HANGS_ON.items():
        child, parent = MUPOTS_17.indices(child, parent)
        bone = np.asarray(poses[:, child] - poses[:, parent], np.float64)
        length = np.linalg.norm(bone, axis=1, keepdims=True)
        wanted = np.linalg.norm(model[:, child] - model[:, parent], axis=1, keepdims=True)
        walked[:, child] = walked[:, parent] + bone * (wanted / np.where(length == 0, 1, length))
    return walked
