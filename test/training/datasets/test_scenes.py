from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pinet_training.datasets.scene_loading import load_scenes
from pinet_training.datasets.scenes import Scene, ScenesError, people_of


@pytest.fixture
def fields():
    """Two scenes; the first has two people who were found in reverse order."""
    rng = np.random.default_rng(0)
    return {
        "scene_split": np.array(["train", "test"]),
        "scene_cameras": np.array(["level", "steep"]),
        "person_scene": np.array([0, 0, 1, 1]),
        "person_joints": rng.normal(size=(4, 17, 3)).astype(np.float32),
        "person_body": np.array([7, 8, 9, 7]),
        "estimate_scene": np.array([0, 1, 0]),
        "estimate_person": np.array([1, 3, 0]),
        "estimate_box": rng.uniform(0, 640, size=(3, 4)).astype(np.float32),
        "estimate_initial_joints": rng.uniform(2, 4, size=(3, 17, 3)).astype(np.float32),
    }


@pytest.fixture
def load(tmp_path):
    def load(fields):
        np.savez(tmp_path / "scenes.npz", **fields)
        return load_scenes(tmp_path / "scenes.npz")

    return load


def test_matches_estimates_with_people(fields, load):
    first, second = load(fields)

    np.testing.assert_array_equal(first.estimates, fields["estimate_initial_joints"][[0, 2]])
    np.testing.assert_array_equal(first.truth, fields["person_joints"][[1, 0]])
    np.testing.assert_array_equal(first.boxes, fields["estimate_box"][[0, 2]])
    assert first.bodies.tolist() == [8, 7]
    assert (first.split, first.cameras) == ("train", "level")
    np.testing.assert_array_equal(second.truth, fields["person_joints"][[3]])
    assert (second.split, second.cameras) == ("test", "steep")


def _three_in_the_first_scene(fields):
    """Row 4 of the people is of the first scene too, and has no estimate."""
    fields["person_scene"] = np.array([0, 0, 1, 1, 0])
    fields["person_body"] = np.arange(5)
    fields["person_joints"] = np.random.default_rng(1).normal(size=(5, 17, 3)).astype(np.float32)


def test_who_has_no_estimate_is_missed(fields, load):
    _three_in_the_first_scene(fields)

    first, second = load(fields)

    np.testing.assert_array_equal(first.missed, fields["person_joints"][[4]])
    np.testing.assert_array_equal(second.missed, fields["person_joints"][[2]])
    assert first.missed.dtype == np.float32


@pytest.mark.parametrize(("joints_in_image", "missed"), [(8, 0), (9, 1), (17, 1)])
def test_who_has_less_than_half_of_the_joints_in_the_image_is_not_missed(
    joints_in_image, missed, fields, load
):
    _three_in_the_first_scene(fields)
    fields["person_in_image"] = np.zeros((5, 17), bool)  # those found are kept all the same
    fields["person_in_image"][4, :joints_in_image] = True

    first, second = load(fields)

    assert (len(first), len(first.missed)) == (2, missed)
    assert (len(second), len(second.missed)) == (1, 0)


def test_who_is_not_known_is_not_missed(fields, load):
    _three_in_the_first_scene(fields)
    fields["person_joints"][4, 3, 1] = np.nan

    first, _ = load(fields)

    assert len(first.missed) == 0


def test_who_has_an_estimate_that_is_left_out_is_missed(fields, load):
    fields["estimate_initial_joints"][0, 14, 2] = 99  # of row 1 of the people

    first, _ = load(fields)

    np.testing.assert_array_equal(first.truth, fields["person_joints"][[0]])
    np.testing.assert_array_equal(first.missed, fields["person_joints"][[1]])


def test_scores_are_those_of_the_estimates(fields, load):
    assert np.isnan([score for scene in load(fields) for score in scene.scores]).all()
    fields["estimate_score"] = np.array([0.25, 0.5, 0.75])

    first, second = load(fields)

    assert (first.scores.tolist(), second.scores.tolist()) == ([0.25, 0.75], [0.5])


def _with_extra_estimates(fields):
    """Rows 3 to 6 of the estimates: a duplicate of person 0, two of nobody, a duplicate of 3."""
    rng = np.random.default_rng(2)
    fields["estimate_scene"] = np.array([0, 1, 0, 0, 0, 1, 1])
    fields["estimate_person"] = np.array([1, 3, 0, 0, -1, -1, 3])
    fields["estimate_duplicate"] = np.array([0, 0, 0, 1, 0, 0, 1], bool)
    fields["estimate_box"] = rng.uniform(0, 640, (7, 4)).astype(np.float32)
    fields["estimate_initial_joints"] = rng.uniform(2, 4, (7, 17, 3)).astype(np.float32)


def test_duplicates_and_wrong_detections_are_extra(fields, load):
    _with_extra_estimates(fields)

    first, second = load(fields)

    joints, boxes = fields["estimate_initial_joints"], fields["estimate_box"]
    np.testing.assert_array_equal(first.estimates, joints[[0, 2]])
    np.testing.assert_array_equal(first.extra, joints[[3, 4]])
    np.testing.assert_array_equal(first.extra_boxes, boxes[[3, 4]])
    assert first.extra_persons.tolist() == [1, -1]  # person 0 is the second of those found
    np.testing.assert_array_equal(second.estimates, joints[[1]])
    np.testing.assert_array_equal(second.extra, joints[[5, 6]])
    assert second.extra_persons.tolist() == [-1, 0]


