"""COCO's annotations of people (person_keypoints_*.json): joints in the image, no depth.

{"images": [{"id", "file_name", "width", "height"}],
 "annotations": [{"id", "image_id", "bbox": [x, y, w, h], "iscrowd", "num_keypoints",
                  "keypoints": 17 x [x, y, v], v: 0 unknown, 1 hidden, 2 visible}]}
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pinet_ros.cli.predictions.prediction_fields import image_key
from pinet_ros.cli.predictions.records import Record
from pinet_ros.people import People
from pinet_ros.skeleton import COCO_17, MUPOTS_17, convert
from pinet_training.datasets.annotated_image import AnnotatedImage, sequence_of
from pinet_training.datasets.coco_records import (
    boxes_of,
    by_image,
    file_name_of,
    read_annotation_file,
    size_of,
    whole_number,
)

# `convert` derives these from COCO's ears, shoulders and hips: too rough for a ground truth.
_NOT_ANNOTATED = MUPOTS_17.indices("head_top", "head", "spine")


def holds_coco_keypoints(path: Path) -> bool:
    """Return whether an annotation file has COCO's keypoints, unlike the files of `read_coco`.

    Raises:
        DatasetError: it is not an annotation file.
    """
    _, annotations = read_annotation_file(path)
    in_3d = any("keypoints_cam" in each for each in annotations)
    return not in_3d and any("keypoints" in each for each in annotations)


def read_coco_keypoints(path: Path) -> tuple[AnnotatedImage, ...]:
    """Read the people with keypoints, except crowds, in the joints of MuPoTS-3D.

    Thorax and pelvis are computed from shoulders and hips. Head, head top, spine and all depths
    are unknown.

    Raises:
        DatasetError: the file, a field or an image is missing, or a field is misshapen.
    """
    images, annotations = read_annotation_file(path)
    grouped = by_image(images, annotations)
    people = {number: list(filter(_has_keypoints, of)) for number, of in grouped.items()}
    return tuple(_image(i, people[i["id"]]) for i in images if people[i["id"]])


def _has_keypoints(annotation: Record) -> bool:
    if "iscrowd" in annotation and whole_number(annotation, "iscrowd", high=1):
        return False
    if "keypoints" not in annotation and "num_keypoints" not in annotation:
        return False
    return whole_number(annotation, "num_keypoints", high=len(COCO_17)) > 0


def _image(image: Record, annotations: list[Record]) -> AnnotatedImage:
    file_name = file_name_of(image)
    width, height = size_of(image)
    return AnnotatedImage(
        key=image_key(file_name),
        file_name=file_name,
        sequence=sequence_of(file_name),
        width=width,
        height=height,
        camera=None,
        people=_people(annotations),
        valid=np.ones(len(annotations), bool),
    )


def _people(annotations: list[Record]) -> People:
    keypoints = np.stack([each.array("keypoints", 3 * len(COCO_17)) for each in annotations])
    keypoints = keypoints.reshape(-1, len(COCO_17), 3)
    places = np.where(keypoints[..., 2:] > 0, keypoints[..., :2], np.nan)
    unknown = np.full((*places.shape[:2], 3), np.nan)
    joints, places, _ = convert(COCO_17, MUPOTS_17, unknown, places, unknown[..., 0])
    places[:, _NOT_ANNOTATED] = np.nan
    boxes = boxes_of(annotations)
    return People.from_joints(MUPOTS_17, joints, joints_image=places, boxes=boxes)
