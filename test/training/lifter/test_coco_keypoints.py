"""COCO's own annotations: what is wrong with them is said of the annotation or image."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pinet_ros.errors import DatasetError
from pinet_training.lifter.sources import read_people


def _person(number, image_id, **changes):
    keypoints = np.full((17, 3), 2.0)
    keypoints[:, :2] = np.random.default_rng(number).uniform(300, 460, (17, 2))
    return {
        "id": number,
        "image_id": image_id,
        "bbox": [300, 300, 160, 160],
        "iscrowd": 0,
        "num_keypoints": 17,
        "keypoints": keypoints.ravel().tolist(),
        "category_id": 1,
    } | changes


def _image(number):
    return {"id": number, "file_name": f"{number}.jpg", "width": 1088, "height": 1920}


@pytest.fixture
def content():
    """Two images with a person each."""
    return {
        "images": [_image(1), _image(2)],
        "annotations": [_person(1, 1), _person(2, 2)],
    }


@pytest.fixture
def read(tmp_path):
    """Read the people of a file with this content; their pictures are there."""
    for name in ("1.jpg", "2.jpg"):
        (tmp_path / name).touch()

    def read(content):
        path = tmp_path / "coco.json"
        path.write_text(json.dumps(content))
        return read_people(path, tmp_path)

    return read


def test_a_crowd_without_keypoints_may_come_first(content, read):
    crowd = {"id": 9, "image_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 1, "segmentation": {}}
    content["annotations"].insert(0, crowd)

    assert len(read(content)) == 2


def test_people_without_keypoints_and_crowds_are_left_out(content, read):
    bare = {"id": 3, "image_id": 2, "bbox": [1, 2, 3, 4]}
    content["annotations"] += [bare, _person(4, 2, num_keypoints=0), _person(5, 1, iscrowd=True)]

    assert len(read(content)) == 2


def _set(kind, field, value):
    return lambda content: content[kind][0].update({field: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            _set("annotations", "num_keypoints", "17"),
            r"annotation 1: num_keypoints must hold integers from 0 to 17, got '17'",
        ),
        (
            _set("annotations", "num_keypoints", [17, 0]),
            r"annotation 1: num_keypoints must hold integers from 0 to 17, got \[17, 0\]",
        ),
        (
            _set("annotations", "iscrowd", "0"),
            r"annotation 1: iscrowd must hold integers from 0 to 1, got '0'",
        ),
        (_set("annotations", "image_id", "1"), r"annotation 1: there is no image .*image_id '1'"),
        (_set("annotations", "image_id", 77), r"annotation 1: there is no image .*image_id 77"),
        (
            _set("annotations", "image_id", [1]),
            r"annotation 1: image_id must be a number or a string, got \[1\]",
        ),
        (_set("images", "id", [1]), r"image \[1\]: id must be a number or a string, got \[1\]"),
        (_set("annotations", "keypoints", None), r"annotation 1: lacks the field 'keypoints'"),
        (_set("annotations", "keypoints", [1, 2]), r"annotation 1: keypoints must have shape"),
        (_set("annotations", "bbox", [1, 2, 3]), r"annotation 1: bbox must have shape \(4\)"),
        (_set("images", "file_name", 1), r"image 1: file_name must be the path of .*, got 1"),
        (_set("images", "width", "9"), r"image 1: width must hold .*, got '9'"),
        (lambda c: c["images"].append(_image(1)), r"image 1: another image has the same id"),
        (
            lambda c: (
                c["images"].append(_image(3) | {"file_name": "1.jpg"})
                or c["annotations"].append(_person(3, 3))
            ),
            r"coco.json: 2 images have the key '1'",
        ),
    ],
)
def test_an_error_names_the_record_and_the_field(change, message, content, read):
    change(content)

    with pytest.raises(DatasetError, match=message):
        read(content)
