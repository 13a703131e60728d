"""Odd messages: those of a camera and of an estimator, with fields that nobody expects."""

from __future__ import annotations

from array import array
from functools import cache
from typing import Any

import cv2
import numpy as np
from geometry_msgs.msg import Point
from mutations import ODD_NUMBERS, ODD_TEXTS, Rng, mutated_bytes, pick
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from pinet_ros.geometry.camera import Camera
from pinet_ros.msg import PersonPose, PersonPoseArray
from pinet_ros.people import People
from pinet_ros.ros.images import encode_bgr8
from pinet_ros.ros.messages import people_to_message
from pinet_ros.skeleton import JOINT_SETS

ESTIMATOR = "blazepose_full/4495eb0e"  # whose errors the default weights have learnt
ENCODINGS = (
    *("bgr8", "rgb8", "bgra8", "rgba8", "mono8", "8UC1", "8UC3", "8UC4", "nv12", "nv21"),
    *("bayer_rggb8", "bayer_gbrg16", "mono16", "rgb16", "bgra16", "yuv422", "uyvy", "yuyv"),
    *("yuv422_yuy2", "16UC1", "32FC1", "8SC3", "64FC4", "BGR8", "jpeg", "bgr8; jpeg compressed"),
)
_FORMATS = (".jpg", ".png", ".webp", ".bmp", ".tiff")
_MODELS = ("plumb_bob", "rational_polynomial", "equidistant", "fisheye", "", "thin_prism")
_COUNTS = (0, 1, 2, 3, 4, 5, 7, 8, 12, 14, 15, 1000)
_UINT32 = (0, 1, 2, 3, 47, 48, 63, 64, 65, 2**16, 2**31, 2**32 - 1)
_INT32 = (0, 1, -1, -2, 7, 2**31 - 1, -(2**31))
_FLOATS = [n for n in ODD_NUMBERS if not 3.4e38 < abs(n) < float("inf")]
_FEW_CHANGES = 4


