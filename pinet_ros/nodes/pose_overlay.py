"""pose_overlay: draws the refined people onto the image they were found in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from sensor_msgs.msg import CompressedImage, Image

from pinet_ros.imaging.drawing import draw_people, to_bgr
from pinet_ros.msg import PersonPoseArray
from pinet_ros.ros.camera_source import CameraSource
from pinet_ros.ros.exact_time import ExactTime
from pinet_ros.ros.images import decode, encode_bgr8
from pinet_ros.ros.live_node import LiveNode
from pinet_ros.ros.messages import people_from_message
from pinet_ros.ros.parameters import Parameter
from pinet_ros.ros.run import run
from pinet_ros.ros.transport import IMAGE_TRANSPORT, subscribe_image


class PoseOverlayNode(LiveNode):
    """Subscribes to `image`, `camera_info` and `people`, publishes `people/image`."""

    PARAMETERS = (
        IMAGE_TRANSPORT,
        *CameraSource.PARAMETERS,
        Parameter(
            "queue_size",
            30,
            "number of images to keep until the people found in them arrive",
            minimum=1,
            maximum=1000,
        ),
    )

    def __init__(self, **options: Any) -> None:
        super().__init__("pose_overlay", **options)
        self._publisher = self.create_output(Image, "people/image")
        self._camera = CameraSource(self)

    def subscribe(self) -> None:
        """Subscribe to image, camera_info and people."""
        pairs = ExactTime(2, self.value("queue_size"), self.worker.put)
        subscribe_image(self, partial(pairs.add, 0))
        self.create_input(PersonPoseArray, "people", partial(pairs.add, 1))
        self._camera.subscribe()

    def process(self, pair: tuple[Image | CompressedImage, PersonPoseArray]) -> None:
        """Draw the people onto their image, and publish it."""
        message, people_message = pair
        people = people_from_message(people_message)
        with self.diagnostics.times.measure("draw"):
            image = to_bgr(*decode(message))
            if len(people):
                draw_people(image, people, self._camera.camera(image.shape[1], image.shape[0]))
        with self.diagnostics.times.measure("publish"):
            self._publisher.publish(encode_bgr8(image, Image(header=message.header)))
        self.diagnostics.finished(len(people), self.latency(message.header))


def main(args: Sequence[str] | None = None) -> None:
    """Run the node."""
    run([PoseOverlayNode], args, publishes_images=True)
