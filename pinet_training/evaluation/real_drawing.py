"""Pictures of real people's true, initial and refined skeletons, for judging by eye."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from pinet_ros.imaging.pictures import write_image
from pinet_training.datasets.pose2sim import Images
from pinet_training.evaluation.pose_drawing import POSE_COLORS, draw_legend, draw_poses
from pinet_training.evaluation.sightings import Sighting
from pinet_training.evaluation.triangulation import View

_HEIGHT = 960  # pixels of each view in the picture


def draw_views(
    folder: Path,
    moment: int,
    images: Images,
    views: dict[str, View],
    sightings: Sequence[Sighting],
) -> None:
    """Write a picture for each clip at one moment, all its views side by side.

    Raises:
        PinetError: a picture cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for clip, of_clip in images.items():
        tiles = []
        for camera, image in of_clip.items():
            here = [s for s in sightings if s.view == f"{clip}/{camera}"]
            tiles.append(_tile(image.copy(), views[camera], here))
        path = folder / f"{clip}_{moment:03d}.jpg"
        write_image(path, np.hstack(tiles))


def _tile(image: np.ndarray, view: View, sightings: Sequence[Sighting]) -> np.ndarray:
    for sighting in sightings:
        poses = {pose: getattr(sighting, pose) for pose in POSE_COLORS}
        draw_poses(image, {pose: view.camera.project(joints) for pose, joints in poses.items()})
    draw_legend(image)
    width = round(image.shape[1] * _HEIGHT / image.shape[0])
    return cv2.resize(image, (width, _HEIGHT), interpolation=cv2.INTER_AREA)
