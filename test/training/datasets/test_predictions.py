from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from pinet_ros.cli.predictions.predictions import (
    Predictions,
    read_predictions,
    write_predictions,
)
from pinet_ros.errors import DatasetError
from pinet_ros.people import People
from pinet_ros.skeleton import BLAZEPOSE_33, COCO_17, MUCO_21, MUPOTS_17

DEVIATIONS = ("deviations", "distance_deviations", "root_deviations")
ARRAYS = ("joints", "joints_image", "confidence", "boxes", "scores", "up", *DEVIATIONS)


def people_of(joint_set, count, seed, track_ids=None):
    rng = np.random.default_rng(seed)
    joints = len(joint_set)
    return People(
        joint_set,
        joints=rng.normal(size=(count, joints, 3)),
        joints_image=rng.uniform(0, 2000, (count, joints, 2)),
        confidence=rng.uniform(size=(count, joints)),
        boxes=rng.uniform(0, 2000, (count, 4)),
        scores=rng.uniform(size=count),
        track_ids=track_ids,
        deviations=rng.uniform(size=(count, joints)),
        distance_deviations=rng.uniform(size=count),
        root_deviations=rng.uniform(size=count),
        up=np.array([0.6, -0.8, 0.0]) if seed else None,
    )


@pytest.fixture
def fields():
    """Three people of MuPoTS's joints in two images, in millimetres, only what is required."""
    rng = np.random.default_rng(0)
    return {
        "joints": rng.normal(scale=1000, size=(3, 17, 3)),
        "unit": "mm",
        "frame": np.array(["TS1/img_000004.jpg", "TS1_img_000001", "TS1/img_000004.jpg"]),
        "person": np.array([0, 0, 4]),
    }


@pytest.fixture
def read_npz(tmp_path):
    def read(fields):
        np.savez(tmp_path / "found.npz", **fields)
        return read_predictions(tmp_path / "found.npz")

    return read


@pytest.mark.parametrize("suffix", [".npz", ".json"])
@pytest.mark.parametrize("joint_set", [MUPOTS_17, MUCO_21, BLAZEPOSE_33, COCO_17])
def test_written_predictions_are_read_again(suffix, joint_set, tmp_path):
    nobody = People.empty(joint_set)
    images = {
        "b": people_of(joint_set, 2, 0, track_ids=[5, 3]),
        "TS1_img_000000": nobody,
        "a": people_of(joint_set, 1, 1),
    }
    images["b"].joints[0, 4] = np.nan
    images["b"].joints[1] = np.nan
    images["a"].scores[:] = np.nan
    images["b"].deviations[1] = np.nan
    images["b"].distance_deviations[0] = np.nan
    images["a"].root_deviations[:] = np.nan
    path = tmp_path / "new" / f"found{suffix}"

    write_predictions(path, Predictions(None, images))
    found = read_predictions(path)

    assert found.source == path
    assert {people.joint_set for people in found.images.values()} == {joint_set}
    assert found.images.keys() == images.keys()
    for key, people in images.items():
        for name in ARRAYS:
            np.testing.assert_allclose(
                getattr(found.images[key], name), getattr(people, name), atol=1e-6, rtol=1e-6
            )
    assert found.images["b"].track_ids.tolist() == [5, 3]
    assert found.images["a"].track_ids.tolist() == [0]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_written_json_is_strict(tmp_path):
    images = {"a": people_of(MUPOTS_17, 1, 0).with_joints(np.full((1, 17, 3), np.nan))}
    write_predictions(tmp_path / "a.json", Predictions(None, images))

    def refuse(constant):
        raise AssertionError(constant)

    content = json.loads((tmp_path / "a.json").read_text(), parse_constant=refuse)
    assert content["images"]["a"][0]["joints"] == [[None] * 3] * 17


def test_npz_in_millimetres_by_file_names_or_keys(fields, read_npz):
    found = read_npz(fields)

    assert list(found.images) == ["TS1_img_000004", "TS1_img_000001"]
    people = found.images["TS1_img_000004"]
    np.testing.assert_allclose(people.joints, fields["joints"][[0, 2]] / 1000, rtol=1e-6)
    assert people.track_ids.tolist() == [0, 4]
    for name in ("joints_image", "boxes", "scores", "confidence", "up", *DEVIATIONS):
        assert np.isnan(getattr(people, name)).all()


