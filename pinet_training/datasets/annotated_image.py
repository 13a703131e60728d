"""One image of a data set, and the key that predictions refer to it by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from pinet_ros.errors import DatasetError
from pinet_ros.geometry.camera import Camera
from pinet_ros.imaging.pictures import read_image
from pinet_ros.people import People


@dataclass(frozen=True, eq=False)
class AnnotatedImage:
    """What a data set says of one image.

    Attributes:
        key: what predictions refer to, see `prediction_fields.image_key`.
        file_name: path of the picture below the folder of images.
        sequence: "TS1" to "TS20" in MuPoTS-3D, see `sequence_of`.
        width, height: pixels, None when the data set does not say.
        camera: that took it, None when unknown.
        people: the true people, N of them, joint set as in the file; NaN for what is unknown.
        valid: (N,) bool, who counts in evaluation and training.
        initial: poses that an estimator gave for the same people, row by row, in a joint set of
            its own, NaN for those without; None when there are none.
        universal: (N,17,3) the true poses scaled to one universal skeleton, metres, None when
            the data set has none.
        segmentations: per person the outline as the file has it, None where it has none.
    """

    key: str
    file_name: str
    sequence: str
    width: int | None
    height: int | None
    camera: Camera | None
    people: People
    valid: np.ndarray
    initial: People | None = None
    universal: np.ndarray | None = None
    segmentations: tuple[Any, ...] | None = None


def sequence_of(file_name: str) -> str:
    """The sequence of an image: the first folder of its file name, "" without folders."""
    folders = PurePosixPath(file_name.replace("\\", "/")).parts[:-1]
    return folders[0] if folders else ""


def require_pictures(images: Sequence[AnnotatedImage], folder: Path) -> None:
    """See that the pictures of images are there, before anything takes long.

    Raises:
        DatasetError: some are not.
    """
    names = dict.fromkeys(image.file_name for image in images)
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise DatasetError(
            f"{folder} lacks {len(missing)} of {len(names)} pictures, such as {missing[0]}; give "
            "the folder that these names start in"
        )


def read_picture(image: AnnotatedImage, folder: Path) -> np.ndarray:
    """The picture (H,W,3) uint8 BGR of an image, from the folder of a data set's images.

    Raises:
        DatasetError: it has another size than the data set says.
        PictureError: it is not there or cannot be read.
    """
    path = folder / image.file_name
    picture = read_image(path)
    if image.width is not None and picture.shape[:2] != (image.height, image.width):
        raise DatasetError(
            f"{path} must have {image.width}x{image.height} pixels as its annotation says, got "
            f"{picture.shape[1]}x{picture.shape[0]}"
        )
    return picture
