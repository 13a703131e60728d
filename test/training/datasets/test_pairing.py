from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pinet_ros.cli.predictions.predictions import Predictions, write_predictions
from pinet_ros.errors import DatasetError
from pinet_ros.people import People
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.datasets.annotations import read_annotations
from pinet_training.datasets.pairing import (
    check_keys,
    load_training_scenes,
    pair,
    with_image_joints,
)
from pinet_training.datasets.scene_loading import load_scenes

FARTHER = np.array([0.0, 0.0, 20.0])  # millimetres
FIRST, SECOND, THIRD = "TS1_img_000000", "TS1_img_000001", "TS2_img_000000"


@pytest.fixture
def poses(made):
    """Poses (people,17,3) in millimetres of each image."""
    return {
        "TS1/img_000000.jpg": made.people_mm(0),
        "TS1/img_000001.jpg": made.people_mm(1),
        "TS2/img_000000.jpg": made.people_mm(2, count=1),
    }


@pytest.fixture
def annotations(made, poses, tmp_path):
    """Of `poses`; change the content first if wanted."""

    def read(change=lambda content: None, joint_poses=poses):
        content = made.coco(joint_poses)
        change(content)
        return read_annotations(made.write_json(tmp_path / "Set-3D.json", content))

    return read


def predicted(poses, made, with_pixels=True):
    """People near poses (N,17,3) in millimetres, a little farther away."""
    poses = poses + FARTHER
    pixels = made.project(poses) if with_pixels else None
    return People.from_joints(MUPOTS_17, poses / 1000, joints_image=pixels)


def own_scenes(annotations, made, names):
    """Scenes of images with two people each, whose initial poses are the true ones."""

    def add_initial(content):
        for person in content["annotations"]:
            person["keypoints_cam_posenet"] = person["keypoints_cam"]

    return pair(annotations(add_initial, {name: made.people_mm(0) for name in names}))


@pytest.fixture
def predictions(poses, made):
    first, second, third = poses.values()
    images = {
        FIRST: predicted(first[::-1], made),  # found in reverse order
        SECOND: predicted(second[:1], made),
        THIRD: predicted(third, made),
    }
    return Predictions(None, images)


def test_matches_predictions_by_the_image(annotations, predictions, poses):
    scenes = pair(annotations(), predictions, split="test")

    first, second, third = poses.values()
    for scene, truth in zip(scenes, (first, second[:1], third), strict=True):
        np.testing.assert_allclose(scene.truth, truth / 1000, rtol=1e-6)
        np.testing.assert_allclose(scene.estimates, (truth + FARTHER) / 1000, rtol=1e-6)
    np.testing.assert_array_equal(next(iter(scenes)).boxes, predictions.images[FIRST].boxes[::-1])
    assert [scene.bodies.tolist() for scene in scenes] == [[0, 0], [1], [2]]
    assert {(scene.cameras, scene.split) for scene in scenes} == {("Set-3D", "test")}
    assert [scene.sequence for scene in scenes] == ["TS1", "TS1", "TS2"]
    assert scenes.units.tolist() == [0, 0, 1]


def test_predictions_without_pixels_are_projected(annotations, poses, made):
    images = {
        FIRST: predicted(poses["TS1/img_000000.jpg"][::-1], made, with_pixels=False),
        THIRD: predicted(poses["TS2/img_000000.jpg"], made, with_pixels=False),
    }
    first, _ = pair(annotations(), Predictions(None, images))

    np.testing.assert_allclose(first.truth, poses["TS1/img_000000.jpg"] / 1000, rtol=1e-6)
    np.testing.assert_allclose(first.estimates[:, :, 2] - first.truth[:, :, 2], 0.02, atol=1e-5)
    pixels = made.project(poses["TS1/img_000000.jpg"] + FARTHER)
    np.testing.assert_allclose(first.boxes[:, :2], pixels.min(axis=1), rtol=1e-5)


def test_pixels_that_are_known_are_kept(annotations, predictions):
    image = annotations().images[0]
    people = predictions.images[FIRST]

    assert with_image_joints(people, image) is people


def test_neither_pixels_nor_a_camera_is_an_error(annotations, poses, made):
    image = annotations(lambda content: content["images"][0].pop("intrinsic")).images[0]
    people = predicted(poses["TS1/img_000000.jpg"], made, with_pixels=False)

    with pytest.raises(DatasetError, match=rf"image '{FIRST}': .*no joints_image, and its camera"):
        with_image_joints(people, image)


@pytest.mark.parametrize(("fraction", "count"), [(0, 0), (0.04, 1), (0.25, 2), (0.5, 4)])
def test_validation_has_whole_sequences(fraction, count, annotations, made):
    names = [f"TS{sequence}/{frame}.jpg" for sequence in range(8) for frame in range(3)]
    scenes = own_scenes(annotations, made, names)

    kept, held_out = scenes.hold_out(fraction, np.random.default_rng(0))

    assert len(kept) + len(held_out) == 24
    assert len(held_out.sequences) == count
    assert len(held_out) == 3 * count
    assert not set(kept.sequences) & set(held_out.sequences)


def test_of_a_single_sequence_nothing_is_held_out(annotations, made):
    for names in (["TS1/1.jpg", "TS1/2.jpg"], ["1.jpg", "2.jpg"]):
        scenes = own_scenes(annotations, made, names)
        kept, held_out = scenes.hold_out(0.5, np.random.default_rng(0))
        assert (len(kept), len(held_out)) == (2, 0)


