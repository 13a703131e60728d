from __future__ import annotations

import numpy as np
import pytest

from pinet_ros.people import NO_TRACK, People, TrackingState
from pinet_ros.skeleton import BLAZEPOSE_33, COCO_17, MUPOTS_17, convert, convert_deviations


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


def deviations(count, joint_set=MUPOTS_17):
    rng = np.random.default_rng(2)
    return {
        "deviations": rng.uniform(0.01, 0.1, (count, len(joint_set))),
        "distance_deviations": rng.uniform(0.05, 0.2, count),
        "root_deviations": rng.uniform(0.01, 0.05, count),
    }


def test_arrays_have_the_types_of_the_message():
    people = People(**fields(2), track_ids=[3, 4], tracking_states=[1, 2])
    for name in ("joints", "joints_image", "confidence", "boxes", "scores", *deviations(2)):
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
        ("deviations", (2, 33)),
        ("distance_deviations", (2, 1)),
        ("root_deviations", (1,)),
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
    people = People(
        **fields(2, BLAZEPOSE_33),
        **deviations(2, BLAZEPOSE_33),
        track_ids=[7, 8],
        tracking_states=[2, 3],
    )
    converted = people.to_joint_set(MUPOTS_17)
    expected = convert(
        BLAZEPOSE_33, MUPOTS_17, people.joints, people.joints_image, people.confidence
    )
    got = (converted.joints, converted.joints_image, converted.confidence)
    for array, wanted in zip(got, expected, strict=True):
        np.testing.assert_array_equal(array, wanted)
    expected = convert_deviations(BLAZEPOSE_33, MUPOTS_17, people.deviations)
    np.testing.assert_allclose(converted.deviations, expected, rtol=1e-6)
    for name in (
        "boxes",
        "scores",
        "track_ids",
        "tracking_states",
        "distance_deviations",
        "root_deviations",
    ):
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
    assert np.isnan(people.position_covariances).all()


def test_deviations_are_unknown_by_default():
    people = People(**fields(2))
    for name in deviations(2):
        assert np.isnan(getattr(people, name)).all()
    assert people.position_covariances.shape == (2, 3, 3)
    assert np.isnan(people.position_covariances).all()
    assert People.empty(MUPOTS_17).position_covariances.shape == (0, 3, 3)


def test_rows_keep_their_deviations():
    people = People(**fields(3), **deviations(3))
    parts = [people.select(np.array([2])), people.select(np.array([True, True, False]))]
    again = People.concatenate(parts)
    from_joints = People.from_joints(MUPOTS_17, people.joints, **deviations(3))
    for name, given in deviations(3).items():
        np.testing.assert_array_equal(getattr(again, name), np.float32(given)[[2, 0, 1]])
        np.testing.assert_array_equal(getattr(from_joints, name), np.float32(given))


def test_people_of_one_image_share_what_is_up():
    up = np.float32([0, -1, 0])
    people = People(**fields(3), up=up)

    assert np.isnan(People(**fields(2)).up).all()
    np.testing.assert_array_equal(people.select(np.array([1])).up, up)
    np.testing.assert_array_equal(People.concatenate([people, people]).up, up)
    assert np.isnan(People.concatenate([people, People(**fields(2))]).up).all()
    np.testing.assert_array_equal(people.to_joint_set(people.joint_set).up, up)
    with pytest.raises(ValueError, match=r"People.up .* must have shape \(3,\), got \(2, 3\)"):
        People(**fields(2), up=np.zeros((2, 3)))


@pytest.mark.parametrize("joint_set", [MUPOTS_17, COCO_17], ids=lambda s: s.name)
def test_the_covariance_is_that_of_positions_drawn_along_and_across_the_ray(joint_set):
    rng = np.random.default_rng(0)
    pelvis = np.array([1.5, -0.7, 3.0])
    joints = np.zeros((1, len(joint_set), 3))
    rows = [14] if joint_set is MUPOTS_17 else [11, 12]  # the hips, to either side
    joints[0, rows] = pelvis + np.linspace(-0.1, 0.1, len(rows) + 2)[1:-1, None]
    distance = np.sqrt(pelvis @ pelvis)
    # made otherwise than in the package: scaled, and moved in the plane across the ray
    across = np.linalg.svd(pelvis[None])[2][1:]
    drawn = pelvis * (1 + 0.08 * rng.normal(size=(400_000, 1)))
    drawn += 0.05 * rng.normal(size=(400_000, 2)) @ across

    people = People.from_joints(
        joint_set, joints, distance_deviations=[0.08], root_deviations=[0.05]
    )

    (covariance,) = people.position_covariances
    np.testing.assert_allclose(covariance, np.cov(drawn.T), atol=0.01 * (0.08 * distance) ** 2)
    np.testing.assert_array_equal(covariance, covariance.T)
    np.testing.assert_allclose(
        np.linalg.eigvalsh(covariance), [0.05**2, 0.05**2, (0.08 * distance) ** 2], rtol=1e-5
    )


def test_the_covariance_follows_the_pelvis():
    joints = np.tile([0.0, 0.0, 2.0], (1, 17, 1))
    people = People.from_joints(
        MUPOTS_17, joints, distance_deviations=[0.1], root_deviations=[0.03]
    )
    np.testing.assert_allclose(
        people.position_covariances, [np.diag([0.0009, 0.0009, 0.04])], rtol=1e-6
    )
    moved = people.with_joints(joints[..., [2, 0, 1]] * 2)  # 4 m to the right
    np.testing.assert_allclose(
        moved.position_covariances, [np.diag([0.16, 0.0009, 0.0009])], rtol=1e-6, atol=1e-9
    )


@pytest.mark.parametrize(
    ("changed", "value"),
    [
        ("distance_deviations", np.nan),
        ("root_deviations", np.nan),
        ("root_deviations", np.inf),
        ("joints", np.nan),
        ("joints", 0.0),  # in the camera there is no ray
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_covariance_is_unknown_as_a_whole(changed, value):
    given = {"joints": np.ones((2, 17, 3))} | deviations(2)
    given[changed][1] = value
    covariances = People.from_joints(MUPOTS_17, **given).position_covariances
    assert np.isfinite(covariances[0]).all()
    assert np.isnan(covariances[1]).all()
