"""The data sets that PoseNet and RootNet are trained on."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from made_up_poses import write_detections

from pinet_ros.errors import DatasetError
from pinet_ros.geometry.camera import Camera
from pinet_ros.lifting.mppe.boxes import distance_measure, to_squares
from pinet_ros.skeleton import COCO_17, MUCO_21, MUPOTS_17
from pinet_training.lifter.sources import read_people
from pinet_training.rendering.shards import RenderedScenes

SIZE = (160, 120)
CAMERA = Camera.from_intrinsics(*SIZE, 150, 155, 80, 60)


def shaded(shade):
    return np.full((*SIZE[::-1], 3), shade, np.uint8)


def rendered_truth(boxes, visible, splits):
    """Truth of scenes with one person each."""
    count = len(boxes)
    joints = np.random.default_rng(0).normal([0, 0, 4], 0.2, (count, 17, 3))
    return {
        "scene_split": np.array(splits),
        "scene_cameras": np.full(count, "level"),
        "scene_intrinsics": np.tile([150.0, 155.0, 80.0, 60.0], (count, 1)),
        "scene_distortion": np.zeros((count, 8)),
        "scene_camera_height": np.ones(count),
        "scene_camera_pitch": np.zeros(count),
        "scene_camera_roll": np.zeros(count),
        "scene_camera_position": np.tile([0.0, 0.0, 1.0], (count, 1)),
        "scene_camera_rotation": np.tile(np.eye(3), (count, 1, 1)),
        "scene_sequence": np.arange(count),
        "scene_frame": np.zeros(count),
        "scene_time": np.zeros(count),
        "person_id": np.zeros(count),
        "person_scene": np.arange(count),
        "person_joints": joints,
        "person_joints_image": CAMERA.project(joints),
        "person_in_image": np.ones((count, 17), bool),
        "person_visible": np.arange(17) < np.array(visible)[:, None],
        "person_hidden_by": np.zeros((count, 17)),
        "person_box": np.array(boxes, float),
        "person_body": np.zeros(count),
        "person_motion": np.full(count, "walk"),
        "person_stance": np.full(count, "captured"),
        "person_stature": np.full(count, 1.7),
        "person_clothes": np.full(count, ""),
        "person_order": np.tile([0, *[-1] * 7], (count, 1)),
    }


def test_of_rendered_scenes_are_those_whom_a_detector_would_find(tmp_path):
    settings = {"seed": 1, "size": list(SIZE), "scenes_per_shard": 5}
    rendered = RenderedScenes.begin(tmp_path, settings)
    tall, low, none = [10, 20, 50, 90], [10, 20, 50, 50], [np.nan] * 4
    truth = rendered_truth(
        [tall, low, none, tall, tall], [17, 17, 17, 3, 17], ["train"] * 4 + ["test"]
    )
    rendered.write(0, [(shaded(20 * n), 95) for n in range(5)], truth)

    found = [12, 18, 52, 92]  # only the first
    write_detections(tmp_path, np.array([found], float), np.array([0]))

    people, held_out = (read_people(tmp_path, split=split) for split in ("train", "test"))

    assert (len(people), len(held_out)) == (1, 1)
    assert people.joint_set == MUPOTS_17
    middles, sides = to_squares(np.array([found]), *SIZE)
    np.testing.assert_allclose(people.squares, np.column_stack([middles, sides]))
    np.testing.assert_allclose(people.measures, distance_measure(sides, CAMERA))
    expected = truth["person_joints"]
    np.testing.assert_allclose(people.depths, expected[:1, :, 2], rtol=1e-6)
    true = np.column_stack(to_squares(np.array([tall]), *SIZE))
    np.testing.assert_allclose(held_out.squares, true)
    np.testing.assert_allclose(held_out.places, CAMERA.project(expected[4:]), rtol=1e-5)
    assert people.read(people.pictures[0]).mean() == pytest.approx(0, abs=2)
    assert held_out.read(held_out.pictures[0]).mean() == pytest.approx(80, abs=2)


@pytest.fixture
def pictures(tmp_path):
    for name, shade in (("a.png", 50), ("b.png", 100)):
        cv2.imwrite(str(tmp_path / name), shaded(shade))
    return tmp_path


def written(folder, annotations, **camera):
    images = [
        {"id": n, "file_name": name, "width": SIZE[0], "height": SIZE[1], **camera}
        for n, name in ((7, "a.png"), (3, "b.png"))
    ]
    path = folder / "annotations.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations}))
    return path


def annotation(joints, box, **fields):
    return {
        "id": 1,
        "image_id": 3,
        "bbox": box,
        "keypoints_img": CAMERA.project(joints).tolist(),
        "keypoints_cam": (joints * 1000).tolist(),
        **fields,
    }


def test_of_annotations_are_the_valid_people_in_the_picture(pictures):
    joints = np.random.default_rng(1).normal([0, 0, 5], 0.2, (21, 3))
    path = written(
        pictures,
        [
            annotation(joints, [20, 10, 60, 90]),
            annotation(joints, [20, 10, 60, 90], is_valid=0),
            annotation(joints, [300, 10, 60, 90]),  # outside
        ],
        f=[150, 155],
        c=[80, 60],
    )

    people = read_people(path, pictures)

    assert len(people) == 1
    assert people.joint_set == MUCO_21
    np.testing.assert_allclose(people.depths[0], joints[:, 2], rtol=1e-5)
    np.testing.assert_allclose(people.places[0], CAMERA.project(joints), rtol=1e-5)
    _, sides = to_squares(np.array([[20, 10, 80, 100]]), *SIZE)
    np.testing.assert_allclose(people.measures, distance_measure(sides, CAMERA))
    assert people.read(people.pictures[0]).mean() == 100


def test_without_intrinsics_the_distance_measure_is_unknown(pictures):
    joints = np.random.default_rng(1).normal([0, 0, 5], 0.2, (17, 3))

    people = read_people(written(pictures, [annotation(joints, [20, 10, 60, 90])]), pictures)

    assert np.isnan(people.measures).all()
    assert np.isfinite(people.depths).all()


def test_coco_gives_joints_in_the_image_and_no_depth(pictures):
    keypoints = np.random.default_rng(2).uniform(10, 90, (17, 3))
    keypoints[:, 2] = 2
    keypoints[COCO_17.index("left_knee"), 2] = 0
    keypoints[COCO_17.index("right_knee"), 2] = 1
    person = {"image_id": 3, "bbox": [20, 10, 60, 90], "keypoints": keypoints.ravel().tolist()}
    counted = person | {"num_keypoints": 16, "iscrowd": 0}
    path = written(pictures, [counted, counted | {"iscrowd": 1}, counted | {"num_keypoints": 0}])

    people = read_people(path, pictures)

    assert len(people) == 1
    places = dict(zip(MUPOTS_17.joints, people.places[0], strict=True))
    unknown = {joint for joint, place in places.items() if np.isnan(place).any()}
    assert unknown == {"head_top", "head", "spine", "left_knee"}
    for joint in ("left_wrist", "right_knee", "right_ankle"):
        np.testing.assert_allclose(places[joint], keypoints[COCO_17.index(joint), :2], rtol=1e-5)
    hips = keypoints[COCO_17.indices("left_hip", "right_hip"), :2]
    np.testing.assert_allclose(places["pelvis"], hips.mean(axis=0), rtol=1e-5)
    assert np.isnan(people.depths).all()
    assert np.isnan(people.measures).all()


def test_joints_of_another_set_are_taken_by_name(pictures):
    joints = np.random.default_rng(1).normal([0, 0, 5], 0.2, (17, 3))
    people = read_people(written(pictures, [annotation(joints, [20, 10, 60, 90])]), pictures)

    more = people.in_joints(MUCO_21)

    np.testing.assert_array_equal(more.depths[:, :17], people.depths)
    np.testing.assert_array_equal(more.places[:, :17], people.places)
    assert np.isnan(more.depths[:, 17:]).all()
    assert np.isnan(more.places[:, 17:]).all()
    assert more.sha256() != people.sha256()


def test_bad_sources_are_errors(pictures):
    path = written(pictures, [])
    with pytest.raises(DatasetError, match=r"annotations\.json does not say where its images"):
        read_people(path)
    with pytest.raises(DatasetError, match=r"there is no file .*nothing\.json"):
        read_people(pictures / "nothing.json", pictures)
    assert len(read_people(path, pictures)) == 0
    path = written(pictures, [annotation(np.full((17, 3), 5.0), [20, 10, 60, 90])])
    with pytest.raises(DatasetError, match=r"nowhere lacks 1 of 1 pictures, such as b\.png"):
        read_people(path, pictures / "nowhere")
