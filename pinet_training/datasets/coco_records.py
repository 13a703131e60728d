"""What all readers of COCO-style annotations share: ids, names and sizes of images, boxes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pinet_ros.cli.predictions.records import Record, read_json

_INT32 = np.iinfo(np.int32)


def read_annotation_file(path: Path) -> tuple[list[Record], list[Record]]:
    """The images and the annotations of a .json file.

    Raises:
        DatasetError: there is no such file, or it is no file of annotations.
    """
    file = read_json(path)
    for field in ("images", "annotations"):
        if field not in file:
            raise file.error(
                f"lacks the field {field!r}, so it is no file of annotations; predictions are "
                "given with --predictions, beside the data set that they are for"
            )
    return file.records("images"), file.records("annotations")


def by_image(
    images: Sequence[Record], annotations: Sequence[Record]
) -> dict[int | float | str, list[Record]]:
    """The annotations of each image by its id; an empty list for an image without any.

    Raises:
        DatasetError: two images have one id, an annotation is of no image, or an id is missing or
            neither a number nor a string.
    """
    grouped: dict[int | float | str, list[Record]] = {}
    for image in images:
        image_id = _identity(image, "id")
        if image_id in grouped:
            raise image.error("another image has the same id")
        grouped[image_id] = []
    for annotation in annotations:
        image_id = _identity(annotation, "image_id")
        if image_id not in grouped:
            raise annotation.error(f"there is no image of its image_id {image_id!r}")
        grouped[image_id].append(annotation)
    return grouped


def _identity(record: Record, field: str) -> int | float | str:
    value = record[field]
    if not isinstance(value, (int, float, str)):
        raise record.error(f"{field} must be a number or a string, got {value!r}")
    return value


def file_name_of(image: Record) -> str:
    """The path of an image's picture.

    Raises:
        DatasetError: it is missing, or not a text.
    """
    name = image["file_name"]
    if not isinstance(name, str) or not name:
        raise image.error(f"file_name must be the path of a picture, got {name!r}")
    return name


def size_of(image: Record) -> tuple[int, int]:
    """Width and height of an image, pixels.

    Raises:
        DatasetError: one is missing, or not a whole number of pixels.
    """
    return whole_number(image, "width", low=1), whole_number(image, "height", low=1)


def whole_number(record: Record, field: str, *, low: int = 0, high: int = _INT32.max) -> int:
    """A required field that is one integer; true and false are 1 and 0.

    Raises:
        DatasetError: it is missing, no number (but a string, say), or out of range.
    """
    value = record[field]
    if not isinstance(value, (int, float)):
        raise record.error(f"{field} must hold integers from {low} to {high}, got {value!r}")
    return int(record.whole_numbers(field, low=low, high=high))


def boxes_of(annotations: Sequence[Record]) -> np.ndarray:
    """(N,4) boxes x_min y_min x_max y_max, pixels, from `bbox` [x, y, w, h].

    Raises:
        DatasetError: one is missing or misshapen.
    """
    boxes = np.stack([each.array("bbox", 4) for each in annotations])
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
