"""Prediction: an estimator over all images of a data set."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from pinet_ros.cli.predictions.predictions import Predictions
from pinet_ros.errors import DatasetError, PinetError
from pinet_ros.estimator import PoseEstimator
from pinet_ros.imaging.pictures import PictureError
from pinet_ros.people import People
from pinet_training.datasets.annotated_image import read_picture, require_pictures
from pinet_training.datasets.annotations import Annotations


def require_cameras(annotations: Annotations) -> None:
    """See that an estimator can give metres in all images.

    Raises:
        DatasetError: the camera of an image is not known.
    """
    if lacking := [image for image in annotations.images if image.camera is None]:
        raise DatasetError(
            f"{annotations.source}: the camera of the image {lacking[0].file_name!r} is not known "
            f"({len(lacking)} of {len(annotations)} such images); add its 'intrinsic' "
            "[fx, fy, cx, cy]"
        )


def predict(
    annotations: Annotations, folder: Path, estimator: PoseEstimator
) -> tuple[Predictions, list[PinetError]]:
    """Estimate the people of all images of a data set.

    Args:
        annotations: what images there are, and their cameras.
        folder: of the pictures.
        estimator: any.

    Returns:
        The people of each image, and the errors of those pictures that cannot be read or have
        another size than their annotations say. Such images have no predictions.

    Raises:
        DatasetError: an image has no camera or no picture, or no picture can be used.
    """
    require_cameras(annotations)
    require_pictures(annotations.images, folder)
    images: dict[str, People] = {}
    errors: list[PinetError] = []
    for image in tqdm(annotations.images, unit="image", disable=None):
        try:
            picture = read_picture(image, folder)
        except (DatasetError, PictureError) as error:
            errors.append(error)
            continue
        images[image.key] = estimator(picture, image.camera).people
    if not images:
        raise DatasetError(f"none of the {len(annotations)} pictures can be used: {errors[0]}")
    return Predictions(None, images), errors
