from __future__ import annotations

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Vector3
from sensor_msgs.msg import CameraInfo, RegionOfInterest
from std_msgs.msg import Header

from pinet_ros.geometry.camera import CameraError
from pinet_ros.msg import PersonPose
from pinet_ros.people import People, TrackingState
from pinet_ros.ros.messages import (
    MessageError,
    attention_to_message,
    camera_from_info,
    people_from_message,
    people_to_message,
)
from pinet_ros.skeleton import JOINT_SETS, MUPOTS_17, UnknownJointSetError

HEADER = Header(stamp=Time(sec=12, nanosec=34), frame_id="front")


def random_people(count: int, joint_set=MUPOTS_17) -> People:
    rng = np.random.default_rng(count)
    joints = len(joint_set)
    return People(
        joint_set,
        joints=rng.normal(size=(count, joints, 3)),
        joints_image=rng.uniform(0, 640, (count, joints, 2)),
        confidence=rng.uniform(size=(count, joints)),
        boxes=rng.uniform(0, 640, (count, 4)),
        scores=rng.uniform(size=count),
        track_ids=np.arange(count) + 7,
        tracking_states=np.full(count, TrackingState.TRACKED),
        deviations=rng.uniform(0.01, 0.1, (count, joints)),
        distance_deviations=rng.uniform(0.05, 0.2, count),
        root_deviations=rng.uniform(0.01, 0.05, count),
        up=np.array([0.48, -0.8, 0.36]),
    )


def assert_same(a: People, b: People) -> None:
    assert a.joint_set == b.joint_set
    for name in (
        "joints",
        "joints_image",
        "confidence",
        "boxes",
        "scores",
        "track_ids",
        "deviations",
    ):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    np.testing.assert_array_equal(a.tracking_states, b.tracking_states)
    np.testing.assert_allclose(a.up, b.up, rtol=1e-6)
    # variances in messages
    for name in ("distance_deviations", "root_deviations", "position_covariances"):
        np.testing.assert_allclose(
            getattr(a, name), getattr(b, name), rtol=1e-6, atol=1e-9, err_msg=name
        )


@pytest.mark.parametrize("joint_set", JOINT_SETS.values(), ids=lambda s: s.name)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_people_survive_the_round_trip(joint_set, count):
    people = random_people(count, joint_set)
    message = people_to_message(people, HEADER)
    assert message.header == HEADER
    assert list(message.joint_names) == list(joint_set.joints)
    assert len(message.bones) == 2 * len(joint_set.bones)
    assert_same(people_from_message(message), people)


@pytest.mark.parametrize("unknown", [0.0, np.nan])
@pytest.mark.parametrize("count", [0, 2])
def test_an_up_that_is_not_known_stays_unknown(count, unknown):
    message = people_to_message(random_people(count), HEADER)
    message.up = Vector3(x=unknown, y=unknown, z=unknown)

    assert np.isnan(people_from_message(message).up).all()


@pytest.mark.parametrize("length", [0.9, 9.81, np.inf])
def test_an_up_of_another_length_is_refused(length):
    message = people_to_message(random_people(1), HEADER)
    message.up = Vector3(y=-length)

    with pytest.raises(MessageError, match=f"up must be a unit vector.*a length of {length:g}"):
        people_from_message(message)


def test_unknown_joints_stay_unknown():
    people = random_people(2)
    people.joints[1, 3] = np.nan
    assert_same(people_from_message(people_to_message(people, HEADER)), people)