def test_leaves_out_who_is_not_valid_or_not_known(annotations, predictions):
    def change(content):
        content["annotations"][0]["is_valid"] = 0
        content["annotations"][2]["keypoints_cam"][3] = [None] * 3

    predictions.images[THIRD].joints[0, 5] = np.nan

    (scene,) = pair(annotations(change), predictions)

    assert scene.bodies.tolist() == [0]
    np.testing.assert_array_equal(scene.estimates, predictions.images[FIRST].joints[:1])


def test_who_is_not_found_is_missed(annotations, predictions, poses):
    (_, second, _) = pair(annotations(), predictions)

    np.testing.assert_allclose(second.missed, poses["TS1/img_000001.jpg"][1:] / 1000, rtol=1e-6)


def test_a_pose_that_cannot_be_refined_does_not_find_anybody(annotations, predictions, poses):
    predictions.images[FIRST].joints[0, 5] = np.nan  # of the second person

    first, *_ = pair(annotations(), predictions)

    truth = poses["TS1/img_000000.jpg"] / 1000
    np.testing.assert_allclose(first.truth, truth[:1], rtol=1e-6)
    np.testing.assert_allclose(first.missed, truth[1:], rtol=1e-6)


def test_who_is_not_valid_or_not_known_is_not_missed(annotations, predictions, made, poses):
    def change(content):
        content["annotations"][1]["is_valid"] = 0
        content["annotations"][3]["keypoints_cam"][3] = [None] * 3

    predictions.images[FIRST] = predicted(poses["TS1/img_000000.jpg"][:1], made)

    scenes = pair(annotations(change), predictions)

    assert [len(scene) for scene in scenes] == [1, 1, 1]
    assert [len(scene.missed) for scene in scenes] == [0, 0, 0]


def test_scores_are_those_of_the_predictions(annotations, predictions):
    people = predictions.images[FIRST]
    predictions.images[FIRST] = replace(people, scores=np.array([0.25, 0.75]))

    first, second, _ = pair(annotations(), predictions)

    assert first.scores.tolist() == [0.75, 0.25]
    assert np.isnan(second.scores).all()


def test_what_predictions_know_of_themselves_is_kept(annotations, predictions):
    first = predictions.images[FIRST]
    up = np.float32([0.6, -0.8, 0])
    predictions.images[FIRST] = replace(
        first,
        deviations=np.float32([[0.1], [0.2]]) + np.zeros((2, 17), np.float32),
        distance_deviations=np.float32([0.1, 0.3]),
        root_deviations=np.float32([0.01, 0.03]),
        up=up,
    )

    scene = pair(annotations(), predictions).scenes[0]

    np.testing.assert_array_equal(scene.up, up)
    np.testing.assert_allclose(scene.deviations[:, 3], [0.2, 0.1])  # found in reverse order
    np.testing.assert_allclose(scene.deviations[:, 14], [0.03, 0.01])
    np.testing.assert_allclose(scene.deviations[:, 17], [0.3, 0.1])


def test_own_initial_poses_are_taken_row_by_row(annotations, made):
    images = {
        "1.jpg": made.people_mm(0, count=3, joints=21),
        "2.jpg": made.people_mm(1, joints=21),
    }
    initial = made.people_mm(5, count=1)[0]

    def change(content):
        content["annotations"][1]["keypoints_cam_posenet"] = initial.tolist()
        content["annotations"][2]["is_valid"] = 0

    (scene,) = pair(annotations(change, images))

    np.testing.assert_allclose(scene.estimates, initial[None] / 1000, rtol=1e-6)
    np.testing.assert_allclose(scene.truth, images["1.jpg"][1:2, :17] / 1000, rtol=1e-6)
    np.testing.assert_allclose(scene.missed, images["1.jpg"][:1, :17] / 1000, rtol=1e-6)
    assert scene.split == "train"


def test_no_initial_poses_are_an_error(annotations):
    with pytest.raises(DatasetError, match=r"Set-3D.json has no initial poses .*predictions"):
        pair(annotations())


def test_a_prediction_for_an_image_that_is_not_there_is_an_error(annotations, predictions):
    predictions.images["TS3_img_000009"] = People.empty(MUPOTS_17)

    with pytest.raises(
        DatasetError, match=r"image 'TS3_img_000009', which .*Set-3D.json does not"
    ):
        pair(annotations(), predictions)


def test_a_sequence_without_predictions_is_an_error(annotations, predictions):
    del predictions.images[THIRD]

    with pytest.raises(DatasetError, match=r"no predictions for the sequence 'TS2' of"):
        check_keys(annotations(), predictions)


def test_images_without_people_are_no_missing_predictions(annotations, predictions):
    predictions.images[THIRD] = People.empty(MUPOTS_17)
    del predictions.images[SECOND]

    check_keys(annotations(), predictions)
    assert len(pair(annotations(), predictions)) == 1


def test_loads_scenes_from_any_data_set(annotations, predictions, excerpt_path, tmp_path):
    path = annotations().source
    write_predictions(tmp_path / "found.npz", predictions)

    paired = load_training_scenes(path, tmp_path / "found.npz")

    expected = pair(annotations(), predictions)
    for scene, other in zip(paired, expected, strict=True):
        np.testing.assert_array_equal(scene.estimates, other.estimates)
    assert len(load_training_scenes(excerpt_path)) == len(load_scenes(excerpt_path))
    with pytest.raises(DatasetError, match=r"is a file of scenes, which holds its initial poses"):
        load_training_scenes(excerpt_path, tmp_path / "found.npz")
