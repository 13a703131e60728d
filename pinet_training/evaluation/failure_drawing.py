"""Pictures of failures: a person's three poses on the picture, and from the side in metres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

import cv2
import numpy as np

from pinet_ros.errors import DatasetError
from pinet_ros.geometry.camera import Camera
from pinet_ros.imaging.drawing import draw_text, line_width
from pinet_ros.imaging.pictures import write_image
from pinet_training.evaluation.failures import Failure
from pinet_training.evaluation.pose_drawing import draw_legend, draw_poses
from pinet_training.evaluation.scene_errors import WHEN
from pinet_training.rendering.shards import RenderedScenes

_SIZE = 360  # pixels, of either view
_MARGIN = 0.1  # of the joints' extent, about them
_PAPER, _LINE = (250, 250, 250), (205, 205, 205)
_ON_SHEET = 3  # of each kind
_QUALITY = 80  # of the JPEGs


def draw_failures(
    folder: Path, failures: Mapping[str, Sequence[Failure]], pictures: RenderedScenes
) -> None:
    """Write a picture of each, KIND_NUMBER.jpg, and sheet.jpg with the first few of each kind.

    Args:
        folder: made where it is missing.
        failures: by kind.
        pictures: the rendered data set that the scenes are from.

    Raises:
        DatasetError: a scene names no picture, or one that is not of this data set.
        PinetError: a picture cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kinds = []
    for kind, of_kind in failures.items():
        drawn = [_draw(failure, kind, pictures) for failure in of_kind]
        for number, picture in enumerate(drawn):
            _write(folder / f"{kind}_{number:02d}.jpg", picture)
        kinds.append(drawn[:_ON_SHEET])
    empty = np.full((_SIZE, 2 * _SIZE, 3), _PAPER, np.uint8)
    rows = [np.hstack(row) for row in zip_longest(*kinds, fillvalue=empty)]
    _write(folder / "sheet.jpg", np.vstack(rows))


def _draw(failure: Failure, kind: str, pictures: RenderedScenes) -> np.ndarray:
    image, camera = _picture(failure, pictures)
    views = [_crop(image, camera, failure.poses), _side(failure.poses, failure.scene.camera_pitch)]
    draw_legend(views[0])
    before, after = (failure.errors[when] for when in WHEN)
    text = f"{kind}: {before['mpjpe_mm']:.0f} > {after['mpjpe_mm']:.0f} mm"
    _write_below(views[0], text)
    _write_below(views[1], f"root: {before['root_mm']:.0f} > {after['root_mm']:.0f} mm")
    return np.hstack(views)


def _picture(failure: Failure, pictures: RenderedScenes) -> tuple[np.ndarray, Camera]:
    """The picture (H,W,3) BGR that a failure is in, and its camera."""
    scene = failure.scene
    shard_name, _, name = scene.image.partition("/")
    if not shard_name.isdecimal():
        raise DatasetError(
            f"a scene's picture must be named as in 00000/000.jpg, got {scene.image!r}; only "
            "scenes of `pinet scenes estimate` can be drawn"
        )
    shard = pictures.read(int(shard_name))
    numbers = np.flatnonzero(shard.truth["scene_image"] == name)
    there = np.isin(shard.truth["person_scene"], numbers)
    if not np.isin(scene.bodies, shard.truth["person_body"][there]).all():
        raise DatasetError(
            f"{pictures.folder} has no picture {scene.image} of the same people; give the folder "
            "that the scenes were estimated from"
        )
    return shard.image(numbers[0]), shard.camera(numbers[0])


def _crop(image: np.ndarray, camera: Camera, poses: Mapping[str, np.ndarray]) -> np.ndarray:
    """The part of an image (H,W,3) with the poses that is within it, and the poses."""
    points = {pose: camera.project(joints) for pose, joints in poses.items()}
    inside = np.clip(np.concatenate(list(points.values())), 0, image.shape[1::-1])
    corner, scale = _fit(inside)
    map_ = np.hstack([scale * np.eye(2), -scale * corner[:, None]])
    view = cv2.warpAffine(image, map_, (_SIZE, _SIZE), flags=cv2.INTER_AREA)
    draw_poses(view, {pose: scale * (pixels - corner) for pose, pixels in points.items()})
    return view


def _side(poses: Mapping[str, np.ndarray], pitch: float) -> np.ndarray:
    """The poses from their right, the camera to the left; a line for each metre of distance.

    Args:
        poses: (17,3) each, metres, camera frame.
        pitch: radians, positive looks down; taken out where it is known, so that up is up.
    """
    pitch = float(np.nan_to_num(pitch))
    cos, sin = np.cos(pitch), np.sin(pitch)
    # forward and down, of a camera frame that is level
    level = np.array([[0.0, -sin, cos], [0.0, cos, sin]])
    points = {pose: joints @ level.T for pose, joints in poses.items()}
    corner, scale = _fit(np.concatenate(list(points.values())))
    view = np.full((_SIZE, _SIZE, 3), _PAPER, np.uint8)
    for metre in range(int(np.ceil(corner[0])), int(corner[0] + _SIZE / scale) + 1):
        column = round(scale * (metre - corner[0]))
        cv2.line(view, (column, 0), (column, _SIZE), _LINE, line_width(view))
        draw_text(view, f"{metre} m", (column, 0), _LINE, line_width(view))
    draw_poses(view, {pose: scale * (place - corner) for pose, place in points.items()})
    return view


def _fit(points: np.ndarray) -> tuple[np.ndarray, float]:
    """The upper left corner (2,) and the scale at which points (P,2) fill a square view."""
    low, high = points.min(axis=0), points.max(axis=0)
    extent = (1 + 2 * _MARGIN) * (high - low).max()
    return (low + high - extent) / 2, _SIZE / extent


def _write_below(view: np.ndarray, text: str) -> None:
    draw_text(view, text, (0, len(view)), (255, 255, 255), line_width(view))


def _write(path: Path, picture: np.ndarray) -> None:
    write_image(path, picture, quality=_QUALITY)
