"""Recorder: records what the nodes publish, to a video, a bag and statistics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from demo.annotated_video import AnnotatedVideo
from demo.bag import Bag
from pinet_ros.imaging.drawing import to_bgr
from pinet_ros.msg import PersonPoseArray
from pinet_ros.people import People
from pinet_ros.ros.exact_time import nanoseconds
from pinet_ros.ros.images import decode
from pinet_ros.ros.messages import people_from_message

_DEPTH = 1000  # messages; they are small, and none may be lost
_IMAGE_DEPTH = 20
_COMPRESSED = "image/compressed"
_JPEG_QUALITY = 85


class Recorder(Node):
    """Subscribes to everything that the nodes publish, and writes the bag and the video.

    Attributes:
        headers: frame_id of each played image, by its stamp in nanoseconds.
        images: number of images of the camera in the bag.
        people: refined people, by stamp.
        arrivals: arrival time of each of them, nanoseconds.
        drawn: index of the frame in the video that shows an image, by stamp.
        diagnostics: latest values of each node, by node name.
        video: the video.
    """

    def __init__(
        self,
        folder: Path,
        rate: float,
        show: Callable[[float, np.ndarray, People], None] | None = None,
    ) -> None:
        """Record into a folder.

        Args:
            folder: folder to write people.mp4 and the bag to.
            rate: rate of the video, Hz; in place of a dropped image, the previous one is shown.
            show: called with the stamp in seconds, the drawn image and the people of each frame.
        """
        super().__init__("recorder")
        self.headers: dict[int, str] = {}
        self.images = 0
        self.people: dict[int, People] = {}
        self.arrivals: list[int] = []
        self.drawn: dict[int, int] = {}
        self.diagnostics: dict[str, dict[str, str]] = {}
        self.video = AnnotatedVideo(folder / "people.mp4", rate)
        self._checked: list[Header] = []
        self._show = show
        self._bag = Bag(folder / "bag")
        self._add_topic(_COMPRESSED, CompressedImage)
        self._record("camera_info", CameraInfo, self._on_camera_info)
        self._record("people/initial", PersonPoseArray, self._check)
        self._record("people", PersonPoseArray, self._on_people)
        self._record("people/markers", MarkerArray)
        self.create_subscription(Image, "image", self._on_image, _IMAGE_DEPTH)
        self.create_subscription(Image, "people/image", self._on_drawn, _IMAGE_DEPTH)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, _DEPTH)

    @property
    def played(self) -> int:
        """Number of played images: those whose CameraInfo or people have arrived.

        This node may have connected to the camera later than the other nodes did.
        """
        return len(self.headers.keys() | self.people.keys())

    @property
    def strays(self) -> int:
        """Number of messages about people whose header is not that of a played image.

        Messages before the first CameraInfo do not count: this node may have connected late.
        """
        first = min(self.headers, default=0)
        return sum(
            self.headers.get(nanoseconds(header.stamp)) != header.frame_id
            for header in self._checked
            if nanoseconds(header.stamp) >= first
        )

    def close(self) -> None:
        """Finish the video and the bag; has no effect the second time."""
        self._bag.close()
        self.video.close()

    def _add_topic(self, topic: str, kind: type) -> str:
        """Add a topic to the bag; returns its full name."""
        package, _, _ = kind.__module__.partition(".")
        name = self.resolve_topic_name(topic)
        self._bag.add_topic(name, f"{package}/msg/{kind.__name__}")
        return name

    def _record(
        self, topic: str, kind: type, callback: Callable[[Any], None] | None = None
    ) -> None:
        """Write the messages of a topic to the bag, and pass them to the callback."""
        name = self._add_topic(topic, kind)

        def keep(data: bytes) -> None:
            self._bag.write(name, self._now(), data)
            if callback is not None:
                callback(deserialize_message(data, kind))

        self.create_subscription(kind, topic, keep, _DEPTH, raw=True)

    def _now(self) -> int:
        return self.get_clock().now().nanoseconds

    def _on_camera_info(self, info: CameraInfo) -> None:
        self.headers[nanoseconds(info.header.stamp)] = info.header.frame_id
        self._bag.place_camera(info.header.frame_id, nanoseconds(info.header.stamp))

    def _check(self, message: PersonPoseArray) -> None:
        self._checked.append(message.header)

    def _on_people(self, message: PersonPoseArray) -> None:
        self._check(message)
        self.people[nanoseconds(message.header.stamp)] = people_from_message(message)
        self.arrivals.append(self._now())

    def _on_image(self, message: Image) -> None:
        """Record an image of the camera as a JPEG, a twentieth of its size."""
        quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
        _, jpeg = cv2.imencode(".jpg", to_bgr(*decode(message)), quality)
        compressed = CompressedImage(header=message.header, format="jpeg")
        compressed.data.frombytes(jpeg.tobytes())
        name = self.resolve_topic_name(_COMPRESSED)
        self._bag.write(name, self._now(), serialize_message(compressed))
        self.images += 1

    def _on_drawn(self, message: Image) -> None:
        image, _ = decode(message)
        stamp = nanoseconds(message.header.stamp)
        self.drawn[stamp] = self.video.add(image, stamp * 1e-9)
        if self._show is not None and stamp in self.people:
            self._show(stamp * 1e-9, image, self.people[stamp])

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self.diagnostics[status.name] = {pair.key: pair.value for pair in status.values}
