"""pose_estimator: estimates initial 3D poses of the people in camera images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sensor_msgs.msg import CompressedImage, Image

from pinet_ros.detection.detections import Dropped
from pinet_ros.estimator import EstimatorConfig, PoseEstimator
from pinet_ros.msg import PersonPoseArray
from pinet_ros.positioning.floor import Floor, FloorConfig, require_upright
from pinet_ros.ros.camera_source import CameraSource
from pinet_ros.ros.images import decode
from pinet_ros.ros.live_node import DEVICE, LiveNode
from pinet_ros.ros.messages import people_to_message
from pinet_ros.ros.parameters import Parameter, read_options
from pinet_ros.ros.run import run
from pinet_ros.ros.transport import IMAGE_TRANSPORT, subscribe_image
from pinet_ros.util.device import release_memory


class PoseEstimatorNode(LiveNode):
    """Subscribes to `image` and `camera_info`, publishes `people/initial`."""

    PARAMETERS = (
        DEVICE,
        IMAGE_TRANSPORT,
        *CameraSource.PARAMETERS,
        *Parameter.from_options(EstimatorConfig),
        *Parameter.from_options(FloorConfig),
    )

    def __init__(self, **options: Any) -> None:
        super().__init__("pose_estimator", **options)
        self._publisher = self.create_output(PersonPoseArray, "people/initial")
        self._estimator: PoseEstimator | None = None
        self._floor: Floor | None = None
        self._camera = CameraSource(self)

    def load(self) -> None:
        """Load the networks that the parameters select."""
        config = read_options(self, EstimatorConfig)
        self._floor = read_options(self, FloorConfig).of_camera()
        if self._floor:
            require_upright(self._floor, config.image_rotation)
        self._estimator = PoseEstimator(config, self.value("device"))
        self._estimator.warm_up()
        self.get_logger().info(self._estimator.describe())

    def unload(self) -> None:
        """Free the networks."""
        self._estimator = None
        release_memory()

    def subscribe(self) -> None:
        """Subscribe to image and camera_info."""
        subscribe_image(self, self._on_image)
        self._camera.subscribe()

    def _on_image(self, message: Image | CompressedImage) -> None:
        self.diagnostics.times.add("transport", self.latency(message.header))
        self.worker.put(message)

    def process(self, message: Image | CompressedImage) -> None:
        """Estimate the people of one image, and publish them."""
        assert self._estimator is not None  # set when the node is configured
        times = self.diagnostics.times
        with times.measure("decode"):
            image, channels = decode(message)
        camera = self._camera.camera(image.shape[1], image.shape[0])
        self._estimator.score_threshold = self.value("score_threshold")
        estimate = self._estimator(image, camera, channels=channels, floor=self._floor)
        for stage, seconds in estimate.times.items():
            times.add(stage, seconds)
        self._count_dropped(estimate.dropped)
        with times.measure("publish"):
            self._publisher.publish(people_to_message(estimate.people, message.header))
        self.diagnostics.finished(len(estimate.people), self.latency(message.header))

    def _count_dropped(self, dropped: Dropped) -> None:
        """Report detections that were not lifted."""
        self.diagnostics.dropped(
            "bad_boxes",
            dropped.bad_boxes,
            "the detector gave boxes that are not finite, have no area or are outside the image; "
            "they are dropped",
        )
        self.diagnostics.dropped(
            "surplus_people",
            dropped.surplus_people,
            f"more people than max_people ({self.value('max_people')}) were detected; only the "
            "largest in the image are lifted",
        )


def main(args: Sequence[str] | None = None) -> None:
    """Run the node."""
    run([PoseEstimatorNode], args)
