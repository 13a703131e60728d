"""The truth of a rendered data set in the joints of the estimator that was run over it."""

from __future__ import annotations

import numpy as np

from pinet_ros.geometry.camera import Camera
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.datasets.scene_fields import NOBODY
from pinet_training.rendering.definition import JointDefinition

_MOST = 3000  # people that the definition is fitted to
_TALL = 0.4  # of the image's height: smaller people's joints are not precise


def adapt_truth(fields: dict[str, np.ndarray], size: tuple[int, int]) -> dict[str, np.ndarray]:
    """The arrays of a file of scenes with `person_joints` as the estimator takes people to be.

    - Its joints are where the estimator defines them, see JointDefinition.
    - All scenes are scaled about the camera, which changes no picture, until people are estimated
      as far away as they are in the median. An estimator knows people's size from real ones, and
      the bodies drawn are not of their mean size: a refiner must not learn that difference.

    Both are fitted to people of the train split of whom everything is seen; with too few of them
    nothing changes. Where the joints are in the image, and how high the cameras are, goes with
    that; the joints of the rendered bodies stay as `person_joints_rendered`.

    Args:
        fields: of a file of scenes, with the truth of rendered scenes.
        size: width and height of the pictures, pixels.
    """
    joints = fields["person_joints"]
    rows = _fitting(fields, size)
    persons = fields["estimate_person"][rows]
    definition = JointDefinition.fit(joints[persons], _rays(fields, rows, size))
    if definition is None:
        return fields | {"person_joints_rendered": joints}
    adapted = definition.apply(joints)
    scale = _scale(fields["estimate_initial_joints"][rows], adapted[persons])
    adapted = adapted * scale
    return fields | {
        "scene_camera_height": fields["scene_camera_height"] * scale,
        "person_joints": adapted,
        "person_joints_image": _pixels(fields, adapted, size),
        "person_joints_rendered": joints,
    }


def _scale(estimates: np.ndarray, joints: np.ndarray) -> np.float32:
    """By how much farther away than they are (K,17,3) people are estimated (K,17,3), median."""
    far, true = (np.linalg.norm(poses[:, MUPOTS_17.root], axis=1) for poses in (estimates, joints))
    return np.float32(np.nanmedian(far / true))


def _fitting(fields: dict[str, np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """Rows (K,) of the estimates that are precise enough."""
    boxes = fields["person_box"]
    whole = fields["person_visible"].all(axis=1)
    whole &= boxes[:, 3] - boxes[:, 1] > _TALL * size[1]
    whole &= fields["scene_split"][fields["person_scene"]] == "train"
    persons = fields["estimate_person"]
    rows = np.flatnonzero((persons != NOBODY) & ~fields["estimate_duplicate"])
    return rows[whole[persons[rows]]][:_MOST]


def _rays(
    fields: dict[str, np.ndarray], estimates: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """(K,17,2) x/z and y/z of the rays through the joints that were found in the image."""
    rays = np.full((len(estimates), 17, 2), np.nan)
    for number, row in enumerate(estimates):
        camera = _camera(fields, fields["estimate_scene"][row], size)
        rays[number] = camera.undistort(fields["estimate_joints_image"][row])
    return rays


def _pixels(
    fields: dict[str, np.ndarray], joints: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """(P,17,2) float32: where the people's joints (P,17,3) are in the images."""
    pixels = [
        _camera(fields, scene, size).project(pose)
        for scene, pose in zip(fields["person_scene"], joints, strict=True)
    ]
    return np.asarray(pixels, np.float32)


def _camera(fields: dict[str, np.ndarray], scene: int, size: tuple[int, int]) -> Camera:
    intrinsics = fields["scene_intrinsics"][scene]
    return Camera.from_intrinsics(*size, *intrinsics, fields["scene_distortion"][scene])
