from __future__ import annotations

import numpy as np
import pytest

from pinet_ros.training.datasets.scenes import ScenesError, initial_people, load_scenes


@pytest.fixture
def fields():
    """Two scenes; the first has two people who were found in reverse order."""
    rng = np.random.default_rng(0)
    return {
        "scene_split": np.array(["train", "test"]),
        "scene_cameras": np.array(["narrow", "wide"]),
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
    assert (first.split, first.cameras) == ("train", "narrow")
    np.testing.assert_array_equal(second.truth, fields["person_joints"][[3]])
    assert (second.split, second.cameras) == ("test", "wide")


def test_selects_by_split_cameras_and_people(fields, load):
    scenes = load(fields)

    assert [len(s) for s in scenes.select(split="train")] == [2]
    assert [len(s) for s in scenes.select(cameras="wide")] == [1]
    assert [len(s) for s in scenes.select(minimum_people=2)] == [2]
    assert len(scenes.select(split="train", cameras="wide")) == 0


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

    kept, held_out = scenes.hold_out_bodies(0.5, np.random.default_rng(0))

    assert len(kept) + len(held_out) == 2
    bodies = {int(body) for scene in kept for body in scene.bodies}
    for scene in held_out:
        assert set(scene.bodies.tolist()) - bodies
    everything, nothing = scenes.hold_out_bodies(0, np.random.default_rng(0))
    assert (len(everything), len(nothing)) == (2, 0)


def test_initial_people_are_known_by_their_joints():
    joints = np.ones((2, 17, 3), np.float32)

    people = initial_people(joints)

    np.testing.assert_array_equal(people.joints, joints)
    assert people.known.all()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ScenesError, match=r"no file of scenes .*nothing.npz"):
        load_scenes(tmp_path / "nothing.npz")


def test_a_file_of_another_kind_is_named(tmp_path):
    path = tmp_path / "scenes.npz"
    path.write_text("not an archive")

    with pytest.raises(ScenesError, match=r"scenes.npz is not an .npz file of scenes"):
        load_scenes(path)


def test_missing_fields_are_named(fields, load):
    del fields["person_joints"], fields["scene_split"]

    with pytest.raises(ScenesError, match=r"lacks scene_split, person_joints"):
        load(fields)


def test_a_field_of_another_shape_is_named(fields, load):
    fields["person_joints"] = fields["person_joints"][:, :16]

    with pytest.raises(ScenesError, match=r"person_joints must have shape \(rows,17,3\), got \(4"):
        load(fields)
