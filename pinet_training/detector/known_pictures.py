"""Pictures in which it is known where people are, to measure a detector on."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import cv2
import numpy as np

from pinet_ros.cli.predictions.records import Record, read_json
from pinet_ros.detection.detections import Detections
from pinet_ros.detection.nanodet import MIN_HEIGHT
from pinet_ros.imaging.pictures import read_image
from pinet_ros.people import boxes_around
from pinet_training.datasets.people_pictures import read_people_pictures
from pinet_training.detector.detector_recall import Detect, KnownPicture
from pinet_training.detector.detector_scenes import DetectorScenes

BOXES = "boxes.json"

_LARGEST = 1000  # pixels: longer side of photos; more is of no use to the network
_IN_SIGHT = 0.5  # part of a person's known joints that is in the image


def pictures_of_scenes(scenes: DetectorScenes, most: int) -> list[KnownPicture]:
    """The first `most` pictures of rendered scenes."""
    found = []
    for number, scene in enumerate(scenes.scenes[:most]):
        large = _heights(scene.people) >= MIN_HEIGHT
        found.append(
            KnownPicture(
                scenes.pictures.name(number),
                partial(scenes.pictures.image, number),
                people=scene.people[large],
                ignored=np.concatenate([scene.people[~large], scene.ignored]),
            )
        )
    return found


def pictures_of_people(folder: Path) -> list[KnownPicture]:
    """Pictures of real people, see `people_pictures`; those of the looser truth are to be found.

    Boxes are those of the projected joints. Boxes on people of the stricter truth, on small ones
    and on those mostly out of the picture are neither right nor wrong. Others may be in the
    pictures too: a wrong box is one near nobody who is known.

    Raises:
        DatasetError: the pictures cannot be read.
    """
    found = []
    for picture in read_people_pictures(folder):
        pixels = picture.camera.project(picture.joints)
        size = picture.camera.width, picture.camera.height
        inside = ((pixels >= 0) & (pixels < size)).all(axis=-1).sum(axis=1)
        known = np.isfinite(pixels).all(axis=-1).sum(axis=1)
        boxes = boxes_around(pixels).clip(0, np.tile(size, 2)).astype(float)
        to_find = ~picture.strict & (inside >= _IN_SIGHT * np.maximum(known, 1))
        to_find &= _heights(boxes) >= MIN_HEIGHT
        found.append(
            KnownPicture(
                picture.name,
                partial(np.asarray, picture.image),
                people=boxes[to_find],
                ignored=boxes[~to_find],
            )
        )
    return found


def pictures_with_boxes(folder: Path) -> list[KnownPicture]:
    """Photos whose people are known by their boxes: a folder with boxes.json.

    The file has an object: for the name of each photo the list of its people's boxes, each x, y,
    width and height in pixels, and an empty list where there is nobody. Small people may be found
    or not.

    Raises:
        DatasetError: the file is missing or damaged.
        PictureError: a photo cannot be read.
    """
    file = read_json(folder / BOXES)
    found = []
    for name in file.fields:
        rows = _rows(file, name, 4)
        if (rows[:, 2:] < 0).any():
            raise file.error(f"{name}: the width and height of a box must be 0 or more")
        boxes = np.column_stack([rows[:, :2], rows[:, :2] + rows[:, 2:]])
        large = _heights(boxes) >= MIN_HEIGHT
        image = partial(read_image, folder / name)
        found.append(KnownPicture(name, image, people=boxes[large], ignored=boxes[~large]))
    return found


def boxes_of_another(path: Path) -> Detect:
    """A detector whose answers are in a file, to compare it with others.

    The file has a JSON object: for the name of each picture, see KnownPicture, the list of the
    boxes, each x_min, y_min, x_max, y_max in pixels and a score of 0 to 1.

    Raises:
        DatasetError: the file is missing or damaged; by the detector: it lacks a picture.
    """
    file = read_json(path)

    def detect(picture: KnownPicture) -> Detections:
        rows = _rows(file, picture.name, 5).astype(np.float32)
        if (rows[:, :2] > rows[:, 2:4]).any() or ((rows[:, 4] < 0) | (rows[:, 4] > 1)).any():
            raise file.error(
                f"{picture.name}: a box must be x_min, y_min, x_max, y_max and a score of 0 to 1"
            )
        rows = rows[np.argsort(-rows[:, 4], kind="stable")]
        return Detections(boxes=rows[:, :4], scores=rows[:, 4])

    return detect


def picture_of_nobody(name: str, image: np.ndarray) -> KnownPicture:
    """A picture (H,W,3) uint8 BGR of a real place without people."""
    nobody = np.zeros((0, 4))
    return KnownPicture(name, partial(np.asarray, image), people=nobody, ignored=nobody)


def read_place(path: Path) -> np.ndarray:
    """Read a photo (H,W,3) uint8 BGR, made smaller if it is large.

    Raises:
        PictureError: it cannot be read.
    """
    image = read_image(path)
    scale = _LARGEST / max(image.shape[:2])
    if scale >= 1:
        return image
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _rows(file: Record, name: str, columns: int) -> np.ndarray:
    """Rows of finite numbers under a name; the list may be empty."""
    rows = np.zeros((0, columns)) if file[name] == [] else file.array(name, None, columns)
    if not np.isfinite(rows).all():
        raise file.error(f"{name} must hold finite numbers")
    return rows


def _heights(boxes: np.ndarray) -> np.ndarray:
    return boxes[:, 3] - boxes[:, 1]