def test_deviations_have_the_unit_of_the_file(fields, content, read_npz, made, tmp_path):
    deviations = {"deviation": [40.0] * 17, "distance_deviation": 0.25, "root_deviation": 12.0}
    fields |= {name: np.array([value] * 3) for name, value in deviations.items()}
    for persons in content["images"].values():
        for person in persons:
            person.update(deviations)

    json_file = made.write_json(tmp_path / "found.json", content)
    for found in (read_npz(fields), read_predictions(json_file)):
        people = found.images["TS1_img_000004"]
        np.testing.assert_allclose(people.deviations, np.full((2, 17), 0.04), rtol=1e-6)
        np.testing.assert_allclose(people.distance_deviations, [0.25, 0.25])
        np.testing.assert_allclose(people.root_deviations, [0.012, 0.012], rtol=1e-6)


def test_a_box_is_about_the_joints_by_default(fields, read_npz):
    joints_image = np.random.default_rng(1).uniform(0, 900, (3, 17, 2))
    joints_image[1, 2] = np.nan
    found = read_npz({**fields, "joints_image": joints_image})

    low, high = np.nanmin(joints_image[1], axis=0), np.nanmax(joints_image[1], axis=0)
    boxes = found.images["TS1_img_000001"].boxes
    np.testing.assert_allclose(boxes, [[*low, *high]], rtol=1e-6)


@pytest.mark.parametrize("joint_set", [MUPOTS_17, MUCO_21, BLAZEPOSE_33])
def test_the_number_of_joints_tells_the_joint_set(joint_set, fields, read_npz):
    fields["joints"] = np.zeros((3, len(joint_set), 3))

    found = read_npz(fields).images
    assert {people.joint_set for people in found.values()} == {joint_set}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"joints": None}, "found.npz: lacks the field 'joints'"),
        ({"unit": None}, "found.npz: lacks the field 'unit'"),
        ({"frame": None}, "found.npz: lacks the field 'frame'"),
        ({"person": None}, "found.npz: lacks the field 'person'"),
        ({"unit": "cm"}, "found.npz: unit must be 'm' or 'mm', got 'cm'"),
        ({"joints": np.zeros((3, 51))}, r"joints must have shape \(any,any,3\), got \(3, 51\)"),
        (
            {"joints": np.zeros((3, 18, 3))},
            "the joint set cannot be inferred from 18 joints, only from 17",
        ),
        ({"joint_set": "smpl_24"}, "found.npz: joint set 'smpl_24' is not known"),
        ({"joint_set": "muco_21"}, "joints must be the 21 of muco_21, got 17"),
        ({"joints_image": np.zeros((2, 17, 2))}, r"joints_image must have shape \(3,17,2\), got"),
        ({"deviation": np.zeros(3)}, r"deviation must have shape \(3,17\), got \(3,\)"),
        ({"box": np.zeros((3, 2))}, r"box must have shape \(3,4\), got \(3, 2\)"),
        ({"person": np.zeros(2)}, r"person must have shape \(3\), got \(2,\)"),
        ({"frame": np.array(["a", "b"])}, "frame must have one name for each of 3 people, got 2"),
        ({"frame": np.arange(3)}, "frame must hold the keys or file names"),
        ({"person": [0, 0, 1.5]}, r"found.npz: person must hold integers .*, got 1.5"),
        ({"person": [0, np.nan, 1]}, r"found.npz: person must hold integers .*, got nan"),
        (
            {"person": [2**31, 0, 2**31]},
            r"person must hold integers from -2147483648 to 2147483647, got 2147483648",
        ),
        ({"person": [1, 0, 1]}, "image 'TS1_img_000004' has 2 predictions of person 1"),
    ],
)
def test_an_error_of_an_npz_names_the_field_or_the_image(change, message, fields, read_npz):
    fields = {name: value for name, value in {**fields, **change}.items() if value is not None}

    with pytest.raises(DatasetError, match=message):
        read_npz(fields)


@pytest.fixture
def content(fields):
    """The people of `fields`, as JSON has them."""
    first, second, third = fields["joints"].tolist()
    return {
        "unit": "mm",
        "images": {
            "TS1/img_000004.jpg": [
                {"person": 0, "joints": first},
                {"person": 4, "joints": third, "score": 0.5},
            ],
            "TS1_img_000001": [{"person": 0, "joints": second}],
            "TS1_img_000002": [],
        },
    }


def test_json_in_millimetres(content, fields, made, tmp_path):
    found = read_predictions(made.write_json(tmp_path / "found.json", content))

    assert list(found.images) == ["TS1_img_000004", "TS1_img_000001", "TS1_img_000002"]
    people = found.images["TS1_img_000004"]
    np.testing.assert_allclose(people.joints, fields["joints"][[0, 2]] / 1000, rtol=1e-6)
    np.testing.assert_array_equal(people.scores, [np.nan, 0.5])
    for name in DEVIATIONS:
        assert np.isnan(getattr(people, name)).all()
    assert len(found.images["TS1_img_000002"]) == 0