def test_extra_estimates_that_are_impossible_are_left_out(fields, load):
    _with_extra_estimates(fields)
    fields["estimate_initial_joints"][4] = np.nan  # of nobody
    fields["estimate_initial_joints"][1, 14, 2] = 99  # of person 3, who has a duplicate

    (scene,) = load(fields)

    assert scene.extra_persons.tolist() == [1]


def test_a_duplicate_does_not_stand_for_a_person_without_an_estimate(fields, load):
    _with_extra_estimates(fields)
    fields["estimate_initial_joints"][2, 14, 2] = 99  # of person 0

    first, _ = load(fields)

    assert first.extra_persons.tolist() == [-1, -1]
    np.testing.assert_array_equal(first.missed, fields["person_joints"][[0]])


def test_extra_estimates_tell_data_apart(fields, load):
    before = load(fields).sha256()
    _with_extra_estimates(fields)
    with_extra = load(fields).sha256()
    fields["estimate_initial_joints"][4] += 0.1

    assert len({before, with_extra, load(fields).sha256()}) == 3


def test_boxes_tell_data_apart(fields, load):
    _with_extra_estimates(fields)
    digests = {load(fields).sha256()}
    for row in (0, 4):  # of a person, and of an extra estimate
        fields["estimate_box"][row, 2] += 1
        digests.add(load(fields).sha256())

    assert len(digests) == 3
    assert load(fields).sha256() in digests


def test_what_else_is_known_of_people_and_cameras_is_read(fields, load):
    rng = np.random.default_rng(3)
    visible = rng.random((4, 17)) < 0.5
    more = {
        "person_visible": visible,
        "scene_camera_pitch": np.array([0.5, -0.25]),
        "scene_image": np.array(["00000/000.jpg", "00003/012.jpg"]),
    }

    first, second = load(fields | more)

    np.testing.assert_allclose(first.visible, visible[[1, 0]].mean(axis=1), rtol=1e-6)
    assert (first.camera_pitch, second.camera_pitch) == (0.5, -0.25)
    assert (first.image, second.image) == ("00000/000.jpg", "00003/012.jpg")


@pytest.mark.parametrize("made", ["by a file without them", "without them"])
def test_what_is_optional_is_unknown_by_default(made, fields, load):
    scene = load(fields).scenes[0]
    if made == "without them":
        scene = Scene(scene.estimates, scene.truth, scene.boxes, scene.bodies, "level", "test")

    shapes = {
        "scores": (2,),
        "visible": (2,),
        "camera_pitch": (),
    }
    for name, shape in shapes.items():
        assert np.shape(getattr(scene, name)) == shape
        assert np.isnan(getattr(scene, name)).all()
    for name, shape in {
        "missed": (0, 17, 3),
        "extra": (0, 17, 3),
        "extra_boxes": (0, 4),
        "extra_persons": (0,),
    }.items():
        assert getattr(scene, name).shape == shape
    assert scene.image == ""


def test_a_file_of_wrong_detections_alone_has_no_scenes(fields, load):
    fields["estimate_person"] = np.full(3, -1)

    assert len(load(fields)) == 0


def test_selects_by_split_cameras_and_people(fields, load):
    scenes = load(fields)

    assert [len(s) for s in scenes.select(split="train")] == [2]
    assert [len(s) for s in scenes.select(cameras="steep")] == [1]
    assert [len(s) for s in scenes.select(minimum_people=2)] == [2]
    assert len(scenes.select(split="train", cameras="steep")) == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_leaves_out_estimates_that_are_not_finite(bad, fields, load):
    fields["estimate_initial_joints"][0, 3, 1] = bad

    assert [len(s) for s in load(fields)] == [1, 1]


@pytest.mark.parametrize("depth", [0.2, 16])
def test_leaves_out_estimates_at_impossible_depths(depth, fields, load):
    fields["estimate_initial_joints"][1, 14, 2] = depth

    assert [scene.split for scene in load(fields)] == ["train"]


def test_holds_out_bodies(fields, load):
    scenes = load(fields)

    kept, held_out = scenes.hold_out(0.5, np.random.default_rng(0))

    assert len(kept) + len(held_out) == 2
    bodies = {int(body) for scene in kept for body in scene.bodies}
    for scene in held_out:
        assert set(scene.bodies.tolist()) - bodies
    everything, nothing = scenes.hold_out(0, np.random.default_rng(0))
    assert (len(everything), len(nothing)) == (2, 0)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ScenesError, match=r"there is no file .*nothing.npz"):
        load_scenes(tmp_path / "nothing.npz")


