"""Conversion of people, attention and cameras to and from messages."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from geometry_msgs.msg import Point, Vector3
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from pinet_ros.errors import PinetError, one_line
from pinet_ros.geometry.camera import Camera, CameraError
from pinet_ros.msg import PeopleAttention, PersonPose, PersonPoseArray
from pinet_ros.people import People, variances_across
from pinet_ros.skeleton import JointSet, joint_set

_ROUNDING = 1e-6  # of a covariance that was computed in single precision, as a fraction


class MessageError(PinetError):
    """The message about people is inconsistent."""


def people_to_message(people: People, header: Header) -> PersonPoseArray:
    """Convert people to a message.

    Args:
        people: the people of one image.
        header: header of the image, which the message gets unchanged.
    """
    bones = [index for bone in people.joint_set.bones for index in bone]
    covariances = people.position_covariances.reshape(-1, 9)
    with np.errstate(over="ignore"):
        variances = np.square(people.distance_deviations).tolist()
    x, y, z = people.up.tolist()
    return PersonPoseArray(
        header=header,
        estimator=people.estimator,
        joint_set=people.joint_set.name,
        joint_names=list(people.joint_set.joints),
        bones=array("H", bones),
        up=Vector3(x=x, y=y, z=z),
        people=[
            _person_to_message(people, row, variances[row], covariances[row])
            for row in range(len(people))
        ],
    )


def _person_to_message(
    people: People, row: int, distance_variance: float, covariance: np.ndarray
) -> PersonPose:
    return PersonPose(
        track_id=int(people.track_ids[row]),
        tracking_state=int(people.tracking_states[row]),
        score=float(people.scores[row]),
        box=people.boxes[row],
        joints=[Point(x=x, y=y, z=z) for x, y, z in people.joints[row].tolist()],
        joints_image=array("f", people.joints_image[row].tobytes()),
        joint_confidence=array("f", people.confidence[row].tobytes()),
        joint_deviation=array("f", people.deviations[row].tobytes()),
        log_distance_variance=distance_variance,
        position_covariance=covariance,
    )


def attention_to_message(attention: np.ndarray, people: People, header: Header) -> PeopleAttention:
    """Convert attention to a message.

    Args:
        attention: (N,N), see `Refinement.attention`.
        people: the N refined people.
        header: header of the image, which the message gets unchanged.
    """
    return PeopleAttention(
        header=header,
        track_ids=array("i", people.track_ids.tolist()),
        weights=array("f", attention.ravel().tolist()),
    )


def people_from_message(message: PersonPoseArray) -> People:
    """Convert a message from this or any other estimator to people.

    2D joints, confidences and deviations may be empty; they become NaN, as do variances of 0 and
    an `up` of length 0.

    Raises:
        UnknownJointSetError: the joint set is unknown.
        MessageError: the joint names or the length of an array do not fit the joint set, a
            deviation or variance is negative, or `up` is no unit vector.
    """
    joints = joint_set(message.joint_set)
    if tuple(message.joint_names) != joints.joints:
        raise MessageError(
            f"joint_names of joint set {joints.name} must be {', '.join(joints.joints)}, got "
            f"{one_line(', '.join(message.joint_names)) or 'none'}"
        )
    if not message.people:
        return _with_up(People.empty(joints, estimator=message.estimator), message)
    people = People(
        joints,
        joints=np.array([_points(person, joints) for person in message.people]),
        joints_image=np.array(
            [
                _optional(person.joints_image, 2 * len(joints), "joints_image").reshape(-1, 2)
                for person in message.people
            ]
        ),
        confidence=np.array(
            [
                _optional(person.joint_confidence, len(joints), "joint_confidence")
                for person in message.people
            ]
        ),
        boxes=np.array([person.box for person in message.people]),
        scores=np.array([person.score for person in message.people]),
        track_ids=np.array([person.track_id for person in message.people]),
        tracking_states=np.array([person.tracking_state for person in message.people]),
        deviations=_not_negative(
            np.array(
                [
                    _optional(person.joint_deviation, len(joints), "joint_deviation")
                    for person in message.people
                ]
            ),
            "joint_deviation",
        ),
        distance_deviations=_distance_deviations(message.people),
        estimator=message.estimator,
    )
    people = replace(people, root_deviations=_root_deviations(message.people, people.pelvis))
    return _with_up(people, message)


def _with_up(people: People, message: PersonPoseArray) -> People:
    up = message.up
    try:
        with np.errstate(over="ignore"):  # of numbers that single precision does not have
            return replace(people, up=np.array([up.x, up.y, up.z]))
    except ValueError as error:
        raise MessageError(str(error)) from error


def _points(person: PersonPose, joints: JointSet) -> list[tuple[float, float, float]]:
    if len(person.joints) != len(joints):
        raise MessageError(
            f"a person in joint set {joints.name} needs {len(joints)} joints, got "
            f"{len(person.joints)}; send NaN for unknown joints"
        )
    return [(point.x, point.y, point.z) for point in person.joints]


def _optional(values: array, length: int, field: str) -> np.ndarray:
    if len(values) not in (0, length):
        raise MessageError(f"{field} needs {length} numbers or none, got {len(values)}")
    return np.array(values, np.float32) if values else np.full(length, np.nan, np.float32)


def _not_negative(numbers: np.ndarray, field: str) -> np.ndarray:
    if (numbers < 0).any():
        raise MessageError(
            f"{field} must be 0 or more, or NaN if it is unknown, got {numbers[numbers < 0][0]:g}"
        )
    return numbers


def _distance_deviations(people: Sequence[PersonPose]) -> np.ndarray:
    """Deviations (N,); NaN where the message has 0, as in a field that was not set."""
    variances = np.array([person.log_distance_variance for person in people], np.float32)
    deviations = np.sqrt(_not_negative(variances, "log_distance_variance"))
    return np.where(deviations > 0, deviations, np.nan)


def _root_deviations(people: Sequence[PersonPose], pelvis: np.ndarray) -> np.ndarray:
    """Deviations (N,) across the viewing rays; NaN without a covariance."""
    covariances = np.array([person.position_covariance for person in people]).reshape(-1, 3, 3)
    diagonals = covariances.diagonal(axis1=1, axis2=2)
    _not_negative(diagonals, "the diagonal of position_covariance")
    with np.errstate(over="ignore", invalid="ignore"):
        variances = variances_across(pelvis, covariances)
        rounded = (variances < 0) & (variances > -_ROUNDING * diagonals.sum(axis=1))
        variances[rounded] = 0
        _not_negative(variances, "position_covariance across the viewing ray")
        return np.where(diagonals.any(axis=1), np.sqrt(variances), np.nan)


def camera_from_info(
    info: CameraInfo, width: int, height: int, *, rectified: bool = False
) -> Camera:
    """Create the camera of an image from a CameraInfo.

    Args:
        info: CameraInfo of the same camera.
        width, height: size of the image, pixels.
        rectified: whether the image is rectified, so that P holds instead of K and D.

    Raises:
        CameraError: the camera is not calibrated, or the CameraInfo is for another size.
    """
    binning = (info.binning_x or 1, info.binning_y or 1)
    full = (info.roi.width or info.width, info.roi.height or info.height)
    expected = (full[0] // binning[0], full[1] // binning[1])
    if all(expected) and expected != (width, height):
        raise CameraError(
            f"camera_info is for {expected[0]}x{expected[1]} pixels but the image has "
            f"{width}x{height}; publish the camera_info that belongs to this image"
        )
    return Camera.from_info(
        width=width,
        height=height,
        k=info.p.reshape(3, 4)[:, :3].ravel() if rectified else info.k,
        d=[] if rectified else info.d,
        distortion_model="" if rectified else info.distortion_model,
        binning=binning,
        roi_offset=(info.roi.x_offset, info.roi.y_offset),
    )
