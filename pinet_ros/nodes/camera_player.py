"""camera_player: plays a video, a folder of images or a webcam as a camera."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image

from pinet_ros.errors import PinetError, printable
from pinet_ros.geometry.calibration import Calibration, read_calibration
from pinet_ros.geometry.camera import CameraError
from pinet_ros.imaging.pictures import PictureError
from pinet_ros.imaging.schedule import Schedule
from pinet_ros.imaging.video import TimedImage, open_source
from pinet_ros.ros.endpoints import create_output
from pinet_ros.ros.frames import camera_frame
from pinet_ros.ros.images import encode_bgr8
from pinet_ros.ros.parameters import Parameter, declare, value
from pinet_ros.ros.run import run

_WAIT_PERIOD = 0.2  # seconds between checks for subscribers
_SETTLING = 1.0  # seconds for discovered subscribers to discover this publisher too
_PATIENCE = 5.0  # seconds of waiting for subscribers after which it is said
_SOON = 1e-6  # seconds
_MAX_NAMED = 20  # pictures that cannot be used and are named in the log


class CameraPlayer(Node):
    """Publishes `image` and `camera_info` with the same stamp."""

    PARAMETERS = (
        Parameter(
            "source",
            "",
            "video file, folder of images, or webcam by index or device file",
            any_type=True,
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
            "images per second; 0 plays a video by its own times, and a folder at 10 per second",
            minimum=0.0,
            maximum=1000.0,
        ),
        Parameter("loop", False, "start again at the end; false exits there"),
        Parameter(
            "frame_id",
            "",
            "frame_id of the headers; empty is camera_optical_frame, after the namespace if the "
            "node has one",
        ),
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
        self._images = create_output(self, Image, "image")
        self._infos = create_output(self, CameraInfo, "camera_info")
        self._bad: dict[str, PinetError] = {}  # by message
        self._skipped = 0
        self._next: TimedImage | None = None
        self._frame_id = value(self, "frame_id") or camera_frame(self.get_namespace())
        self._at_end = False
        self._has_rewound = False  # since the latest image
        self._schedule = Schedule(self._source.rate, value(self, "rate"))
        self._started = self._waiting_since = time.monotonic()
        self._said: set[str] = set()
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = self.create_timer(_WAIT_PERIOD, self._wait, clock=steady)

    def _wait(self) -> None:
        """Start playing once there are enough subscribers, and they have had time to connect."""
        needed = value(self, "wait_for_subscribers")
        now = time.monotonic()
        counts = [topic.get_subscription_count() for topic in (self._images, self._infos)]
        if min(counts) < needed:
            self._waiting_since = now
            if now - self._started > _PATIENCE:
                self._say_once(
                    f"waiting for {needed} subscribers of image and of camera_info; nodes that "
                    "nobody subscribes to do not subscribe themselves (see always_on)"
                )
        if needed and now - self._waiting_since < _SETTLING:
            return
        if self._now() == 0:  # stamps of 0 would be the same for all images
            self._say_once("waiting for /clock, as use_sim_time is true")
            return
        self.destroy_timer(self._timer)
        rate = value(self, "rate") or self._source.rate
        self.get_logger().info(f"playing {printable(value(self, 'source'))} at {rate:.1f} Hz")
        self._timer = self.create_timer(_SOON, self._play)

    def _play(self) -> None:
        """Publish the image that is due, and let the timer wait for the next one.

        Returns after each image that cannot be used, so that the node stays responsive.
        """
        if self._at_end:
            self._end()
            return
        delay = 0.0
        try:
            if self._source.is_live:  # what is read ahead would be old when it is published
                self._publish(self._read())
                delay = self._schedule.delay(None, self._now())
            else:
                self._publish(self._next)
                self._next = self._read()
                if not self._has_rewound or self._at_end:
                    seconds = None if self._next is None else self._next.seconds
                    delay = self._schedule.delay(seconds, self._now())
        except (PictureError, CameraError) as error:
            self._next = None
            self._skip(error)
        self._timer.timer_period_ns = int(max(delay, _SOON) * 1e9)
        self._timer.reset()

    def _publish(self, timed: TimedImage | None) -> None:
        if timed is None:
            return
        message = encode_bgr8(timed.image, Image())
        message.header.frame_id = self._frame_id
        message.header.stamp = self.get_clock().now().to_msg()
        info = camera_info(self._calibration, message.width, message.height)
        info.header = message.header
        self._infos.publish(info)
        self._images.publish(message)
        self.published += 1

    def _read(self) -> TimedImage | None:
        """Read the next image; None if the source was rewound or is at its end.

        Raises:
            PictureError: it cannot be read.
            CameraError: the calibration is not for its size.
        """
        timed = self._source.read()
        if timed is not None:
            if self._calibration is not None:
                height, width = timed.image.shape[:2]
                self._calibration.require_size(width, height)
            self._has_rewound = False
        elif value(self, "loop") and not self._has_rewound:
            self._source.rewind()
            self._has_rewound = True
        else:
            self._at_end = True
        return timed

    def _say_once(self, message: str) -> None:
        if message not in self._said:
            self._said.add(message)
            self.get_logger().warning(message)

    def _skip(self, error: PinetError) -> None:
        """Count and name an image that cannot be used.

        Raises:
            PinetError: the error, if all further images would have it too.
        """
        if isinstance(error, CameraError) and self._source.has_one_size:
            raise error
        self._skipped += 1
        if str(error) not in self._bad and len(self._bad) < _MAX_NAMED:
            self._bad[str(error)] = error
            self.get_logger().warning(f"skipped: {error}")

    def _end(self) -> None:
        """Finish; raises the first error if no image could be used."""
        if not self.published and self._bad:
            raise next(iter(self._bad.values()))
        skipped = f"; skipped {self._skipped} gaps or images" if self._skipped else ""
        self.get_logger().info(f"end of the source after {self.published} images{skipped}")
        self.finished = True
        self.destroy_timer(self._timer)

    def _now(self) -> float:
        """Time of the node's clock, seconds."""
        return self.get_clock().now().nanoseconds * 1e-9


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
    run([CameraPlayer], args, publishes_images=True)
