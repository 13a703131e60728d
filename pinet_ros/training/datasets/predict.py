"""Prediction: an estimator over all images of a data set, and the refiner over predictions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from pinet_ros.estimator import PoseEstimator
from pinet_ros.people import People
from pinet_ros.refinement.refiner import RefinementError, Refiner
from pinet_ros.training.datasets.annotated_image import read_picture
from pinet_ros.training.datasets.annotations import Annotations
from pinet_ros.training.datasets.errors import DatasetError
from pinet_ros.training.datasets.predictions import Predictions


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
            image.key: estimator(read_picture(image, folder), "bgr", image.camera)
            for image in tqdm(annotations.images, unit="image", disable=None)
        },
    )


def refine(
    predictions: Predictions, refiner: Callable[[People], People]
) -> tuple[Predictions, int]:
    """Refine the people of each image, in MUPOTS_17, all else of them kept.

    Returns:
        The refined predictions, and how many people could not be refined and were passed through.

    Raises:
        UnknownJointSetError: the joint set has no conversion to MUPOTS_17.
        DatasetError: the network needs something of the people that an image lacks.
    """
    refined: dict[str, People] = {}
    images = tqdm(predictions.images.items(), desc="refining", unit="image", disable=None)
    for key, people in images:
        try:
            refined[key] = refiner(people)
        except RefinementError as error:
            raise DatasetError(f"{predictions.source}: image {key!r}: {error}") from error
    passed = sum(int((~Refiner.refinable(p)).sum()) for p in predictions.images.values())
    return Predictions(None, refined), passed
