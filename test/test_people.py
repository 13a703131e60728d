from __future__ import annotations

import numpy as np
import pytest

from pinet_ros.people import NO_TRACK, People, TrackingState
from pinet_ros.skeleton import BLAZEPOSE_33, MUPOTS_17, convert


def fields(count, joint_set=MUPOTS_17, **changed):
    rng = np.random.default_rng(1)
    made = {
        "joint_set": joint_set,
        "joints": rng.normal(size=(count, len(joint_set), 3)),
        "joints_image": rng.normal(size=(count, len(joint_set), 2)),
        "confidence": rng.uniform(size=(count, len(joint_set))),
        "boxes": rng.normal(size=(count, 4)),
        "scores": rng.uniform(size=count),
    }
    return made | changed


def test_arrays_have_the_types_of_the_message():
    people = People(**fields(2), track_ids=[3, 4], tracking_states=[1, 2])
    for name in ("joints", "joints_image", "confidence", "boxes", "scores"):
        assert getattr(people, name).dtype == np.float32
    assert people.track_ids.dtype == np.int32
    assert people.tracking_states.dtype == np.uint8


def test_without_tracking_there_are_no_track_ids():
    people = People(**fields(2))
    assert people.track_ids.tolist() == [NO_TRACK] * 2
    assert people.tracking_states.tolist() == [TrackingState.UNKNOWN] * 2


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("joints", (2, 33, 3)),
        ("joints_image", (2, 17, 3)),
        ("confidence", (2,)),
        ("boxes", (1, 4)),
        ("scores", (2, 1)),
        ("track_ids", (3,)),
        ("tracking_states", ()),
    ],
)
def test_a_wrong_shape_is_refused_with_both_shapes(name, shape):
    with pytest.raises(
        ValueError, match=rf"People\.{name} of 2 people.*got \({str(shape)[1:-1]}\)"
    ):
        People(**fields(2, **{name: np.zeros(shape)}))


def test_nobody():
    people = People.empty(BLAZEPOSE_33)
    assert len(people) == 0
    assert people.joints.shape == (0, 33, 3)
    assert people.known.shape == (0,)
    assert people.to_joint_set(MUPOTS_17).joints.shape == (0, 17, 3)


def test_people_with_an_unknown_joint_are_not_known():
    joints = fields(3)["joints"]
    joints[1, 4] = np.nan
    assert People(**fields(3, joints=joints)).known.tolist() == [True, False, True]


def test_conversion_changes_the_joints_and_keeps_the_rest():
    people = People(**fields(2, BLAZEPOSE_33), track_ids=[7, 8], tracking_states=[2, 3])
    converted = people.to_joint_set(MUPOTS_17)
    expected = convert(
        BLAZEPOSE_33, MUPOTS_17, people.joints, people.joints_image, people.confidence
    )
    got = (converted.joints, converted.joints_image, converted.confidence)
    for array, wanted in zip(got, expected, strict=True):
        np.testing.assert_array_equal(array, wanted)
    for name in ("boxes", "scores", "track_ids", "tracking_states"):
        np.testing.assert_array_equal(getattr(converted, name), getattr(people, name))


def test_other_joints_for_the_same_people():
    people = People(**fields(2), track_ids=[7, 8])
    moved = people.with_joints(people.joints + 1)
    np.testing.assert_allclose(moved.joints, people.joints + 1)
    assert moved.track_ids.tolist() == [7, 8]
    with pytest.raises(ValueError, match=r"\(2, 17, 3\)"):
        people.with_joints(np.zeros((2, 33, 3)))


def test_people_of_whom_only_joints_are_known():
    joints = np.ones((2, 17, 3), np.float32)

    people = People.from_joints(MUPOTS_17, joints)

    np.testing.assert_array_equal(people.joints, joints)
    assert people.known.all()
    assert np.isnan(people.boxes).all()
    assert np.isnan(people.scores).all()
