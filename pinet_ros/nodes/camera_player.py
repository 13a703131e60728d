"""camera_player: plays a video, a folder of images or a webcam as a camera."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from rclpy.node import Node
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, Image

from pinet_ros.errors import PinetError
from pinet_ros.geometry.calibration import Calibration, read_calibration
from pinet_ros.imaging.video import open_source
from pinet_ros.ros.images import encode_bgr8
from pinet_ros.ros.parameters import Parameter, declare, value
from pinet_ros.ros.run import run
from pinet_ros.ros.transport import enlarge_shared_memory

_WAIT_PERIOD = 0.2  # seconds between checks for subscribers
_SETTLING = 1.0  # seconds for discovered subscribers to discover this publisher too


class CameraPlayer(Node):
    """Publishes `image` and `camera_info` with the same stamp."""

    PARAMETERS = (
        Parameter(
            "source", "", "video file, folder of images, or index of a webcam", any_type=True
        ),
        Parameter(
            "calibration",
            "",
            "camera_info YAML as camera_calibration writes it; empty publishes K = 0, which means "
            "not calibrated",
        ),
        Parameter(
            "rate",
            0.0,
            "images per second; 0 is the source's own rate (10 for a folder)",
            minimum=0.0,
            maximum=1000.0,
        ),
        Parameter("loop", False, "start again at the end; false exits there"),
        Parameter("frame_id", "camera_optical_frame", "frame_id of the headers"),
        Parameter(
            "wait_for_subscribers",
            0,
            "start when image and camera_info have this many subscribers each",
            minimum=0,
            maximum=100,
        ),
    )

    def __init__(self, **options: Any) -> None:
        """Open the source.

        Raises:
            PinetError: the source or the calibration cannot be used.
        """
        super().__init__("camera_player", **options)
        declare(self, self.PARAMETERS)
        self.finished = False
        self.published = 0
        source = str(value(self, "source"))
        if not source:
            raise PinetError(
                "camera_player needs the parameter source; set it to a video file, a folder of "
                "images or the index of a webcam"
            )
        self._source = open_source(source)
        calibration = value(self, "calibration")
        self._calibration = read_calibration(calibration) if calibration else None
        overriding = QoSOverridingOptions.with_default_policies()
        self._images = self.create_publisher(Image, "image", 10, qos_overriding_options=overriding)
        self._infos = self.create_publisher(
            CameraInfo, "camera_info", 10, qos_overriding_options=overriding
        )
        self._waiting_since = time.monotonic()
        self._timer = self.create_timer(_WAIT_PERIOD, self._wait)

    def _wait(self) -> None:
        """Start playing once there are enough subscribers, and they have had time to connect."""
        needed = value(self, "wait_for_subscribers")
        now = time.monotonic()
        if any(topic.get_subscription_count() < needed for topic in (self._images, self._infos)):
            self._waiting_since = now
        if needed and now - self._waiting_since < _SETTLING:
            return
        self.destroy_timer(self._timer)
        rate = value(self, "rate") or self._source.rate
        self._timer = self.create_timer(1 / rate, self._play)
        self.get_logger().info(f"playing {value(self, 'source')} at {rate:.1f} Hz")

    def _play(self) -> None:
        image = self._source.read()
        if image is None and value(self, "loop"):
            self._source.rewind()
            image = self._source.read()
        if image is None:
            self.get_logger().info(f"end of the source after {self.published} images")
            self.finished = True
            self.destroy_timer(self._timer)
            return
        message = encode_bgr8(image, Image())
        message.header.frame_id = value(self, "frame_id")
        message.header.stamp = self.get_clock().now().to_msg()
        info = camera_info(self._calibration, image.shape[1], image.shape[0])
        info.header = message.header
        self._infos.publish(info)
        self._images.publish(message)
        self.published += 1


def camera_info(calibration: Calibration | None, width: int, height: int) -> CameraInfo:
    """Create the CameraInfo of an image of this size, pixels; K is 0 without a calibration.

    Raises:
        CameraError: the calibration is for another size.
    """
    if calibration is None:
        return CameraInfo(width=width, height=height)
    calibration.require_size(width, height)
    return CameraInfo(
        width=width,
        height=height,
        k=calibration.k,
        d=calibration.d,
        distortion_model=calibration.distortion_model,
        r=calibration.r,
        p=calibration.p,
    )


def main(args: Sequence[str] | None = None) -> None:
    """Run the node."""
    enlarge_shared_memory()
    run([CameraPlayer], args)