class Messages:
    """Whole messages of one small image, and odd ones."""

    def __init__(self, photo: np.ndarray) -> None:
        """Take an image (H,W,3) of people."""
        self.photo = photo
        self.height, self.width = photo.shape[:2]
        self._compressed = {f: cv2.imencode(f, photo)[1].tobytes() for f in _FORMATS}

    def image(self, header: Header) -> Image:
        return encode_bgr8(self.photo, Image(header=header))

    def compressed(self, header: Header) -> CompressedImage:
        data = array("B", self._compressed[".jpg"])
        return CompressedImage(header=header, format="jpeg", data=data)

    def info(self, header: Header) -> CameraInfo:
        matrix = Camera.from_field_of_view(60, self.width, self.height).matrix
        return CameraInfo(
            header=header,
            width=self.width,
            height=self.height,
            distortion_model="plumb_bob",
            d=[0.0] * 5,
            k=matrix.ravel().tolist(),
            p=np.hstack([matrix, np.zeros((3, 1))]).ravel().tolist(),
        )

    def people(self, header: Header, count: int = 2, joint_set: str = "mupots_17"):
        joints = JOINT_SETS[joint_set]
        rng = np.random.default_rng(count)
        people = People.from_joints(
            joints,
            rng.normal(scale=0.4, size=(count, len(joints), 3)) + np.array([0, 0, 4]),
            joints_image=rng.uniform(0, self.width, (count, len(joints), 2)),
            confidence=rng.uniform(size=(count, len(joints))),
            scores=np.full(count, 0.9),
            track_ids=np.arange(count),
            deviations=rng.uniform(size=(count, len(joints))),
            distance_deviations=rng.uniform(size=count),
            root_deviations=rng.uniform(size=count),
            up=np.array([0.0, -0.8, -0.6]) if count % 2 else None,
            estimator=ESTIMATOR,
        )
        return people_to_message(people, header)

    def odd_image(self, rng: Rng, header: Header) -> Image:
        message = self.image(odd_header(rng, header))
        if rng.random() < 0.5:  # another encoding of enough data, often as it should be
            message.encoding = str(pick(rng, ENCODINGS))
            message.step = self.width * int(pick(rng, (1, 2, 3, 4, 6, 8)))
            message.data = array("B", rng.bytes(message.step * self.height * 3 // 2))
        for _ in range(rng.integers(_FEW_CHANGES)):
            kind = rng.integers(7)
            if kind < 3:
                name = ("width", "height", "step")[kind]
                size = getattr(message, name) + int(rng.integers(-2, 3))
                setattr(message, name, int(pick(rng, (*_UINT32, size % 2**32))))
            elif kind == 3:
                message.encoding = odd_text(rng, ENCODINGS)
            elif kind == 4:
                message.is_bigendian = int(pick(rng, (0, 1, 255)))
            else:
                message.data = array("B", odd_length(rng, message.data.tobytes()))
        return message

    def odd_compressed(self, rng: Rng, header: Header) -> CompressedImage:
        data = self._compressed[pick(rng, _FORMATS)]
        kind = rng.integers(10)
        if kind == 0:
            data = odd_length(rng, data)
        elif kind == 1:
            data = rng.bytes(int(rng.integers(200)))
        elif kind < 9:
            data = mutated_bytes(data, rng)
        return CompressedImage(
            header=odd_header(rng, header),
            format=odd_text(rng, ("jpeg", "png", "bgr8; jpeg compressed bgr8")),
            data=array("B", data),
        )

    def odd_info(self, rng: Rng, header: Header) -> CameraInfo:
        message = self.info(odd_header(rng, header))
        for _ in range(rng.integers(1, 1 + _FEW_CHANGES)):
            kind = rng.integers(7)
            if kind == 0:
                setattr(message, pick(rng, ("width", "height")), int(pick(rng, _UINT32)))
            elif kind == 1:
                message.distortion_model = odd_text(rng, _MODELS)
            elif kind == 2:
                message.distortion_model = str(pick(rng, _MODELS))
                scale = float(pick(rng, (0.0, 0.1, 10.0, 1e300)))
                message.d = (scale * rng.normal(size=int(pick(rng, _COUNTS)))).tolist()
            elif kind == 3:
                setattr(message, pick(rng, ("binning_x", "binning_y")), int(pick(rng, _UINT32)))
            elif kind == 4:
                name = pick(rng, ("x_offset", "y_offset", "width", "height"))
                setattr(message.roi, name, int(pick(rng, _UINT32)))
            else:
                numbers = getattr(message, pick(rng, ("k", "p", "r", "d")))
                _spoil(numbers, rng)
        return message

    def odd_people(self, rng: Rng, header: Header) -> PersonPoseArray:
        message = self._some_people(rng, odd_header(rng, header))
        for _ in range(rng.integers(1, 1 + _FEW_CHANGES)):
            kind = rng.integers(9)
            if kind == 8:
                numbers = [message.up.x, message.up.y, message.up.z]
                _spoil(numbers, rng)
                message.up.x, message.up.y, message.up.z = numbers
            elif kind == 0:
                message.joint_set = odd_text(rng, tuple(JOINT_SETS))
            elif kind == 1:
                message.joint_names = odd_names(rng, list(message.joint_names))
            elif kind == 2:
                message.estimator = odd_text(rng, ("", "mppe", "blazepose_lite/1", "a/b/c"))
            elif kind == 3:
                message.bones = array("H", rng.integers(2**16, size=int(pick(rng, (0, 1, 3)))))
            elif message.people:
                person = pick(rng, message.people)
                for each in message.people if rng.random() < 0.2 else [person]:
                    _spoil_person(each, rng)
        return message

    def _some_people(self, rng: Rng, header: Header) -> PersonPoseArray:
        """A handful; now and then a few hundred, made from few as others take long to make."""
        joint_set = str(pick(rng, ("mupots_17", "mupots_17", *JOINT_SETS)))
        if rng.random() < 0.98:
            return self.people(header, int(rng.integers(6)), joint_set)
        message = self.people(header, 5, joint_set)
        message.people = list(message.people) * int(pick(rng, (11, 41, 100)))
        return message


def odd_header(rng: Rng, header: Header) -> Header:
    """The header, or now and then one with another stamp or frame."""
    made = Header(stamp=header.stamp, frame_id=header.frame_id)
    if rng.random() < 0.1:
        made.stamp = type(header.stamp)(sec=header.stamp.sec, nanosec=header.stamp.nanosec)
        made.stamp.sec = int(pick(rng, (*_INT32, max(0, made.stamp.sec - 100))))
        made.stamp.nanosec = int(pick(rng, (0, 1, 10**9, 2**32 - 1)))
    if rng.random() < 0.1:
        made.frame_id = odd_text(rng, ("map", "/", "a b"))
    return made


def odd_text(rng: Rng, known: tuple[str, ...]) -> str:
    """One of the known texts, or an odd one that a message can hold."""
    text = str(pick(rng, known if rng.random() < 0.5 else ODD_TEXTS))
    return text.encode(errors="ignore").decode().replace("\0", "")


def odd_names(rng: Rng, names: list[str]) -> list[str]:
    """Names of joints: one changed, left out, said twice, in another order, or by far too many."""
    if not 0 < len(names) < 100:
        return ["nose"]
    place = int(rng.integers(len(names)))
    changed = [*names[:place], odd_text(rng, ("nose",)), *names[place + 1 :]]
    choices = (changed, names[:place], names + names[place:], names[::-1], names * 1000, [])
    return pick(rng, choices)


def odd_length(rng: Rng, data: bytes) -> bytes:
    """Data cut off, twice as long, or hardly any."""
    return pick(rng, (data[: int(rng.integers(len(data) + 1))], data * 2, b"", data[:1]))


def _spoil(numbers: Any, rng: Rng) -> None:
    """Put an odd number into one or all places of an array of numbers."""
    number = float(pick(rng, ODD_NUMBERS))
    everywhere = rng.random() < 0.2
    for place in range(len(numbers)) if everywhere else [int(rng.integers(len(numbers) or 1))]:
        if place < len(numbers):
            numbers[place] = number


def _spoil_person(person: PersonPose, rng: Rng) -> None:
    kind = rng.integers(11)
    if kind == 0:
        person.track_id = int(pick(rng, _INT32))
    elif kind == 1:
        person.tracking_state = int(pick(rng, (0, 3, 4, 255)))
    elif kind == 2:
        person.score = _float32(rng)
    elif kind == 3:
        person.box[int(rng.integers(4))] = _float32(rng)
    elif kind == 4:
        person.joints = odd_joints(rng, list(person.joints))
    elif kind == 5 and person.joints:
        point = pick(rng, person.joints)
        setattr(point, pick(rng, ("x", "y", "z")), float(pick(rng, ODD_NUMBERS)))
    elif kind == 6:
        person.joints_image = _floats(person.joints_image, rng)
    elif kind == 7:
        person.joint_confidence = _floats(person.joint_confidence, rng)
    elif kind == 8:
        person.joint_deviation = _floats(person.joint_deviation, rng)
    elif kind == 9:
        person.log_distance_variance = _float32(rng)
    else:
        person.position_covariance[int(rng.integers(9))] = float(pick(rng, ODD_NUMBERS))


def odd_joints(rng: Rng, joints: list[Point]) -> list[Point]:
    """Joints moved by a lot, fewer, more, or all in one place."""
    if not joints:
        return [Point()]
    scale = float(pick(rng, (0.0, 1e-30, 1e-3, 30.0, 1000.0, 1e30, 1e300, -1.0)))
    moved = [Point(x=scale * j.x, y=scale * j.y, z=scale * j.z) for j in joints]
    return pick(
        rng, (moved, moved, joints[:-1], joints + joints[:1], [], [joints[0]] * len(joints))
    )


def _floats(numbers: array, rng: Rng) -> array:
    changed = array("f", numbers)
    if changed and rng.random() < 0.7:
        changed[int(rng.integers(len(changed)))] = _float32(rng)
        return changed
    return pick(rng, (changed[:-1], changed * 2, array("f")))


def _float32(rng: Rng) -> float:
    return float(pick(rng, _FLOATS))


@cache
def small_photo() -> np.ndarray:
    """A person on a frame of the demo's clip, (95,54,3)."""
    from pinet_ros.imaging.video import open_source
    from pinet_training.originals import fetch

    first = open_source(str(fetch.path("demo_clip", "cam02.mp4"))).read()
    assert first is not None
    return cv2.resize(first.image, (54, 95), interpolation=cv2.INTER_AREA)
