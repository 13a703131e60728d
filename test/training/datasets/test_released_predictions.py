from __future__ import annotations

import numpy as np
import pytest
import scipy.io

from pinet_ros.cli.predictions.predictions import read_predictions
from pinet_ros.errors import DatasetError

FIRST, KEY = "TS1_img_000000", "TS1_img_000001"


@pytest.fixture
def mats(made, tmp_path):
    """Write a pair of .mat files of two images, with changes; the path of the first."""

    def write(prefix="", flat=(), solid=()):
        poses = {f"TS1_img_00000{n}": made.people_mm(n, count=n + 1) for n in range(2)}
        pixels = {key: made.project(pose) for key, pose in poses.items()} | dict(flat)
        names = [tmp_path / f"{prefix}preds_{n}d_kpt_mupots.mat" for n in (2, 3)]
        scipy.io.savemat(names[0], {k: v for k, v in pixels.items() if v is not None})
        scipy.io.savemat(names[1], poses | dict(solid))
        return names

    return write


@pytest.mark.parametrize("prefix", ["", "20200401_1200_"])
@pytest.mark.parametrize("given", [0, 1])
def test_reads_the_pair_of_mat_files_by_either(prefix, given, mats, made):
    nobody = {"TS2_img_000000": np.zeros((0, 0))}

    found = read_predictions(mats(prefix, flat=nobody, solid=nobody)[given])

    assert list(found.images) == ["TS1_img_000000", "TS1_img_000001", "TS2_img_000000"]
    poses = made.people_mm(1, count=2)
    people = found.images["TS1_img_000001"]
    np.testing.assert_allclose(people.joints, poses / 1000, rtol=1e-6)
    np.testing.assert_allclose(people.joints_image, made.project(poses), rtol=1e-6)
    assert [len(people) for people in found.images.values()] == [1, 2, 0]


@pytest.mark.parametrize("empty", ["TS1_img_000000", "TS1_img_000001"])
def test_images_without_people_have_the_joints_of_the_others(empty, made, tmp_path):
    poses = {f"TS1_img_00000{n}": made.people_mm(n, joints=21) for n in range(3)}
    poses[empty] = np.zeros((0, 0))
    pixels = {key: made.project(pose) if len(pose) else pose for key, pose in poses.items()}
    path = tmp_path / "preds_2d_kpt_mupots.mat"
    scipy.io.savemat(path, pixels)
    scipy.io.savemat(tmp_path / "preds_3d_kpt_mupots.mat", poses)

    images = read_predictions(path).images

    assert {people.joint_set.name for people in images.values()} == {"muco_21"}
    assert len(images[empty]) == 0
    np.testing.assert_allclose(
        images["TS1_img_000002"].joints, poses["TS1_img_000002"] / 1000, rtol=1e-6
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"flat": {KEY: None}},
            rf"preds_2d_kpt_mupots.mat: lacks the image '{KEY}' that preds_3d",
        ),
        ({"flat": {KEY: np.zeros((1, 17, 2))}}, rf"{KEY} must have shape \(2,17,2\), got \(1, 17"),
        ({"solid": {FIRST: np.zeros((1, 16, 3))}}, rf"{FIRST} must have 17 or 21 joints, got 16"),
        (
            {"solid": {KEY: np.zeros((2, 21, 3))}},
            rf"{KEY} must have shape \(any,17,3\), got \(2, 21",
        ),
        ({"solid": {KEY: np.zeros((0, 0))}}, rf"2d_kpt_mupots.mat: {KEY} has people, but none in"),
    ],
)
def test_an_error_of_a_mat_file_names_the_image(changes, message, mats):
    with pytest.raises(DatasetError, match=message):
        read_predictions(mats(**changes)[0])


def test_a_mat_file_needs_its_counterpart_and_its_name(mats):
    flat, solid = mats()
    solid.rename(solid.with_name("other.mat"))

    with pytest.raises(DatasetError, match=r"there is no file .*preds_3d_kpt_mupots.mat"):
        read_predictions(flat)
    with pytest.raises(DatasetError, match=r"are the pair preds_2d_kpt_mupots.mat .*other.mat"):
        read_predictions(solid.with_name("other.mat"))


def test_initial_poses_of_annotations_are_predictions(made, tmp_path):
    content = made.coco({"TS1/a.jpg": made.people_mm(0), "TS1/b.jpg": made.people_mm(1)})
    initial = made.people_mm(5, count=1)[0]
    content["annotations"][1]["keypoints_cam_posenet"] = initial.tolist()

    found = read_predictions(made.write_json(tmp_path / "a_with_posenet_result.json", content))

    assert [len(people) for people in found.images.values()] == [1, 0]
    people = found.images["TS1_a"]
    np.testing.assert_allclose(people.joints[0], initial / 1000, rtol=1e-6)
    np.testing.assert_allclose(people.joints_image[0], made.project(initial), rtol=1e-5)


def test_annotations_without_initial_poses_are_no_predictions(made, tmp_path):
    path = made.write_json(tmp_path / "a.json", made.coco({"a.jpg": made.people_mm(0)}))

    with pytest.raises(DatasetError, match=r"a.json holds annotations but no predictions"):
        read_predictions(path)
