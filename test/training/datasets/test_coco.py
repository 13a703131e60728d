from __future__ import annotations

import numpy as np
import pytest

from pinet_ros.errors import DatasetError
from pinet_training.datasets.coco import read_coco, write_coco


@pytest.fixture
def content(made):
    """Two images with two people and one, and one without anybody."""
    return made.coco(
        {
            "TS1/img_000000.jpg": made.people_mm(0),
            "TS1/img_000001.jpg": made.people_mm(1, count=1),
            "TS1/img_000002.jpg": [],
        }
    )


@pytest.fixture
def read(made, tmp_path):
    return lambda content: read_coco(made.write_json(tmp_path / "people.json", content))


def test_reads_people_in_metres_with_their_camera(content, made, read):
    content["annotations"][1]["is_valid"] = 0

    first, second, third = read(content)

    truth = made.people_mm(0)
    np.testing.assert_allclose(first.people.joints, truth / 1000, rtol=1e-6)
    np.testing.assert_allclose(first.people.joints_image, made.project(truth), rtol=1e-6)
    x_min, y_min = made.project(truth)[1].min(axis=0)
    x_max, y_max = made.project(truth)[1].max(axis=0)
    np.testing.assert_allclose(first.people.boxes[1], [x_min, y_min, x_max, y_max], rtol=1e-5)
    assert first.valid.tolist() == [True, False]
    assert (first.key, first.sequence) == ("TS1_img_000000", "TS1")
    assert (first.width, first.height) == (2048, 2040)
    fx, fy, cx, cy = made.intrinsic
    np.testing.assert_array_equal(first.camera.matrix, [[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    assert first.initial is None
    assert second.valid.tolist() == [True]
    assert (len(third.people), third.people.joint_set.name) == (0, "mupots_17")


def test_reads_the_joints_and_intrinsics_of_muco(made, read):
    content = made.coco({"1.jpg": made.people_mm(0, joints=21)})
    fx, fy, cx, cy = content["images"][0].pop("intrinsic")
    content["images"][0] |= {"f": [fx, fy], "c": [cx, cy]}

    (image,) = read(content)

    assert image.people.joint_set.name == "muco_21"
    assert image.camera.matrix[[0, 1, 0, 1], [0, 1, 2, 2]].tolist() == [fx, fy, cx, cy]


def test_an_image_may_lack_its_camera(content, read):
    del content["images"][0]["intrinsic"]

    assert read(content)[0].camera is None


@pytest.mark.parametrize("value", [None, 1, True])
def test_people_are_valid_unless_it_is_denied(value, content, read):
    content["annotations"][0]["is_valid"] = value
    content["annotations"][1]["is_valid"] = False

    assert read(content)[0].valid.tolist() == [True, False]


def test_reads_initial_poses_row_by_row_in_a_joint_set_of_their_own(made, read):
    content = made.coco({"1.jpg": made.people_mm(0, joints=21), "2.jpg": made.people_mm(1)[:0]})
    initial = made.people_mm(5, count=1)[0]
    content["annotations"][1]["keypoints_cam_posenet"] = initial.tolist()

    with_people, without = read(content)

    found = with_people.initial
    assert found.joint_set.name == "mupots_17"
    assert found.known.tolist() == [False, True]
    np.testing.assert_allclose(found.joints[1], initial / 1000, rtol=1e-6)
    np.testing.assert_allclose(found.joints_image[1], made.project(initial), rtol=1e-5)
    np.testing.assert_array_equal(found.boxes, with_people.people.boxes)
    assert without.initial is None


def test_written_annotations_are_read_again(content, read, tmp_path, made):
    content["annotations"][0] |= {
        "is_valid": 0,
        "keypoints_cam_posenet": made.people_mm(5, count=1)[0].tolist(),
        "segmentation": [[1, 2, 30, 2, 30, 40]],
    }
    content["annotations"][2]["keypoints_cam"][4] = [None, None, None]
    del content["images"][1]["intrinsic"]
    images = read(content)

    write_coco(tmp_path / "new" / "again.json", images)

    for image, again in zip(images, read_coco(tmp_path / "new" / "again.json"), strict=True):
        for name in ("key", "file_name", "sequence", "width", "height", "segmentations"):
            assert getattr(again, name) == getattr(image, name)
        np.testing.assert_array_equal(again.valid, image.valid)
        assert (again.camera is None) == (image.camera is None)
        for people, people_again in (
            (image.people, again.people),
            (image.initial, again.initial),
        ):
            assert (people is None) == (people_again is None)
            if people is not None:
                assert people_again.joint_set == people.joint_set
                np.testing.assert_allclose(people_again.joints, people.joints, atol=1e-6)
                np.testing.assert_allclose(people_again.boxes, people.boxes, atol=1e-3)
                np.testing.assert_allclose(
                    people_again.joints_image, people.joints_image, atol=1e-3
                )
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["again.json"]


def _drop(*names):
    def change(content):
        part, field = names
        del content[part][0][field]

    return change


def _set(part, field, value):
    def change(content):
        content[part][0][field] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("images"), r"people.json: lacks the field 'images'"),
        (lambda c: c.update(annotations={}), r"people.json: annotations must be a list"),
        (_drop("images", "file_name"), r"people.json: image 100: lacks the field 'file_name'"),
        (_drop("annotations", "keypoints_cam"), r"annotation 7: lacks the field 'keypoints_cam'"),
        (_drop("annotations", "keypoints_img"), r"annotation 7: lacks the field 'keypoints_img'"),
        (_drop("annotations", "bbox"), r"annotation 7: lacks the field 'bbox'"),
        (_drop("annotations", "image_id"), r"annotation 7: lacks the field 'image_id'"),
        (_set("annotations", "image_id", 55), r"annotation 7: there is no image .*image_id 55"),
        (_set("annotations", "bbox", [1, 2, 3]), r"annotation 7: bbox must have shape \(4\), got"),
        (
            _set("annotations", "keypoints_img", [[1, 2]] * 16),
            r"annotation 7: keypoints_img must have shape \(17,2\), got \(16, 2\)",
        ),
        (
            _set("annotations", "keypoints_cam", [[1, 2, 3]] * 18),
            r"annotation 7: keypoints_cam must have 17 or 21 joints, got 18",
        ),
        (
            _set("annotations", "keypoints_cam", [[1, 2, 3]] * 21),
            r"annotation 8: keypoints_cam has 17 joints, but 21 in the annotations before",
        ),
        (
            _set("annotations", "keypoints_cam", [[1, 2, 3], [1, 2]]),
            r"annotation 7: keypoints_cam must hold numbers in rows of equal length",
        ),
        (_set("images", "intrinsic", [0, 0, 1, 1]), r"image 100: .*positive focal lengths"),
        (
            _set("images", "id", [1, 2]),
            r"image \[1, 2\]: id must be a number or a string, got \[1, 2",
        ),
        (
            _set("annotations", "image_id", {"image": 3}),
            r"annotation 7: image_id must be a number or a string, got \{'image': 3\}",
        ),
        (_set("images", "id", 101), r"people.json: image 101: another image has the same id"),
        (
            _set("images", "width", float("nan")),
            r"image 100: width must hold integers from 1 to 2147483647, got nan",
        ),
        (_set("images", "height", 0), r"image 100: height must hold integers from 1 to .*, got 0"),
        (
            _set("annotations", "is_valid", 2),
            r"annotation 7: is_valid must hold integers from 0 to 1, got 2",
        ),
        (
            _set("annotations", "is_valid", "0"),
            r"annotation 7: is_valid must hold integers from 0 to 1, got '0'",
        ),
        (_set("images", "width", "2048"), r"image 100: width must hold .*, got '2048'"),
        (_set("images", "file_name", ["a"]), r"image 100: file_name must be the path .*\['a'\]"),
    ],
)
def test_an_error_names_the_record_and_the_field(change, message, content, read):
    change(content)

    with pytest.raises(DatasetError, match=message):
        read(content)


def test_what_is_not_json_is_named(tmp_path):
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "deep.json").write_text("[" * 100_000)

    with pytest.raises(DatasetError, match=r"broken.json is not a JSON file"):
        read_coco(tmp_path / "broken.json")
    with pytest.raises(DatasetError, match=r"deep.json is not a JSON file"):
        read_coco(tmp_path / "deep.json")
    with pytest.raises(DatasetError, match=r"list.json must contain a JSON object, got list"):
        read_coco(tmp_path / "list.json")
