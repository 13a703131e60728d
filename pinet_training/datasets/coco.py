"""COCO-style annotations: the JSON files of 3DMPPE and of the released PI-Net.

    {"images": [{"id", "file_name", "width", "height",
                 "intrinsic": [fx, fy, cx, cy]  or  "f": [fx, fy], "c": [cx, cy]}],
     "annotations": [{"id", "image_id", "bbox": [x, y, w, h],
                      "keypoints_img": J x 2 pixels, "keypoints_cam": J x 3 millimetres,
                      "is_valid": 0 or 1, 1 by default and for null,
                      "keypoints_cam_posenet": 17 or 21 x 3 millimetres, optional,
                      "segmentation": polygons [[x, y, x, y, ...], ...], optional}]}

J is 17 for the joints of MuPoTS-3D (MuPoTS-3D.json) and 21 for those of MuCo-3DHP
(MuCo-3DHP.json). keypoints_cam_posenet are an estimator's poses of the same people, as in the
released PI-Net's *_with_posenet_result.json. Intrinsics may be missing; null is an unknown number.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pinet_ros.cli.predictions.prediction_fields import image_key
from pinet_ros.cli.predictions.records import Record, as_json
from pinet_ros.errors import DatasetError
from pinet_ros.geometry.camera import Camera, CameraError
from pinet_ros.people import People
from pinet_ros.skeleton import MUCO_21, MUPOTS_17, JointSet
from pinet_ros.util.files import write_text
from pinet_training.datasets.annotated_image import AnnotatedImage, sequence_of
from pinet_training.datasets.coco_records import (
    boxes_of,
    by_image,
    file_name_of,
    read_annotation_file,
    size_of,
    whole_number,
)

_JOINT_SETS = {len(s): s for s in (MUPOTS_17, MUCO_21)}
_TRUTH, _INITIAL = "keypoints_cam", "keypoints_cam_posenet"
_MILLIMETRES = 1000.0
_DECIMALS = 4  # of pixels and millimetres


def read_coco(path: Path) -> tuple[AnnotatedImage, ...]:
    """Read annotations; an image has the people whose annotations name it, maybe none.

    Raises:
        DatasetError: the file, a field or an image is missing, or a field is misshapen.
    """
    images, annotations = read_annotation_file(path)
    _require_3d(annotations)
    truth_set = _common_joint_set(annotations, _TRUTH) or MUPOTS_17  # of a file without people
    initial_set = _common_joint_set([a for a in annotations if _INITIAL in a], _INITIAL)
    grouped = by_image(images, annotations)
    return tuple(_image(i, grouped[i["id"]], truth_set, initial_set) for i in images)


def _require_3d(annotations: Sequence[Record]) -> None:
    """Tell COCO's own annotations, which have no depth, from those without a field."""
    flat = [each for each in annotations if "keypoints" in each and _TRUTH not in each]
    if flat and len(flat) == len(annotations):
        raise flat[0].error(
            f"has COCO's keypoints and no {_TRUTH}: only `pinet train-lifter` takes joints "
            "without depth; give annotations in the form of 3DMPPE"
        )


def _common_joint_set(annotations: Sequence[Record], field: str) -> JointSet | None:
    """The joint set that all annotations have in a field; None without annotations."""
    common = None
    for annotation in annotations:
        count = len(annotation.array(field, None, 3))
        if count not in _JOINT_SETS:
            raise annotation.error(f"{field} must have 17 or 21 joints, got {count}")
        common = common or _JOINT_SETS[count]
        if count != len(common):
            raise annotation.error(
                f"{field} has {count} joints, but {len(common)} in the annotations before"
            )
    return common


def _image(
    image: Record, annotations: list[Record], truth_set: JointSet, initial_set: JointSet | None
) -> AnnotatedImage:
    file_name = file_name_of(image)
    width, height = size_of(image)
    camera = _camera(image, width, height)
    return AnnotatedImage(
        key=image_key(file_name),
        file_name=file_name,
        sequence=sequence_of(file_name),
        width=width,
        height=height,
        camera=camera,
        people=_truth(annotations, truth_set),
        valid=np.array([_is_valid(annotation) for annotation in annotations], bool),
        initial=_initial(annotations, initial_set, camera),
        segmentations=tuple(a.fields.get("segmentation") for a in annotations),
    )


