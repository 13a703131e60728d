"""Pairing: whose each prediction is, and the training scenes that this gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from pinet_ros.cli.predictions.predictions import Predictions, read_predictions
from pinet_ros.errors import DatasetError
from pinet_ros.people import People, boxes_around
from pinet_ros.refinement.refiner import refinable
from pinet_ros.refinement.standardisation import deviations_of
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.datasets.annotated_image import AnnotatedImage
from pinet_training.datasets.annotations import Annotations, read_annotations
from pinet_training.datasets.scene_loading import load_scenes
from pinet_training.datasets.scenes import Scene, Scenes
from pinet_training.evaluation.image_matching import match_by_image


def load_training_scenes(
    path: Path,
    predictions: Path | None = None,
    split: str = "train",
    sequences: str | None = None,
) -> Scenes:
    """Read scenes to train on.

    Args:
        path: an .npz file of scenes, or a data set as `read_annotations` takes it.
        predictions: a file of initial poses for the images of a data set; without it those of
            the data set itself (keypoints_cam_posenet) are taken.
        split: of all scenes of a data set; a file of scenes says it of each itself.
        sequences: which of a data set, see `select_sequences`; None for all.

    Raises:
        ScenesError: the file of scenes cannot be used.
        DatasetError: the data set or the predictions cannot, or do not fit.
    """
    if Path(path).suffix != ".npz":
        if Path(path).is_file() and Path(path).suffix != ".json":
            raise DatasetError(
                f"{path} is nothing to train or test on; give scenes (.npz), annotations (.json) "
                "or the folder of MuPoTS-3D"
            )
        return pair(*read_paired(path, predictions, sequences), split)
    if sequences is not None:
        raise DatasetError(
            f"{path} is a file of scenes, which has no sequences; leave {sequences!r} out, or "
            "give a data set"
        )
    if predictions is not None:
        raise DatasetError(
            f"{path} is a file of scenes, which holds its initial poses; leave {predictions} out, "
            "or give a data set"
        )
    return load_scenes(path)


def read_paired(
    path: Path, predictions: Path | None, sequences: str | None = None
) -> tuple[Annotations, Predictions | None]:
    """Read a data set, and predictions for it, both of some sequences or of all.

    Raises:
        DatasetError: one of them cannot be read, or a sequence is not there.
    """
    annotations = read_annotations(path)
    selected = annotations.select(sequences)
    if predictions is None:
        return selected, None
    return selected, annotations.without_unselected(read_predictions(predictions), selected)


def pair(
    annotations: Annotations, predictions: Predictions | None = None, split: str = "train"
) -> Scenes:
    """The valid people of each image with their initial poses, in MUPOTS_17.

    Predictions are matched with the true people by their joints in the image. People who were
    not found, or whose initial pose cannot be refined, are missed in the scene; those whose true
    pose is not known are left out.

    Args:
        annotations: the true people.
        predictions: the initial poses; None for those of the annotations, row by row.
        split: of all scenes.

    Returns:
        Scenes with the sequence of their image, whose `cameras` are the name of the data set.
        A data set does not say who is who: `bodies` are the number of the image.

    Raises:
        DatasetError: predictions and annotations do not fit (see `check_keys` and
            `with_image_joints`), or there are no initial poses.
        UnknownJointSetError: a joint set has no conversion to MUPOTS_17.
    """
    if predictions is not None:
        check_keys(annotations, predictions)
    elif all(image.initial is None for image in annotations.images):
        raise DatasetError(
            f"{annotations.source} has no initial poses (keypoints_cam_posenet); give a file of "
            "predictions"
        )
    scenes = []
    for number, image in enumerate(annotations.images):
        paired = _own(image) if predictions is None else _matched(image, predictions)
        if paired is not None and len(paired[0]):
            truth, initial, missed = paired
            scenes.append(
                Scene(
                    estimates=initial.joints,
                    truth=truth.joints,
                    boxes=initial.boxes,
                    bodies=np.full(len(truth), number),
                    cameras=annotations.source.resolve().stem,
                    split=split,
                    missed=missed,
                    scores=initial.scores,
                    deviations=deviations_of(initial),
                    up=initial.up,
                    estimator=initial.estimator,
                    sequence=image.sequence,
                )
            )
    return Scenes(tuple(scenes))


def check_keys(annotations: Annotations, predictions: Predictions) -> None:
    """See that predictions are of this data set and of all of its sequences.

    Raises:
        DatasetError: a prediction is for an image that is not annotated, or a sequence has no
            prediction at all.
    """
    if unknown := [key for key in predictions.images if key not in annotations.by_key]:
        raise DatasetError(
            f"{predictions.source}: there are predictions for the image {unknown[0]!r}, which "
            f"{annotations.source} does not have ({len(unknown)} such images)"
        )
    predicted = {annotations.by_key[key].sequence for key in predictions.images}
    if lacking := [name for name in annotations.sequences if name not in predicted]:
        raise DatasetError(
            f"{predictions.source}: there are no predictions for the sequence "
            f"{', '.join(map(repr, lacking))} of {annotations.source}"
        )


def with_image_joints(people: People, image: AnnotatedImage) -> People:
    """Predicted people with their joints in the image: as predicted, else projected.

    A projected person without a box gets the one about the joints.

    Raises:
        DatasetError: joints in the image are neither known nor can be projected.
    """
    unknown = np.isnan(people.joints_image).all(axis=(1, 2))
    unknown &= np.isfinite(people.joints).any(axis=(1, 2))
    if not unknown.any():
        return people
    if image.camera is None:
        raise DatasetError(
            f"image {image.key!r}: its predictions have no joints_image, and its camera is not "
            "known to project them; give one of both"
        )
    joints_image, boxes = people.joints_image.copy(), people.boxes.copy()
    joints_image[unknown] = image.camera.project(people.joints[unknown])
    unboxed = unknown & np.isnan(boxes).all(axis=1)
    boxes[unboxed] = boxes_around(joints_image[unboxed])
    return replace(people, joints_image=joints_image, boxes=boxes)


# The true people who were found, their initial poses row by row, and the true poses (M,17,3) of
# those who were missed.
_Paired = tuple[People, People, np.ndarray]


def _own(image: AnnotatedImage) -> _Paired | None:
    """Pair with the initial poses of the annotations, row by row."""
    if image.initial is None:
        return None
    truth, initial = image.people.to_joint_set(MUPOTS_17), image.initial.to_joint_set(MUPOTS_17)
    counted, found = image.valid & truth.known, refinable(initial)
    rows = counted & found
    return truth.select(rows), initial.select(rows), truth.joints[counted & ~found]


def _matched(image: AnnotatedImage, predictions: Predictions) -> _Paired | None:
    """Pair with predictions, by the joints in the image."""
    if image.key not in predictions.images:
        return None
    truth = image.people.to_joint_set(MUPOTS_17).select(image.valid)
    initial = predictions.images[image.key].to_joint_set(MUPOTS_17)
    initial = with_image_joints(initial, image)
    matches = match_by_image(truth.joints_image, initial.joints_image)
    found = matches >= 0
    found[found] = refinable(initial)[matches[found]]
    rows = truth.known & found
    return truth.select(rows), initial.select(matches[rows]), truth.joints[truth.known & ~found]