def _second_person(**changes):
    def change(content):
        content["images"]["TS1/img_000004.jpg"][1] |= changes

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("unit"), "found.json: lacks the field 'unit'"),
        (lambda c: c.pop("images"), "found.json: lacks the field 'images'"),
        (lambda c: c.update(images=[]), "found.json: images must be an object"),
        (lambda c: c.update(images={}), "found.json: lacks the field 'joint_set'"),
        (
            lambda c: c.update(images={}, joint_set="mupots_17"),
            "found.json: predictions must have at least one image",
        ),
        (
            lambda c: c["images"].update({"TS1/img_000001.png": []}),
            "images has 'TS1_img_000001' tw",
        ),
        (
            _second_person(joints=None),
            "img_000004.jpg', person number 1: lacks the field 'joints'",
        ),
        (_second_person(joints=[[0, 0, 0]]), r"number 1: joints must have shape \(17,3\), got"),
        (_second_person(person=None), "person number 1: lacks the field 'person'"),
        (_second_person(person=0.5), "json: .* number 1: person must hold integers .*, got 0.5"),
        (_second_person(person=2**31), "person must hold integers .* 2147483647, got 2147483648"),
        (_second_person(person=0), "image 'TS1_img_000004' has 2 predictions of person 0"),
        (_second_person(joints_image=[[0, 0]]), r"joints_image must have shape \(17,2\), got"),
    ],
)
def test_an_error_of_a_json_names_the_person_and_the_field(
    change, message, content, made, tmp_path
):
    change(content)

    with pytest.raises(DatasetError, match=message):
        read_predictions(made.write_json(tmp_path / "found.json", content))


@pytest.mark.parametrize("suffix", [".npz", ".json"])
@pytest.mark.parametrize(
    ("names", "expected"),
    [(("mppe/0a0a0a0a",) * 2, "mppe/0a0a0a0a"), (("a", "b"), ""), (("", ""), "")],
)
def test_a_file_names_the_estimator_if_it_is_one(suffix, names, expected, tmp_path):
    people = People.from_joints(MUPOTS_17, np.ones((1, 17, 3)))
    images = {f"image_{n}": replace(people, estimator=name) for n, name in enumerate(names)}
    images["nobody"] = People.empty(MUPOTS_17, estimator=names[0])
    write_predictions(tmp_path / f"found{suffix}", Predictions(None, images))
    read = read_predictions(tmp_path / f"found{suffix}").images
    assert {each.estimator for each in read.values()} == {expected}


def test_predictions_have_one_joint_set():
    with pytest.raises(DatasetError, match="got 2 images in coco_17, mupots_17"):
        Predictions(None, {"a": People.empty(COCO_17), "b": People.empty(MUPOTS_17)})


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_one_track_id_twice_in_an_image_is_not_written(suffix, tmp_path):
    people = people_of(MUPOTS_17, 2, 0, track_ids=[6, 6])

    with pytest.raises(DatasetError, match=r"found.*: image 'a' has 2 predictions of person 6"):
        write_predictions(tmp_path / f"found{suffix}", Predictions(None, {"a": people}))
    assert not list(tmp_path.iterdir())


def test_files_of_other_kinds_are_refused(tmp_path):
    predictions = Predictions(None, {"a": People.empty(MUPOTS_17)})

    with pytest.raises(DatasetError, match=r"there is no file .*missing.npz"):
        read_predictions(tmp_path / "missing.npz")
    with pytest.raises(DatasetError, match=r"must be a .npz, .json or .mat file, got .*a.pkl"):
        read_predictions(tmp_path / "a.pkl")
    with pytest.raises(DatasetError, match=r"written to a .npz or .json file, got .*a.mat"):
        write_predictions(tmp_path / "a.mat", predictions)


@pytest.mark.parametrize(
    ("ups", "message"),
    [
        ([[0, -1, 0], [0, 0, -1], [1, 0, 0]], "the people of image .* must have the same up"),
        ([[0, -9.81, 0]] * 3, "up must be a unit vector.*a length of 9.81"),
    ],
)
def test_people_of_an_image_agree_on_what_is_up(
    ups, message, fields, content, read_npz, made, tmp_path
):
    for persons in content["images"].values():
        for person, up in zip(persons, ups, strict=False):
            person["up"] = up
    json_file = made.write_json(tmp_path / "found.json", content)

    with pytest.raises(DatasetError, match=message):
        read_npz({**fields, "up": np.array(ups)})
    with pytest.raises(DatasetError, match=message):
        read_predictions(json_file)


def test_an_up_of_no_length_is_unknown(fields, read_npz):
    found = read_npz({**fields, "up": np.zeros((3, 3))})

    assert all(np.isnan(people.up).all() for people in found.images.values())
