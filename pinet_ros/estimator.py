"""PoseEstimator: one image to initial poses, by a detector and a lifter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from pinet_ros.camera import Camera
from pinet_ros.detection import Detections, Detector
from pinet_ros.detection.nanodet import NanoDet
from pinet_ros.errors import PinetError
from pinet_ros.frame import Frame
from pinet_ros.lifting import Lifter
from pinet_ros.lifting.blazepose import VARIANTS, BlazePose
from pinet_ros.people import People
from pinet_ros.timing import StageTimes

DETECTORS = ("nanodet",)
LIFTERS = tuple(f"blazepose_{variant}" for variant in VARIANTS)


class PoseEstimator:
    """Finds the people of an image and lifts them to the camera frame."""

    def __init__(self, detector: Detector, lifter: Lifter, device: torch.device) -> None:
        self.detector = detector
        self.lifter = lifter
        self.device = device
        self.times = StageTimes()

    @classmethod
    def load(
        cls,
        *,
        detector: str = "nanodet",
        lifter: str = "blazepose_full",
        device: torch.device,
        runtime: str = "auto",
        score_threshold: float = 0.4,
        max_people: int = 20,
        mirror: bool = False,
    ) -> PoseEstimator:
        """Load the networks.

        Args:
            detector: one of DETECTORS.
            lifter: one of LIFTERS.
            runtime: auto (ONNX Runtime on the CPU where it is installed, else torch), torch or
                onnx.
            score_threshold: detections below it are dropped, 0 to 1.
            max_people: only the most certain so many are lifted.
            mirror: average the lifter with the mirrored input.

        Raises:
            PinetError: a name is not known, weights are missing or damaged, or the runtime is not
                to be had on the device.
        """
        for name, known in ((detector, DETECTORS), (lifter, LIFTERS)):
            if name not in known:
                raise PinetError(f"{name!r} is not known; use one of {', '.join(known)}")
        where = {"device": device, "runtime": runtime}
        return cls(
            NanoDet(score_threshold=score_threshold, max_people=max_people, **where),
            BlazePose(variant=lifter.removeprefix("blazepose_"), mirror=mirror, **where),
            device,
        )

    def __call__(self, image: np.ndarray, layout: str, camera: Camera) -> People:
        """Estimate all people of one image.

        Args:
            image: (H,W,C) uint8.
            layout: order of its channels: rgb, bgr, rgba, bgra or mono.
            camera: that took it.
        """
        with self.times.measure("upload"):
            frame = Frame.from_array(image, layout=layout, device=self.device)
        with self.times.measure("detect"):
            detections = self.detector(frame)
        with self.times.measure("lift"):
            return self.lifter(frame, detections, camera)

    def estimate_batch(
        self, images: Sequence[np.ndarray], layout: str, cameras: Sequence[Camera]
    ) -> list[People]:
        """Estimate all people of several images at once, those of each as `__call__` does.

        On a GPU that is faster, and it takes memory for all of them.

        Args:
            images: each (H,W,C) uint8, of any size.
            layout: order of their channels: rgb, bgr, rgba, bgra or mono.
            cameras: that took them.
        """
        if not images:
            return []
        with self.times.measure("upload"):
            frames = [
                Frame.from_array(image, layout=layout, device=self.device) for image in images
            ]
        with self.times.measure("detect"):
            detections = self.detector.detect(frames)
        with self.times.measure("lift"):
            return self.lifter.lift(frames, detections, cameras)

    def warm_up(self) -> None:
        """Run once on a black image, so that the first real one is not slow."""
        frame = Frame.from_array(np.zeros((480, 640, 3), np.uint8), device=self.device)
        self.detector(frame)
        box = Detections(np.array([[200, 100, 400, 400]], np.float32), np.ones(1, np.float32))
        self.lifter(frame, box, Camera.from_field_of_view(60, 640, 480))
