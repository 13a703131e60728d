"""Recorder: records what the nodes publish, to a video, a bag and statistics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from ament_index_python.packages import get_package_share_path
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.serialization import deserialize_message
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from pinet_ros.msg import PersonPoseArray
from pinet_ros.people import People
from pinet_ros.ros.images import decode
from pinet_ros.ros.messages import people_from_message

_DEPTH = 1000  # messages; they are small, and none may be lost
_IMAGE_DEPTH = 20


class Recorder(Node):
    """Subscribes to everything that the nodes publish, and writes the bag and the video.

    Attributes:
        headers: frame_id of each played image, by its stamp in nanoseconds.
        people: refined people, by stamp.
        arrivals: arrival time of each of them, nanoseconds.
        drawn: index of the video frame that shows an image, by stamp.
        diagnostics: latest values of each node, by node name.
        video: path of the video.
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
        self.people: dict[int, People] = {}
        self.arrivals: list[int] = []
        self.drawn: dict[int, int] = {}
        self.diagnostics: dict[str, dict[str, str]] = {}
        self.video = folder / "people.mp4"
        self._checked: list[Header] = []
        self._rate = rate
        self._show = show
        self._writer: cv2.VideoWriter | None = None
        self._latest: np.ndarray | None = None
        self._start = 0  # stamp of the first image
        self._frames = 0
        self._bag = Writer(folder / "bag", version=9, storage_plugin=StoragePlugin.MCAP)
        self._bag.open()
        self._types = get_typestore(Stores.LATEST)
        for name in ("PersonPose", "PersonPoseArray"):
            definition = get_package_share_path("pinet_ros") / "msg" / f"{name}.msg"
            full_name = f"pinet_ros/msg/{name}"
            self._types.register(get_types_from_msg(definition.read_text(), full_name))
        self._record("camera_info", CameraInfo, self._on_camera_info)
        self._record("people/initial", PersonPoseArray, self._check)
        self._record("people", PersonPoseArray, self._on_people)
        self._record("people/markers", MarkerArray)
        self.create_subscription(Image, "people/image", self._on_image, _IMAGE_DEPTH)
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
            self.headers.get(_stamp(header)) != header.frame_id
            for header in self._checked
            if _stamp(header) >= first
        )

    def close(self) -> None:
        """Finish the video and the bag."""
        self._bag.close()
        if self._writer is not None:
            self._writer.release()

    def _record(
        self, topic: str, kind: type, callback: Callable[[Any], None] | None = None
    ) -> None:
        """Write the messages of a topic to the bag, and pass them to the callback."""
        package, _, _ = kind.__module__.partition(".")
        name = f"{package}/msg/{kind.__name__}"
        connection = self._bag.add_connection(
            self.resolve_topic_name(topic), name, typestore=self._types
        )

        def keep(data: bytes) -> None:
            self._bag.write(connection, self.get_clock().now().nanoseconds, data)
            if callback is not None:
                callback(deserialize_message(data, kind))

        self.create_subscription(kind, topic, keep, _DEPTH, raw=True)

    def _on_camera_info(self, info: CameraInfo) -> None:
        self.headers[_stamp(info.header)] = info.header.frame_id

    def _check(self, message: PersonPoseArray) -> None:
        self._checked.append(message.header)

    def _on_people(self, message: PersonPoseArray) -> None:
        self._check(message)
        self.people[_stamp(message.header)] = people_from_message(message)
        self.arrivals.append(self.get_clock().now().nanoseconds)

    def _on_image(self, message: Image) -> None:
        image, _ = decode(message)
        stamp = _stamp(message.header)
        if self._writer is None:
            size = (message.width, message.height)
            code = cv2.VideoWriter.fourcc(*"mp4v")
            self._writer = cv2.VideoWriter(str(self.video), code, self._rate, size)
            self._start = stamp
        due = round((stamp - self._start) * 1e-9 * self._rate)
        for _ in range(self._frames, due):
            self._write(self._latest)
        self._write(image)
        self.drawn[stamp] = self._frames - 1
        if self._show is not None and stamp in self.people:
            self._show(stamp * 1e-9, image, self.people[stamp])

    def _write(self, image: np.ndarray) -> None:
        self._writer.write(image)
        self._latest = image
        self._frames += 1

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self.diagnostics[status.name] = {pair.key: pair.value for pair in status.values}


def _stamp(header: Header) -> int:
    """Stamp of a header, nanoseconds."""
    return header.stamp.sec * 10**9 + header.stamp.nanosec
