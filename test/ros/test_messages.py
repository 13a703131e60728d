from __future__ import annotations

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from sensor_msgs.msg import CameraInfo, RegionOfInterest
from std_msgs.msg import Header

from pinet_ros.geometry.camera import CameraError
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
    )


def assert_same(a: People, b: People) -> None:
    assert a.joint_set == b.joint_set
    for name in ("joints", "joints_image", "confidence", "boxes", "scores", "track_ids"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    np.testing.assert_array_equal(a.tracking_states, b.tracking_states)


@pytest.mark.parametrize("joint_set", JOINT_SETS.values(), ids=lambda s: s.name)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_people_survive_the_round_trip(joint_set, count):
    people = random_people(count, joint_set)
    message = people_to_message(people, HEADER)
    assert message.header == HEADER
    assert list(message.joint_names) == list(joint_set.joints)
    assert len(message.bones) == 2 * len(joint_set.bones)
    assert_same(people_from_message(message), people)


def test_unknown_joints_stay_unknown():
    people = random_people(2)
    people.joints[1, 3] = np.nan
    assert_same(people_from_message(people_to_message(people, HEADER)), people)


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
    people = people_from_message(message)
    assert np.isnan(people.joints_image).all()
    assert np.isnan(people.confidence).all()
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
