"""Files that a command cannot use: one line that is true and says what to give instead."""

from __future__ import annotations

import json

import numpy as np
import pytest
from command_line import fails

COCO = {
    "images": [{"id": 1, "file_name": "a.jpg", "width": 10, "height": 10}],
    "annotations": [
        {
            "id": 1,
            "image_id": 1,
            "bbox": [0, 0, 1, 1],
            "num_keypoints": 17,
            "keypoints": [1, 1, 2] * 17,
        }
    ],
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with files that are not what a command expects."""
    monkeypatch.chdir(tmp_path)
    joints = np.zeros((1, 17, 3))
    np.savez("found.npz", joints=joints, unit="m", frame=["a.jpg"], person=[0])
    predictions = {"joint_set": "mupots_17", "unit": "m", "images": {"a": []}}
    (tmp_path / "found.json").write_text(json.dumps(predictions))
    (tmp_path / "coco.json").write_text(json.dumps(COCO))
    (tmp_path / "notes.txt").write_text("nothing")
    (tmp_path / "rendered").mkdir()
    (tmp_path / "rendered" / "dataset.json").write_text("{}")
    return tmp_path


DATA_SETS = {
    "nothing": "there is no file or folder nothing; give the folder of MuPoTS-3D that holds",
    "nothing.json": "there is no file or folder nothing.json; give the folder",
    "found.json": "lacks the field 'annotations', so it is no file of annotations; predictions",
    "coco.json": "annotation 1: has COCO's keypoints and no keypoints_cam: only",
    ".": "has none of the folders TS1 to TS20 of MuPoTS-3D; give the folder that holds them",
    "rendered": "rendered holds rendered scenes, which `pinet scenes estimate` makes a file",
}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        *DATA_SETS.items(),
        ("nothing.npz", "there is no file nothing.npz"),
        ("found.npz", "is not a file of scenes as `pinet scenes estimate` writes it: it lacks"),
        ("notes.txt", "notes.txt is nothing to train or test on; give scenes (.npz)"),
    ],
)
def test_what_cannot_be_trained_on_is_named(data, message, folder):
    said = fails("train", data, "--output", "run")

    assert said.startswith("pinet: ")
    assert message in said
    assert "\n" not in said
    assert not (folder / "run").exists()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        *DATA_SETS.items(),
        ("notes.txt", "notes.txt is no data set: give the folder of MuPoTS-3D"),
    ],
)
def test_what_is_no_data_set_to_evaluate_on_is_named(data, message, folder):
    said = fails("evaluate", "mupots", "--annotations", data, "--predictions", "found.npz")

    assert message in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("nothing.npz", "there is no file nothing.npz"),
        ("found.npz", "is not a file of scenes as `pinet scenes estimate` writes it: it lacks"),
        ("found.json", "scenes are read from an .npz file, got found.json"),
        (".", "there is no file ."),
    ],
)
def test_what_is_no_file_of_scenes_is_named(data, message, folder):
    assert message in fails("evaluate", "scenes", data)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing",), "there is no file or folder nothing; check the path"),
        (("found.json",), "once for each data set that is a file, 1 times, got 0"),
        (("found.json", "--images", "."), "lacks the field 'annotations', so it is no file of"),
        ((".", "--images", "."), "once for each data set that is a file, 0 times, got 1"),
    ],
)
def test_what_cannot_train_a_lifter_is_named(arguments, message, folder):
    command = ("train-lifter", "--network", "posenet", *arguments, "--output", "run")

    assert message in fails(*command)


def test_a_folder_without_rendered_scenes_says_who_writes_them(folder):
    said = fails("scenes", "estimate", ".", "--output", "scenes.npz")

    assert (
        "so . holds no rendered scenes; give the folder that `pinet scenes render` wrote" in said
    )


def test_data_without_a_train_split_or_all_held_out_says_so(excerpt_path, folder):
    said = fails("train", excerpt_path, "--output", "run")
    assert "no scenes of the train split to train on" in said
    assert "of the test split; give other data" in said

    fields = dict(np.load(excerpt_path))
    fields["scene_split"] = np.full(len(fields["scene_split"]), "train")
    np.savez("train.npz", **fields)
    said = fails("train", "train.npz", "--output", "run", "--validation", 0.99)
    assert "are held out for validation, a fraction of 0.99; lower it (--validation)" in said