def test_missing_fields_are_named(fields, load):
    del fields["person_joints"], fields["scene_split"]

    with pytest.raises(ScenesError, match=r"lacks scene_split, person_joints"):
        load(fields)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"person_joints": np.zeros((4, 16, 3))},
            r"person_joints must have shape \(4,17,3\), got \(4, 16",
        ),
        ({"person_joints": np.full((4, 17, 3), "a")}, "person_joints must hold numbers"),
        ({"scene_split": np.array("test")}, r"scene_split must have shape \(1\), got \(\)"),
        ({"scene_cameras": ["steep"]}, r"scene_cameras must have shape \(2\), got \(1,\)"),
        ({"person_body": [7, 8, 9]}, r"person_body must have shape \(4\), got \(3,\)"),
        ({"estimate_person": [1, 3]}, r"estimate_person must have shape \(3\), got \(2,\)"),
        (
            {"person_in_image": np.ones((4, 16), bool)},
            r"person_in_image must have shape \(4,17\), got \(4, 16",
        ),
        ({"estimate_score": [0.5]}, r"estimate_score must have shape \(3\), got \(1,\)"),
        ({"person_scene": [0, 2, 1, 3]}, "person_scene must hold integers from 0 to 1, got 2"),
        ({"estimate_scene": [0, 1, -1]}, "estimate_scene must hold integers from 0 to 1, got -1"),
        ({"estimate_person": [1, 4, 9]}, "estimate_person must hold integers from -1 to 3, got 4"),
        (
            {"estimate_person": [1, 3, 2]},
            "estimate_person, row 2: must be a person of the estimate's scene 0, but that person "
            "is of scene 1",
        ),
        ({"estimate_person": [1, 0.5, 0]}, "estimate_person must hold integers .*, got 0.5"),
        ({"estimate_person": [1, 3, -2]}, "estimate_person must hold integers .*, got -2"),
        (
            {"estimate_person": [1, 3, -1], "estimate_duplicate": [False, False, True]},
            "estimate_person, row 2: must be the person whom this duplicate is of, got -1",
        ),
        (
            {"estimate_person": [1, 3, 1]},
            "estimate_person, row 2: person 1 has an estimate already; mark further ones in",
        ),
        ({"scene_split": ["test", "val"]}, "scene_split, row 1: must be one of .*, got 'val'"),
        ({"scene_image": ["000.jpg"]}, r"scene_image must have shape \(2\), got \(1,\)"),
        ({"scene_intrinsics": np.ones((2, 3))}, r"scene_intrinsics must have shape \(2,4\), got"),
        ({"estimate_duplicate": [True]}, r"estimate_duplicate must have shape \(3\), got \(1,\)"),
    ],
)
def test_a_field_that_does_not_fit_the_others_is_named(change, message, fields, load):
    with pytest.raises(ScenesError, match=rf"scenes.npz: {message}"):
        load(fields | change)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_the_true_joints_of_who_has_an_estimate_must_be_known(bad, fields, load):
    fields["person_joints"][2] = bad  # has none
    assert len(load(fields)) == 2
    fields["person_joints"][3, 5, 1] = bad

    with pytest.raises(ScenesError, match=r"scenes.npz: person_joints, row 3: must be finite"):
        load(fields)


def test_frames_of_a_sequence_are_one_unit(fields, load):
    assert load(fields).units.tolist() == [0, 1]
    assert load(fields | {"scene_sequence": [4, 5]}).sequences == ()  # of one frame each
    sequence = load(fields | {"scene_sequence": [4, 4]})
    assert sequence.sequences == ("4",)
    assert sequence.units.tolist() == [0, 0]
    assert [scene.sequence for scene in sequence] == ["4", "4"]


def test_which_way_is_up_is_known_by_the_camera(fields, load):
    turn = Rotation.from_euler("xyz", [[110, 5, 0], [70, 0, 20]], degrees=True).as_matrix()
    fields["scene_camera_rotation"] = turn

    scenes = load(fields)

    for scene, rotation in zip(scenes, turn, strict=True):
        np.testing.assert_allclose(people_of(scene).up, rotation @ [0, 0, 1], atol=1e-6)
        assert np.isnan(people_of(scenes.without_up().scenes[0]).up).all()


def test_the_refiner_is_told_the_deviations_of_a_file(fields, load):
    fields["estimate_deviation"] = np.float32([[0.1] * 17, [0.2] * 17, [np.nan] * 17])
    fields["estimate_root_deviation"] = np.float32([0.04, 0.05, np.nan])
    fields["estimate_distance_deviation"] = np.float32([0.1, 0.3, np.nan])
    fields["estimate_person"] = np.array([1, -1, 0])
    fields["estimate_scene"] = np.array([0, 0, 0])

    people = people_of(load(fields).scenes[0])  # rows 0, 2, and the wrong one, 1

    np.testing.assert_array_equal(people.distance_deviations, np.float32([0.1, np.nan, 0.3]))
    np.testing.assert_array_equal(people.root_deviations, np.float32([0.04, np.nan, 0.05]))
    np.testing.assert_array_equal(people.deviations[:, 3], np.float32([0.1, np.nan, 0.2]))
    np.testing.assert_array_equal(people.deviations[:, 14], np.float32([0, np.nan, 0]))
