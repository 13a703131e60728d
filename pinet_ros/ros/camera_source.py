"""CameraSource: the camera of a node's images, from the latest CameraInfo."""

from __future__ import annotations

import sys
import threading
import time

from rclpy.node import Node
from sensor_msgs.msg import CameraInfo

from pinet_ros.geometry.camera import Camera, CameraError
from pinet_ros.ros.live_node import LiveNode
from pinet_ros.ros.messages import camera_from_info
from pinet_ros.ros.parameters import Parameter

RECTIFIED = Parameter(
    "rectified",
    False,
    "the image is rectified: use P of camera_info instead of K and D",
    live=True,
)
FALLBACK_FIELD_OF_VIEW = Parameter(
    "fallback_field_of_view",
    0.0,
    "horizontal field of view in degrees, assumed for a camera without calibration; 0 refuses "
    "such a camera, as a wrong focal length gives wrong distances",
    minimum=0.0,
    maximum=170.0,
    live=True,
)
_PATIENCE = 1.0  # seconds


class CameraSource:
    """Keeps the latest CameraInfo, so that it need not arrive with every image."""

    PARAMETERS = (RECTIFIED, FALLBACK_FIELD_OF_VIEW)

    def __init__(self, node: LiveNode) -> None:
        """Create it for a node that has declared PARAMETERS."""
        self._node = node
        self._info: CameraInfo | None = None
        self._arrived = threading.Event()
        self._patience = 0.0  # monotonic time until which the first CameraInfo is waited for
        self._latest: tuple[tuple, Camera] | None = None

    @property
    def topic(self) -> str:
        """Fully qualified topic: next to the image topic, unless `camera_info` is remapped."""
        if is_remapped(self._node, "camera_info"):
            return self._node.resolve_topic_name("camera_info")
        image = self._node.resolve_topic_name("image").removesuffix("/compressed")
        return f"{image.rpartition('/')[0]}/camera_info"

    def subscribe(self) -> None:
        """Subscribe to the camera_info topic, and discard the previous CameraInfo."""
        self._info = None
        self._arrived.clear()
        self._patience = time.monotonic() + _PATIENCE
        self._node.create_input(CameraInfo, self.topic, self._keep, watched=False)
        self._node.create_latched_input(CameraInfo, self.topic, self._keep)

    def _keep(self, info: CameraInfo) -> None:
        self._info = info
        self._arrived.set()

    def camera(self, width: int, height: int) -> Camera:
        """Camera of an image of this size, pixels.

        After the subscription it waits a second for the first CameraInfo, as an image may arrive
        before it; so do not call it in the thread that receives messages.

        Raises:
            CameraError: there is no CameraInfo or it is not calibrated, without a fallback; or it
                cannot be used.
        """
        self._arrived.wait(max(0.0, self._patience - time.monotonic()))
        fallback = self._node.value("fallback_field_of_view")
        rectified = self._node.value("rectified")
        info = self._info
        if info is not None and (info.p if rectified else info.k)[0] != 0:
            return self._calibrated(info, width, height, rectified)
        if fallback:
            return Camera.from_field_of_view(fallback, width, height)
        if info is None:
            raise CameraError(
                f"no camera_info on {self.topic} yet, which distances in metres need; remap "
                "camera_info to your camera's topic, or set fallback_field_of_view"
            )
        raise CameraError(
            f"the camera_info on {self.topic} has {'P' if rectified else 'K'} = 0: the camera is "
            "not calibrated; calibrate it (camera_calibration), or set fallback_field_of_view"
        )

    def _calibrated(self, info: CameraInfo, width: int, height: int, rectified: bool) -> Camera:
        """Camera of a CameraInfo, computed again only when it has changed."""
        key = (
            *(width, height, rectified, info.width, info.height, info.distortion_model),
            *(info.binning_x, info.binning_y, info.roi.x_offset, info.roi.y_offset),
            *(info.roi.width, info.roi.height, *info.k, *info.p, *info.d),
        )
        if self._latest is None or self._latest[0] != key:
            camera = camera_from_info(info, width, height, rectified=rectified)
            self._latest = key, camera
        return self._latest[1]


def is_remapped(node: Node, name: str) -> bool:
    """Whether a relative topic name is remapped, even if to the topic that it names anyway."""
    if node.resolve_topic_name(name) != node.resolve_topic_name(name, only_expand=True):
        return True
    sides = [argument.partition(":=")[0] for argument in sys.argv if ":=" in argument]
    matched = [side.rpartition(":")[2].removeprefix("//") for side in sides]  # without a node
    return any(
        node.resolve_topic_name(match, only_expand=True)
        == node.resolve_topic_name(name, only_expand=True)
        for match in matched
        if match.endswith(name)
    )
