"""Draws what is true of a rendered scene onto its image."""

from __future__ import annotations

import cv2
import numpy as np

from pinet_ros.imaging.drawing import draw_skeleton, draw_text, line_width
from pinet_ros.people import person_color
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.shards import Shard

_HIDDEN_RADIUS = 3  # of the ring around an occluded joint, in line widths


def drawn_scene(shard: Shard, scene: int) -> np.ndarray:
    """The image (H,W,3) uint8 BGR of a scene with its skeletons and the kind of its camera.

    A white ring marks a joint that is inside the image but occluded.

    Args:
        shard: that the scene is in.
        scene: index of the scene in the shard.

    Raises:
        DatasetError: the image cannot be read.
    """
    image, truth = shard.image(scene), shard.truth
    unit = line_width(image)
    for person in np.flatnonzero(truth["person_scene"] == scene):
        points = truth["person_joints_image"][person]
        draw_skeleton(image, points, MUPOTS_17.bones, _color(truth["person_id"][person]), unit)
        hidden = truth["person_in_image"][person] & ~truth["person_visible"][person]
        for point in points[hidden].round().astype(int).tolist():
            cv2.circle(image, point, _HIDDEN_RADIUS * unit, (255, 255, 255), unit, cv2.LINE_AA)
    draw_text(image, str(truth["scene_cameras"][scene]), (0, 0), (60, 60, 60), unit)
    return image


def draw_boxes(image: np.ndarray, shard: Shard, scene: int) -> None:
    """Draw the boxes and numbers of a scene's people onto an image, which is changed."""
    unit = line_width(image)
    for person in np.flatnonzero(shard.truth["person_scene"] == scene):
        box, number = shard.truth["person_box"][person], int(shard.truth["person_id"][person])
        if np.isfinite(box).all():
            x0, y0, x1, y1 = box.round().astype(int).tolist()
            cv2.rectangle(image, (x0, y0), (x1, y1), _color(number), unit, cv2.LINE_AA)
            draw_text(image, str(number), (x0, y0), _color(number), unit)


def _color(number: int) -> tuple[int, ...]:
    """BGR color of a person."""
    return tuple(round(255 * part) for part in reversed(person_color(int(number))))
