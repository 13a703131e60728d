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
from pinet_ros.imaging.video import TimedImage, open_source
from pinet_ros.ros.endpoints import create_output
from pinet_ros.ros.images import encode_bgr8
from pinet_ros.ros.parameters import Parameter, declare, value
from pinet_ros.ros.run import run

_WAIT_PERIOD = 0.2  # seconds between checks for subscribers
_SETTLING = 1.0  # seconds for discovered subscribers to discover this publisher too
_LATE = 1.0  # seconds behind the source's time after which it is no longer caught up with
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
        self._images = create_output(self, Image, "image")
        self._infos = create_output(self, CameraInfo, "camera_info")
        self._bad: dict[str, PinetError] = {}  # by message
        self._skipped = 0
        self._next: TimedImage | None = None
        self._latest = self._due = 0.0  # of the latest image: source's time, and when it was due
        self._waiting_since = time.monotonic()
        self._waits_for_clock = False
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = self.create_timer(_WAIT_PERIOD, self._wait, clock=steady)

    def _wait(self) -> None:
        """Start playing once there are enough subscribers, and they have had time to connect."""
        needed = value(self, "wait_for_subscribers")
        now = time.monotonic()
        if any(topic.get_subscription_count() < needed for topic in (self._images, self._infos)):
            self._waiting_since = now
        if needed and now - self._waiting_since < _SETTLING:
            return
        if self._now() == 0:  # stamps of 0 would be the same for all images
            if not self._waits_for_clock:
                self.get_logger().warning("waiting for /clock, as use_sim_time is true")
            self._waits_for_clock = True
            return
        self.destroy_timer(self._timer)
        rate = value(self, "rate") or self._source.rate
        self.get_logger().info(f"playing {printable(value(self, 'source'))} at {rate:.1f} Hz")
        self._due = self._now()
        self._next = self._read()
        self._timer = self.create_timer(1 / rate, self._play)

    def _play(self) -> None:
        """Publish the next image, and let the timer wait for the one after it."""
        timed = self._next
        if timed is None:
            self._end()
            return
        message = encode_bgr8(timed.image, Image())
        message.header.frame_id = value(self, "frame_id")
        message.header.stamp = self.get_clock().now().to_msg()
        info = camera_info(self._calibration, message.width, message.height)
        info.header = message.header
        self._infos.publish(info)
        self._images.publish(message)
        self.published += 1
        self._next = self._read()
        self._timer.timer_period_ns = int(self._delay(self._next) * 1e9)
        self._timer.reset()

    def _delay(self, following: TimedImage | None) -> float:
        """Seconds to wait for the next image, at least a microsecond."""
        rate = value(self, "rate")
        interval = 1 / (rate or self._source.rate)
        if following is not None:
            own = following.seconds - self._latest
            interval = own if own > 0 and not rate else interval
            self._latest = following.seconds
        now = self._now()
        self._due += interval
        if not now - _LATE < self._due <= now + interval:  # late, or the clock has jumped
            self._due = now + (interval if self._due > now else 0.0)
        return max(self._due - now, 1e-6)

    def _read(self) -> TimedImage | None:
        """Read the next usable image; None at the end. What cannot be used is named once."""
        rewound = False
        while True:
            try:
                timed = self._source.read()
                if timed is not None:
                    height, width = timed.image.shape[:2]
                    camera_info(self._calibration, width, height)
                    return timed
            except (PictureError, CameraError) as error:
                self._skip(error)
                continue
            if rewound or not value(self, "loop"):
                return None
            self._source.rewind()
            rewound = True

    def _skip(self, error: PinetError) -> None:
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
