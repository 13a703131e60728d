"""Computes the ground truth of the people in a rendered image: joints, boxes and occlusion."""

from __future__ import annotations

import cv2
import numpy as np

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.crowd import MOST_PEOPLE
from pinet_training.rendering.photograph import Lens
from pinet_training.rendering.renderer import Rendering
from pinet_training.rendering.viewpoint import Viewpoint

# Values of person_hidden_by; OUTSIDE is a joint outside of the image.
NOTHING_HIDES, PERSON_HIDES, OBJECT_HIDES, OUTSIDE = range(4)


def person_truth(
    joints: np.ndarray, viewpoint: Viewpoint, lens: Lens, rendering: Rendering
) -> dict[str, np.ndarray]:
    """Compute the arrays of TRUTH that depend on the image, for the P people of one scene.

    Args:
        joints: (P,17,3) metres, world frame.
        viewpoint: the camera.
        lens: the lens of this camera.
        rendering: the scene as seen by the lens' pinhole; the first P meshes are the people.

    Returns:
        The arrays by name, see shard_truth.TRUTH.
    """
    seen = viewpoint.to_camera(joints)
    pixels = viewpoint.camera.project(seen)
    size = np.array([viewpoint.camera.width, viewpoint.camera.height])
    in_image = ((pixels >= -0.5) & (pixels < size - 0.5)).all(axis=-1)  # NaN is outside
    hidden_by = _hidden_by(seen, in_image, lens, rendering)
    return {
        "person_joints": seen.astype(np.float32),
        "person_joints_image": pixels.astype(np.float32),
        "person_in_image": in_image,
        "person_visible": hidden_by == NOTHING_HIDES,
        "person_hidden_by": hidden_by,
        "person_box": _boxes(len(joints), lens, rendering),
        "person_order": _orders(seen[:, MUPOTS_17.root]),
    }


def _hidden_by(
    joints: np.ndarray, in_image: np.ndarray, lens: Lens, rendering: Rendering
) -> np.ndarray:
    """(P,17) int8: what is in front of each joint (P,17,3) in the camera frame, in metres.

    The person's own body does not count.
    """
    depth = joints[..., 2]
    flat = joints[..., :2] / np.where(depth > 0, depth, np.nan)[..., None]
    pinhole = flat * lens.matrix[[0, 1], [0, 1]] + lens.matrix[:2, 2]
    places = np.where(in_image[..., None], rendering.supersampled(pinhole), 0)
    limits = np.array(rendering.instances.shape[::-1]) - 1
    columns, rows = np.moveaxis(np.clip(np.rint(places).astype(int), 0, limits), -1, 0)
    front = rendering.instances[rows, columns]
    others = front != np.arange(len(joints))[:, None]
    covered = others & (rendering.depth[rows, columns] < depth)
    hidden_by = np.where(covered, np.where(front < len(joints), PERSON_HIDES, OBJECT_HIDES), 0)
    return np.where(in_image, hidden_by, OUTSIDE).astype(np.int8)


def _boxes(count: int, lens: Lens, rendering: Rendering) -> np.ndarray:
    """(P,4) float32 boxes around the pixels in which each person is visible, NaN for none."""
    instances = lens.bend(
        cv2.resize(
            rendering.instances,
            rendering.coverage.shape[::-1],
            interpolation=cv2.INTER_NEAREST,
        ),
        cv2.INTER_NEAREST,
    )
    boxes = np.full((count, 4), np.nan, np.float32)
    for person in range(count):
        rows, columns = np.nonzero(instances == person)
        if len(rows):
            boxes[person] = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    return boxes


def _orders(roots: np.ndarray) -> np.ndarray:
    """(P,8) int8: for each person all people by distance, the person first; roots (P,3)."""
    distances = np.linalg.norm(roots[:, None] - roots[None], axis=-1)
    orders = np.full((len(roots), MOST_PEOPLE), -1, np.int8)
    orders[:, : len(roots)] = distances.argsort(axis=1, kind="stable")
    return orders
