"""Adapt the truth of a rendered data set to the joints of the estimator that was run over it."""

from __future__ import annotations

import numpy as np

from pinet_ros.geometry.camera import Camera
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.datasets.scene_fields import NOBODY
from pinet_training.rendering.definition import JointDefinition

_MAX_PEOPLE = 3000  # that the definition is fitted to
_MIN_BOX_HEIGHT = 0.4  # of the image's height: the joints of smaller people are not precise


def adapt_truth(fields: dict[str, np.ndarray], size: tuple[int, int]) -> dict[str, np.ndarray]:
    """Adapt the true joints to how the estimator defines joints and what size it expects.

    - The joints are moved to where the estimator defines them, see JointDefinition.
    - All scenes are scaled about the camera, which leaves the images unchanged, so that the median
      ratio of estimated to true distance is 1. The estimator has learned the size of real people,
      and the rendered bodies have another mean size: a refiner must not learn that difference.

    Both are fitted to fully visible people of the train split. If there are too few of them, the
    joints stay as they are.

    Args:
        fields: the arrays of a file of scenes, with the truth of rendered scenes.
        size: width and height of the images, pixels.

    Returns:
        The arrays with adapted `person_joints`, and with `person_joints_image`,
        `scene_camera_height` and `scene_camera_position` to match. `person_joints_rendered` has
        the joints of the rendered bodies.
    """
    joints = fields["person_joints"]
    rows = _rows_to_fit(fields, size)
    persons = fields["estimate_person"][rows]
    definition = JointDefinition.fit(joints[persons], _rays(fields, rows, size))
    if definition is None:
        return fields | {"person_joints_rendered": joints}
    adapted = definition.apply(joints)
    scale = _scale(fields["estimate_initial_joints"][rows], adapted[persons])
    adapted = adapted * scale
    return fields | {
        "scene_camera_height": fields["scene_camera_height"] * scale,
        "scene_camera_position": fields["scene_camera_position"] * scale,
        "person_joints": adapted,
        "person_joints_image": _pixels(fields, adapted, size),
        "person_joints_rendered": joints,
    }


def _scale(estimates: np.ndarray, joints: np.ndarray) -> np.float32:
    """Median ratio of the distances of the estimated (K,17,3) and the true (K,17,3) roots."""
    far, true = (np.linalg.norm(poses[:, MUPOTS_17.root], axis=1) for poses in (estimates, joints))
    return np.float32(np.nanmedian(far / true))


def _rows_to_fit(fields: dict[str, np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """Rows (K,) of the estimates that are precise enough to fit to."""
    boxes = fields["person_box"]
    suitable = fields["person_visible"].all(axis=1)
    suitable &= boxes[:, 3] - boxes[:, 1] > _MIN_BOX_HEIGHT * size[1]
    suitable &= fields["scene_split"][fields["person_scene"]] == "train"
    persons = fields["estimate_person"]
    rows = np.flatnonzero((persons != NOBODY) & ~fields["estimate_duplicate"])
    return rows[suitable[persons[rows]]][:_MAX_PEOPLE]


def _rays(
    fields: dict[str, np.ndarray], estimates: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """(K,17,2) x/z and y/z of the viewing rays through the estimated joints in the image."""
    rays = np.full((len(estimates), 17, 2), np.nan)
    for number, row in enumerate(estimates):
        camera = _camera(fields, fields["estimate_scene"][row], size)
        rays[number] = camera.undistort(fields["estimate_joints_image"][row])
    return rays


def _pixels(
    fields: dict[str, np.ndarray], joints: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Project the people's joints (P,17,3) into their images: (P,17,2) float32 pixels."""
    pixels = [
        _camera(fields, scene, size).project(pose)
        for scene, pose in zip(fields["person_scene"], joints, strict=True)
    ]
    return np.asarray(pixels, np.float32)


def _camera(fields: dict[str, np.ndarray], scene: int, size: tuple[int, int]) -> Camera:
    intrinsics = fields["scene_intrinsics"][scene]
    return Camera.from_intrinsics(*size, *intrinsics, fields["scene_distortion"][scene])
