"""What is true of the people in a rendered picture: where they are, and what hides them."""

from __future__ import annotations

import cv2
import numpy as np

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.photograph import Lens
from pinet_training.rendering.renderer import Rendering
from pinet_training.rendering.viewpoint import Viewpoint

# values of person_hidden_by
NOTHING_HIDES, PERSON_HIDES, OBJECT_HIDES, OUTSIDE = range(4)

MOST_PEOPLE = 6  # in one scene


def person_truth(
    joints: np.ndarray, viewpoint: Viewpoint, lens: Lens, rendering: Rendering
) -> dict[str, np.ndarray]:
    """The arrays about the P people of one scene that a picture decides.

    Args:
        joints: (P,17,3) metres, world frame.
        viewpoint: from where they are seen.
        lens: of its camera.
        rendering: by the lens' pinhole, of meshes of which the first P are the people.
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
    """(P,17) int8: what lies before each joint (P,17,3), camera frame, but its own body."""
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
    """(P,4) float32 boxes of the pixels in which each person is seen, NaN for none."""
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
    """(P,6) int8: everybody by the distance from each person, itself first; roots (P,3)."""
    distances = np.linalg.norm(roots[:, None] - roots[None], axis=-1)
    orders = np.full((len(roots), MOST_PEOPLE), -1, np.int8)
    orders[:, : len(roots)] = distances.argsort(axis=1, kind="stable")
    return orders
