"""Prediction: an estimator over all images of a data set."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from pinet_ros.cli.predictions.predictions import Predictions
from pinet_ros.errors import DatasetError
from pinet_ros.estimator import PoseEstimator
from pinet_training.datasets.annotated_image import read_picture
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


def predict(annotations: Annotations, folder: Path, estimator: PoseEstimator) -> Predictions:
    """Estimate the people of all images of a data set.

    Args:
        annotations: what images there are, and their cameras.
        folder: of the pictures.
        estimator: any.

    Raises:
        DatasetError: an image has no camera, or another size than its annotation says.
        SourceError: a picture cannot be read.
    """
    require_cameras(annotations)
    return Predictions(
        None,
        {
            image.key: estimator(read_picture(image, folder), image.camera).people
            for image in tqdm(annotations.images, unit="image", disable=None)
        },
    )
