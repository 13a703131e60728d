"""Predictions as 3DMPPE and the released PI-Net write them for MuPoTS-3D's evaluation: two files.

    preds_2d_kpt_mupots.mat   per image an array (N,J,2), pixels
    preds_3d_kpt_mupots.mat   per image an array (N,J,3), millimetres, camera frame

Both lie in one folder, their names may begin with the same prefix (a time stamp), and the arrays
are named by the images: TS1_img_000000. J is 17, or 21 for the joints of MuCo-3DHP. Images in
which nobody was found may be left out.
"""

from __future__ import annotations

from pathlib import Path

from pinet_ros.cli.predictions.records import Record
from pinet_ros.errors import DatasetError
from pinet_ros.people import People
from pinet_ros.skeleton import MUCO_21, MUPOTS_17, JointSet
from pinet_training.datasets.mat_files import read_mat

_IMAGE_JOINTS, _JOINTS = "preds_2d_kpt_mupots.mat", "preds_3d_kpt_mupots.mat"
_JOINT_SETS = {len(s): s for s in (MUPOTS_17, MUCO_21)}
_MILLIMETRES = 1000.0


def read_mats(path: Path) -> dict[str, People]:
    """Read the people of each image by its key.

    Args:
        path: of either file; the other must lie beside it.

    Raises:
        DatasetError: a file or an image is missing in one of them, or an array is misshapen.
    """
    flat, solid = (read_mat(path.with_name(name)) for name in _names(path))
    for one, other in ((flat, solid), (solid, flat)):
        if lacking := sorted(other.fields.keys() - one.fields.keys()):
            raise one.error(f"lacks the image {lacking[0]!r} that {other.path.name} has")
    joint_set = _joint_set(solid)
    return {key: _people(key, flat, solid, joint_set) for key in solid.fields}


def _names(path: Path) -> tuple[str, str]:
    for name in (_IMAGE_JOINTS, _JOINTS):
        if path.name.endswith(name):
            prefix = path.name.removesuffix(name)
            return prefix + _IMAGE_JOINTS, prefix + _JOINTS
    raise DatasetError(
        f"predictions in .mat files are the pair {_IMAGE_JOINTS} and {_JOINTS}, got {path}"
    )


def _joint_set(solid: Record) -> JointSet:
    """The joint set of the first image in which somebody was found."""
    for key, joints in solid.fields.items():
        if joints.size:
            count = solid.array(key, None, None, 3).shape[1]
            if count not in _JOINT_SETS:
                raise solid.error(f"{key} must have 17 or 21 joints, got {count}")
            return _JOINT_SETS[count]
    return MUPOTS_17


def _people(key: str, flat: Record, solid: Record, joint_set: JointSet) -> People:
    if not solid.fields[key].size:  # MATLAB keeps no shape of nothing
        if flat.fields[key].size:
            raise flat.error(f"{key} has people, but none in {solid.path.name}")
        return People.empty(joint_set)
    joints = solid.array(key, None, len(joint_set), 3)
    pixels = flat.array(key, *joints.shape[:2], 2)
    return People.from_joints(joint_set, joints / _MILLIMETRES, joints_image=pixels)