def _is_valid(annotation: Record) -> bool:
    if "is_valid" not in annotation:
        return True
    return bool(whole_number(annotation, "is_valid", high=1))


def _camera(image: Record, width: int, height: int) -> Camera | None:
    if "intrinsic" in image:
        fx, fy, cx, cy = image.array("intrinsic", 4)
    elif "f" in image or "c" in image:
        (fx, fy), (cx, cy) = image.array("f", 2), image.array("c", 2)
    else:
        return None
    try:
        return Camera.from_intrinsics(width, height, fx, fy, cx, cy)
    except CameraError as error:
        raise image.error(str(error)) from error


def _truth(annotations: list[Record], joint_set: JointSet) -> People:
    if not annotations:
        return People.empty(joint_set)
    count = len(joint_set)
    return People.from_joints(
        joint_set,
        np.stack([a.array(_TRUTH, count, 3) for a in annotations]) / _MILLIMETRES,
        joints_image=np.stack([a.array("keypoints_img", count, 2) for a in annotations]),
        boxes=boxes_of(annotations),
        scores=np.ones(len(annotations)),
    )


def _initial(
    annotations: list[Record], joint_set: JointSet | None, camera: Camera | None
) -> People | None:
    if joint_set is None or not any(_INITIAL in a for a in annotations):
        return None
    unknown = np.full((len(joint_set), 3), np.nan)
    joints = [
        a.array(_INITIAL, len(joint_set), 3) if _INITIAL in a else unknown for a in annotations
    ]
    joints = np.stack(joints) / _MILLIMETRES
    return People.from_joints(
        joint_set,
        joints,
        joints_image=None if camera is None else camera.project(joints),
        boxes=boxes_of(annotations),
    )


def write_coco(path: Path, images: Sequence[AnnotatedImage]) -> None:
    """Write annotations so that `read_coco` gives them back, to a tenth of a micrometre.

    Raises:
        DatasetError: an image has no size.
    """
    content: dict[str, list] = {"images": [], "annotations": []}
    for number, image in enumerate(images):
        content["images"].append({"id": number, **_image_fields(path, image)})
        for row in range(len(image.people)):
            fields = _annotation_fields(image, row)
            identity = {"id": len(content["annotations"]), "image_id": number}
            content["annotations"].append(identity | fields)
    write_text(path, json.dumps(content, allow_nan=False))


def _image_fields(path: Path, image: AnnotatedImage) -> dict[str, Any]:
    if image.width is None or image.height is None:
        raise DatasetError(f"{path}: the size of {image.file_name} is not known")
    fields = {"file_name": image.file_name, "width": image.width, "height": image.height}
    if image.camera is not None:
        matrix = image.camera.matrix
        fields["intrinsic"] = [*matrix[[0, 1], [0, 1]].tolist(), *matrix[:2, 2].tolist()]
    return fields


def _annotation_fields(image: AnnotatedImage, row: int) -> dict[str, Any]:
    people = image.people
    low, high = people.boxes[row, :2], people.boxes[row, 2:]
    fields = {
        "is_valid": int(image.valid[row]),
        "bbox": as_json(np.concatenate([low, high - low]), _DECIMALS),
        "keypoints_img": as_json(people.joints_image[row], _DECIMALS),
        _TRUTH: as_json(people.joints[row] * _MILLIMETRES, _DECIMALS),
    }
    if image.initial is not None and np.isfinite(image.initial.joints[row]).any():
        fields[_INITIAL] = as_json(image.initial.joints[row] * _MILLIMETRES, _DECIMALS)
    if image.segmentations is not None and image.segmentations[row] is not None:
        fields["segmentation"] = image.segmentations[row]
    return fields


def read_initial_people(path: Path) -> dict[str, People]:
    """The poses keypoints_cam_posenet of each image by its key.

    Raises:
        DatasetError: as of `read_coco`, or there are none.
    """
    images = read_coco(path)
    with_initial = [image.initial for image in images if image.initial is not None]
    if not with_initial:
        raise DatasetError(
            f"{path} holds annotations but no predictions: none has keypoints_cam_posenet"
        )
    nobody = People.empty(with_initial[0].joint_set)
    return {
        image.key: nobody if image.initial is None else image.initial.select(image.initial.known)
        for image in images
    }
