"""A bag that shows everything by itself: people, camera images, and the camera in the world."""

from __future__ import annotations

from pathlib import Path

from ament_index_python.packages import get_package_share_path
from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

WORLD = "map"  # x forward, y left, z up, with its origin in the camera
# Rotation from an optical frame (x right, y down, z forward) to that, as (x, y, z, w).
_OPTICAL = (-0.5, 0.5, -0.5, 0.5)
_FOREVER = QosTime(2147483647, 4294967295)
_LATCHED = Qos(
    QosHistory.KEEP_LAST,
    1,
    QosReliability.RELIABLE,
    QosDurability.TRANSIENT_LOCAL,
    _FOREVER,
    _FOREVER,
    QosLiveliness.AUTOMATIC,
    _FOREVER,
    False,
)


class Bag:
    """Writes an MCAP bag, without rosbag2."""

    def __init__(self, folder: Path) -> None:
        """Open a bag in a folder, which must not exist."""
        # Humble cannot read version 9, whose quality of service is no longer a string.
        self._writer = Writer(folder, version=8, storage_plugin=StoragePlugin.MCAP)
        self._writer.open()
        self._types = get_typestore(Stores.LATEST)
        for definition in sorted((get_package_share_path("pinet_ros") / "msg").glob("*.msg")):
            name = f"pinet_ros/msg/{definition.stem}"
            self._types.register(get_types_from_msg(definition.read_text(), name))
        self._connections = {}
        self._frames: set[str] = set()

    def add_topic(self, topic: str, kind: str, *, latched: bool = False) -> None:
        """Add a topic of a kind of message, such as sensor_msgs/msg/Image."""
        self._connections[topic] = self._writer.add_connection(
            topic,
            kind,
            typestore=self._types,
            offered_qos_profiles=[_LATCHED] if latched else [],
        )

    def write(self, topic: str, nanoseconds: int, data: bytes) -> None:
        """Write a serialised message of a topic."""
        self._writer.write(self._connections[topic], nanoseconds, data)

    def place_camera(self, frame: str, nanoseconds: int) -> None:
        """Write where a camera is, the first time that its optical frame is named."""
        if frame in self._frames:
            return
        self._frames.add(frame)
        if len(self._frames) == 1:
            self.add_topic("/tf_static", "tf2_msgs/msg/TFMessage", latched=True)
        kinds = self._types.types
        seconds, rest = divmod(nanoseconds, 10**9)
        transform = kinds["geometry_msgs/msg/TransformStamped"](
            header=kinds["std_msgs/msg/Header"](
                stamp=kinds["builtin_interfaces/msg/Time"](sec=seconds, nanosec=rest),
                frame_id=WORLD,
            ),
            child_frame_id=frame,
            transform=kinds["geometry_msgs/msg/Transform"](
                translation=kinds["geometry_msgs/msg/Vector3"](x=0.0, y=0.0, z=0.0),
                rotation=kinds["geometry_msgs/msg/Quaternion"](
                    **dict(zip("xyzw", _OPTICAL, strict=True))
                ),
            ),
        )
        message = kinds["tf2_msgs/msg/TFMessage"](transforms=[transform])
        data = self._types.serialize_cdr(message, "tf2_msgs/msg/TFMessage")
        self.write("/tf_static", nanoseconds, bytes(data))

    def close(self) -> None:
        """Finish the bag; has no effect the second time."""
        if self._writer.storage is not None:
            self._writer.close()
