"""pose_estimator: camera images to initial poses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sensor_msgs.msg import CompressedImage, Image

from pinet_ros.device import describe_device, select_device
from pinet_ros.estimator import DETECTORS, LIFTERS, PoseEstimator
from pinet_ros.lifting.mppe.lifter import PRECISIONS
from pinet_ros.models.networks import RUNTIMES, describe_runtime, select_runtime
from pinet_ros.msg import PersonPoseArray
from pinet_ros.ros.camera_source import CameraSource
from pinet_ros.ros.images import decode
from pinet_ros.ros.live_node import DEVICE, LiveNode, run
from pinet_ros.ros.messages import people_to_message
from pinet_ros.ros.parameters import Parameter
from pinet_ros.ros.transport import IMAGE_TRANSPORT, subscribe_image


class PoseEstimatorNode(LiveNode):
    """Subscribes to `image` and `camera_info`, publishes `people/initial`."""

    PARAMETERS = (
        DEVICE,
        Parameter(
            "runtime",
            "auto",
            "what runs the networks: auto (onnx on the CPU, torch on a GPU), torch or onnx",
            choices=RUNTIMES,
        ),
        IMAGE_TRANSPORT,
        *CameraSource.PARAMETERS,
        Parameter("detector", "nanodet", "the person detector", choices=DETECTORS),
        Parameter(
            "detector_weights",
            "",
            "of a detector of torchvision: a file, random, or empty for torchvision's own",
        ),
        Parameter("lifter", "blazepose_full", "the pose network", choices=LIFTERS),
        Parameter("posenet", "", "file of PoseNet's snapshot, for the lifter mppe"),
        Parameter("rootnet", "", "file of RootNet's snapshot, for the lifter mppe"),
        Parameter(
            "precision",
            "auto",
            "of the lifter mppe: half (on a GPU only), full, or auto: half on a GPU",
            choices=PRECISIONS,
        ),
        Parameter(
            "mirror",
            False,
            "average the lifter with the mirrored image: twice its time, more symmetric limbs",
        ),
        Parameter(
            "score_threshold",
            0.4,
            "detections below this score are dropped",
            minimum=0.0,
            maximum=1.0,
            live=True,
        ),
        Parameter(
            "max_people",
            20,
            "of more people, only this many are lifted, the largest in the image",
            minimum=1,
            maximum=200,
        ),
    )

    def __init__(self, **options: Any) -> None:
        super().__init__("pose_estimator", **options)
        self._publisher = self.create_output(PersonPoseArray, "people/initial")
        self._estimator: PoseEstimator | None = None
        self._camera = CameraSource(self)

    def load(self) -> None:
        device = select_device(self.value("device"))
        runtime = select_runtime(self.value("runtime"), device)
        self._estimator = PoseEstimator.load(
            detector=self.value("detector"),
            detector_weights=self.value("detector_weights"),
            lifter=self.value("lifter"),
            posenet=self.value("posenet"),
            rootnet=self.value("rootnet"),
            device=device,
            runtime=runtime,
            precision=self.value("precision"),
            score_threshold=self.value("score_threshold"),
            max_people=self.value("max_people"),
            mirror=self.value("mirror"),
        )
        self._estimator.warm_up()
        self._estimator.times = self.diagnostics.times
        self.get_logger().info(
            f"{self.value('detector')} and {self.value('lifter')} on {describe_device(device)}, "
            f"run by {describe_runtime(runtime)}"
        )

    def unload(self) -> None:
        self._estimator = None

    def subscribe(self) -> None:
        subscribe_image(self, self._on_image)
        self._camera.subscribe()

    def _on_image(self, message: Image | CompressedImage) -> None:
        self.diagnostics.times.add("transport", self.latency(message.header))
        self.worker.put(message)

    def process(self, message: Image | CompressedImage) -> None:
        times = self.diagnostics.times
        with times.measure("decode"):
            image, layout = decode(message)
        camera = self._camera.camera(image.shape[1], image.shape[0])
        self._estimator.detector.score_threshold = self.value("score_threshold")
        people = self._estimator(image, layout, camera)
        self._count_left_out()
        with times.measure("publish"):
            self._publisher.publish(people_to_message(people, message.header))
        self.diagnostics.finished(len(people), self.latency(message.header))

    def _count_left_out(self) -> None:
        """Tell of the detections that were not lifted."""
        left_out = self._estimator.left_out
        self.diagnostics.left_out(
            "bad_boxes",
            left_out.bad_boxes,
            "boxes that are not finite, have no area or lie outside of the image are left out",
        )
        self.diagnostics.left_out(
            "surplus_people",
            left_out.surplus_people,
            f"more people than max_people ({self.value('max_people')}) are found: the largest in "
            "the image are lifted",
        )


def main(args: Sequence[str] | None = None) -> None:
    """Run the node."""
    run([PoseEstimatorNode], args)
