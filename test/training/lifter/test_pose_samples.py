"""Reading boxes and people of rendered scenes."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from made_up_poses import CAMERA, box_around, write_scenes

from pinet_ros.errors import DatasetError
from pinet_training.lifter.blazepose_training import PoseData
from pinet_training.lifter.pose_samples import NOBODY, read_pose_samples
from pinet_training.rendering.scene_detections import SceneDetections, detect
from pinet_training.rendering.shards import RenderedScenes

PEOPLE = [2, 1, 3, 0, 1]
SPLITS = ["train", "test", "train", "train", "test"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("poses") / "scenes"
    write_scenes(folder, PEOPLE, SPLITS)
    return folder


def area_shared(first, second):
    low, high = np.maximum(first[:2], second[:2]), np.minimum(first[2:], second[2:])
    return np.prod((high - low).clip(0))


def area(box):
    return np.prod(box[2:] - box[:2])


@pytest.mark.parametrize("split", ["train", "test"])
def test_people_have_their_true_box_and_those_of_the_detector(folder, split):
    found = read_pose_samples(folder, split)
    scenes = [n for n, each in enumerate(SPLITS) if each == split]
    count = sum(PEOPLE[n] for n in scenes)
    assert len(found.pictures) == len(scenes)
    assert found.joints.shape == (count, 17, 3)
    boxes = found.boxes_of_people()
    assert len(boxes) == count
    truth = RenderedScenes(folder).read(0).truth
    of_scene = np.concatenate([np.full(n, i) for i, n in enumerate(PEOPLE)])
    rows = np.concatenate([np.flatnonzero(of_scene == n) for n in scenes])
    for person, own in enumerate(boxes):
        assert (found.person[own] == person).all()
        assert found.detected[own].tolist().count(False) == 1
        assert found.detected[own].any()
        assert scenes[found.picture[own[0]]] == of_scene[rows[person]]
        expected = box_around(found.joints[[person]])[0]
        (true,) = found.box[own][~found.detected[own]]
        np.testing.assert_allclose(true, expected, atol=0.01)
        np.testing.assert_allclose(found.joints[person], truth["person_joints"][rows[person]])
        for given in found.box[own][found.detected[own]]:
            shared = area_shared(given, true)
            assert shared / (area(given) + area(true) - shared) >= 0.5


def test_boxes_of_nobody_are_not_on_people(folder):
    """One of the detector's in each picture, and a few at random."""
    found = read_pose_samples(folder, "train")
    nobody = np.flatnonzero(found.person == NOBODY)
    assert found.detected[nobody].sum() == 3
    for row in nobody:
        for own in found.boxes_of_people():
            if found.picture[own[0]] == found.picture[row]:
                true = found.box[own[0]]
                assert area_shared(found.box[row], true) < 0.35 * area(found.box[row])


def test_pictures_and_cameras_are_those_of_the_scenes(folder):
    found = read_pose_samples(folder, "test")
    shard = RenderedScenes(folder).read(0)
    for number, scene in enumerate((1, 4)):
        np.testing.assert_array_equal(found.pictures.image(number), shard.image(scene))
        np.testing.assert_allclose(found.pictures.camera(number).matrix, CAMERA.matrix)


def test_the_digest_tells_other_boxes_and_people(folder, tmp_path):
    train, again = (read_pose_samples(folder, "train").sha256() for _ in range(2))
    assert train == again != read_pose_samples(folder, "test").sha256()
    shutil.copytree(folder, tmp_path / "scenes")
    path = next((tmp_path / "scenes" / "detections").glob("*/*.npz"))
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **arrays | {"boxes": arrays["boxes"] + 1})
    assert read_pose_samples(tmp_path / "scenes", "train").sha256() != train


def test_missing_and_damaged_detections_are_named(tmp_path):
    write_scenes(tmp_path / "scenes", [1, 1], ["train", "test"], detections=False)
    message = r"shard 0 of .*scenes has no detections; run `pinet scenes detect .*scenes` first"
    with pytest.raises(DatasetError, match=message):
        read_pose_samples(tmp_path / "scenes", "train")
    path = tmp_path / "scenes" / "detections" / "nanodet" / "00000.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"nothing")
    with pytest.raises(DatasetError, match=r"remove .*00000.npz to detect the people again"):
        read_pose_samples(tmp_path / "scenes", "train")


def test_a_split_without_scenes_or_people_is_named(tmp_path):
    write_scenes(tmp_path / "scenes", [1, 0], ["train", "test"])
    train, test = (read_pose_samples(tmp_path / "scenes", split) for split in ("train", "test"))
    with pytest.raises(DatasetError, match="the test split of the scenes has no people; render"):
        PoseData(train, test)
    write_scenes(tmp_path / "other", [1, 1], ["train", "train"])
    with pytest.raises(DatasetError, match="has no scenes of the test split; render more"):
        read_pose_samples(tmp_path / "other", "test")


@pytest.mark.slow
def test_people_are_detected_once_in_each_shard(tmp_path):
    scenes = write_scenes(tmp_path / "scenes", [1, 1], ["train", "test"], detections=False)
    assert detect(scenes.folder, device="cpu", workers=1) == 1
    found = SceneDetections.of(scenes, 0)
    assert len(found.boxes) == len(found.scores) == len(found.scene)
    (path,) = (scenes.folder / "detections" / "nanodet").glob("*.npz")
    written = path.stat().st_mtime_ns
    assert detect(scenes.folder, device="cpu", workers=1) == 1
    assert path.stat().st_mtime_ns == written
    settings = path.parent / "settings.json"
    settings.write_text(settings.read_text().replace("0.3", "0.2"))
    with pytest.raises(DatasetError, match=r"score_threshold is 0.2, expected 0.3"):
        detect(scenes.folder, device="cpu", workers=1)