def test_the_message_has_variances_and_a_covariance_row_by_row():
    joints = np.tile([0.0, 3.0, 4.0], (1, 17, 1))
    people = People.from_joints(
        MUPOTS_17,
        joints,
        deviations=np.linspace(0, 0.16, 17)[None],
        distance_deviations=[0.1],
        root_deviations=[0.03],
    )
    (person,) = people_to_message(people, HEADER).people
    np.testing.assert_allclose(person.joint_deviation, np.linspace(0, 0.16, 17), rtol=1e-6)
    assert person.log_distance_variance == pytest.approx(0.01)
    # along (0, 0.6, 0.8) 0.5 m, across it 0.03 m
    expected = [0.0009, 0, 0, 0, 0.09 + 0.000576, 0.12 - 0.000432, 0, 0.12 - 0.000432]
    np.testing.assert_allclose(
        person.position_covariance, [*expected, 0.16 + 0.000324], rtol=1e-6, atol=1e-12
    )


@pytest.mark.parametrize("name", ["deviations", "distance_deviations", "root_deviations"])
def test_unknown_deviations_stay_unknown(name):
    people = random_people(3)
    getattr(people, name)[1] = np.nan
    known = people_from_message(people_to_message(people, HEADER))
    assert np.isnan(known.deviations).any() == (name == "deviations")
    lost = name == "distance_deviations"  # no covariance, so the root's cannot be told either
    np.testing.assert_array_equal(np.isnan(known.distance_deviations), [False, lost, False])
    unknown = name != "deviations"
    np.testing.assert_array_equal(np.isnan(known.root_deviations), [False, unknown, False])


@pytest.mark.filterwarnings("error")
def test_deviations_of_nothing_and_of_anything_are_sent():
    people = random_people(4)
    people.distance_deviations[:] = 0.1, 0.1, np.inf, 1e30
    people.root_deviations[:] = 0.0, 1e-4, 0.1, 0.1
    again = people_from_message(people_to_message(people, HEADER))
    np.testing.assert_allclose(again.distance_deviations, [0.1, 0.1, np.inf, np.inf], rtol=1e-6)
    np.testing.assert_allclose(again.root_deviations[:2], [0.0, 1e-4], rtol=1e-4, atol=1e-7)
    assert np.isnan(again.root_deviations[2])


def test_a_covariance_in_single_precision_is_taken():
    people = random_people(200)
    people.root_deviations[:] = 0
    message = people_to_message(people, HEADER)
    for person in message.people:
        person.position_covariance = person.position_covariance.astype(np.float32).astype(float)
    again = people_from_message(message)
    np.testing.assert_allclose(again.root_deviations, np.zeros(200), atol=1e-3)


def test_fields_that_are_not_set_are_unknown():
    whole = people_to_message(random_people(1), HEADER)
    (person,) = whole.people
    whole.people = [PersonPose(score=person.score, joints=person.joints)]
    people = people_from_message(whole)
    for name in ("deviations", "distance_deviations", "root_deviations", "position_covariances"):
        assert np.isnan(getattr(people, name)).all()


def test_the_deviation_across_the_ray_is_the_mean_of_any_covariance():
    message = people_to_message(random_people(1), HEADER)
    pelvis = message.people[0].joints[14]
    factor = np.random.default_rng(3).normal(size=(3, 3))
    message.people[0].position_covariance = (factor @ factor.T).ravel()
    across = np.linalg.svd([[pelvis.x, pelvis.y, pelvis.z]])[2][1:]
    expected = np.sqrt(np.trace(across @ factor @ factor.T @ across.T) / 2)
    np.testing.assert_allclose(people_from_message(message).root_deviations, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("joint_deviation", [0.1] * 16 + [-0.5], "joint_deviation must be 0 or more.* got -0.5"),
        ("log_distance_variance", -0.25, "log_distance_variance must be 0 or more.* got -0.25"),
        ("position_covariance", np.diag([1, -2, 1.0]).ravel(), "the diagonal of .* got -2"),
        # a diagonal alone does not make a covariance
        (
            "position_covariance",
            np.ones(9) * [1, 9, 9, 9, 1, 9, 9, 9, 1],
            "across the viewing ray",
        ),
    ],
)
def test_negative_deviations_are_named(field, value, expected):
    people = random_people(2)
    message = people_to_message(people.with_joints(np.ones_like(people.joints)), HEADER)
    setattr(message.people[1], field, value)
    with pytest.raises(MessageError, match=expected):
        people_from_message(message)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_attention_goes_row_by_row_with_unknown_rows(count):
    people = random_people(count)
    attention = np.random.default_rng(0).dirichlet(np.ones(max(count, 1)), count)
    attention = attention.astype(np.float32)
    attention[1:2] = np.nan
    message = attention_to_message(attention, people, HEADER)
    assert message.header == HEADER
    assert list(message.track_ids) == list(people.track_ids)
    for n in range(count):
        row = message.weights[count * n : count * (n + 1)]
        np.testing.assert_array_equal(row, attention[n])
    assert len(message.weights) == count**2


