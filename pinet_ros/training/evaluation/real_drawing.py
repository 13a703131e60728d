"""Pictures of real people's true, initial and refined skeletons, for judging by eye."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from pinet_ros.drawing import draw_skeleton, draw_text, line_width
from pinet_ros.errors import PinetError
from pinet_ros.skeleton import MUPOTS_17
from pinet_ros.training.datasets.pose2sim import Images
from pinet_ros.training.evaluation.sightings import Sighting
from pinet_ros.triangulation import View

_COLORS = {"truth": (0, 200, 0), "before": (0, 0, 255), "after": (255, 128, 0)}  # BGR
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
        if not cv2.imwrite(str(path), np.hstack(tiles)):
            raise PinetError(f"the picture {path} cannot be written")


def _tile(image: np.ndarray, view: View, sightings: Sequence[Sighting]) -> np.ndarray:
    unit = line_width(image)
    for sighting in sightings:
        for pose, color in _COLORS.items():
            pixels = view.camera.project(getattr(sighting, pose))
            draw_skeleton(image, pixels, MUPOTS_17.bones, color, unit)
    for row, (pose, color) in enumerate(_COLORS.items()):
        draw_text(image, pose, (0, 25 * unit * (row + 1)), color, unit)
    width = round(image.shape[1] * _HEIGHT / image.shape[0])
    return cv2.resize(image, (width, _HEIGHT), interpolation=cv2.INTER_AREA)
