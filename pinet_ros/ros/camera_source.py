"""CameraSource: the camera of a node's images, from the latest CameraInfo."""

from __future__ import annotations

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


class CameraSource:
    """Keeps the latest CameraInfo, so that it need not arrive with every image."""

    PARAMETERS = (RECTIFIED, FALLBACK_FIELD_OF_VIEW)

    def __init__(self, node: LiveNode) -> None:
        """Create it for a node that has declared PARAMETERS."""
        self._node = node
        self._info: CameraInfo | None = None
        self._latest: tuple[tuple, Camera] | None = None

    @property
    def topic(self) -> str:
        """Fully qualified topic: next to the image topic, unless `camera_info` is remapped."""
        topic = self._node.resolve_topic_name("camera_info")
        namespace = self._node.get_namespace().rstrip("/")
        if topic != f"{namespace}/camera_info":
            return topic
        return f"{self._node.resolve_topic_name('image').rpartition('/')[0]}/camera_info"

    def subscribe(self) -> None:
        """Subscribe to the camera_info topic, and discard the previous CameraInfo."""
        self._info = None
        self._node.create_input(CameraInfo, self.topic, self._keep, watched=False)

    def _keep(self, info: CameraInfo) -> None:
        self._info = info

    def camera(self, width: int, height: int) -> Camera:
        """Camera of an image of this size, pixels.

        Raises:
            CameraError: there is no CameraInfo or it is not calibrated, without a fallback; or it
                cannot be used.
        """
        fallback = self._node.value("fallback_field_of_view")
        rectified = self._node.value("rectified")
        info = self._info
        calibrated = info is not None and (info.p if rectified else info.k)[0] > 0
        if calibrated:
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