def test_another_estimator_may_leave_out_what_it_does_not_know():
    message = people_to_message(random_people(1), HEADER)
    message.people[0].joints_image = []
    message.people[0].joint_confidence = []
    message.people[0].joint_deviation = []
    people = people_from_message(message)
    assert np.isnan(people.joints_image).all()
    assert np.isnan(people.confidence).all()
    assert np.isnan(people.deviations).all()
    assert people.known.all()


def test_an_unknown_joint_set_is_named():
    message = people_to_message(random_people(1), HEADER)
    message.joint_set = "smpl_24"
    with pytest.raises(UnknownJointSetError, match=r"smpl_24.*mupots_17"):
        people_from_message(message)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("joints", [], "17 joints.*got 0"),
        ("joints_image", [1.0], "joints_image needs 34 numbers or none, got 1"),
        ("joint_confidence", [1.0] * 16, "joint_confidence needs 17 numbers or none, got 16"),
        ("joint_deviation", [1.0] * 18, "joint_deviation needs 17 numbers or none, got 18"),
    ],
)
def test_wrong_lengths_are_named(field, value, expected):
    message = people_to_message(random_people(2), HEADER)
    setattr(message.people[1], field, value)
    with pytest.raises(MessageError, match=expected):
        people_from_message(message)


def test_joints_in_another_order_are_refused():
    message = people_to_message(random_people(1), HEADER)
    message.joint_names = list(reversed(message.joint_names))
    with pytest.raises(MessageError, match="joint_names of joint set mupots_17"):
        people_from_message(message)


K = [600.0, 0.0, 320.0, 0.0, 610.0, 240.0, 0.0, 0.0, 1.0]
P = [500.0, 0.0, 300.0, 0.0, 0.0, 510.0, 200.0, 0.0, 0.0, 0.0, 1.0, 0.0]


def info(**fields) -> CameraInfo:
    defaults = {"width": 640, "height": 480, "k": K, "p": P, "d": [0.1, 0.01, 0.0, 0.0, 0.0]}
    return CameraInfo(**{**defaults, "distortion_model": "plumb_bob", **fields})


def test_a_raw_image_has_k_and_d():
    camera = camera_from_info(info(), 640, 480)
    np.testing.assert_allclose(camera.matrix.ravel(), K)
    np.testing.assert_allclose(camera.distortion[:2], [0.1, 0.01])


def test_a_rectified_image_has_p_and_no_distortion():
    camera = camera_from_info(info(), 640, 480, rectified=True)
    np.testing.assert_allclose(camera.matrix, np.reshape(P, (3, 4))[:, :3])
    assert not camera.distortion.any()


def test_binning_and_region_of_interest_scale_and_shift():
    roi = RegionOfInterest(x_offset=100, y_offset=60, width=400, height=320)
    camera = camera_from_info(info(roi=roi, binning_x=2, binning_y=2), 200, 160)
    np.testing.assert_allclose(camera.matrix[0], [300, 0, 110])
    np.testing.assert_allclose(camera.matrix[1], [0, 305, 90])


def test_the_info_of_another_size_is_refused():
    with pytest.raises(CameraError, match="640x480 pixels but the image has 320x240"):
        camera_from_info(info(), 320, 240)
