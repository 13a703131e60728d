"""PoseEstimator: one image to initial poses, by a detector and a lifter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from pinet_ros.camera import Camera
from pinet_ros.detection import Detections, Detector, LeftOut
from pinet_ros.detection.nanodet import NanoDet
from pinet_ros.detection.torchvision_detector import TORCHVISION_DETECTORS, TorchvisionDetector
from pinet_ros.errors import PinetError
from pinet_ros.frame import Frame
from pinet_ros.lifting import Lifter
from pinet_ros.lifting.blazepose import VARIANTS, BlazePose
from pinet_ros.lifting.mppe.lifter import ThreeDMPPE
from pinet_ros.people import People
from pinet_ros.timing import StageTimes

DETECTORS = ("nanodet", *TORCHVISION_DETECTORS)
LIFTERS = (*(f"blazepose_{variant}" for variant in VARIANTS), "mppe")


class PoseEstimator:
    """Finds the people of an image and lifts them to the camera frame.

    Attributes:
        left_out: detections of the latest call that were not lifted, of all its images.
        times: how long the stages took.
    """

    def __init__(
        self,
        detector: Detector,
        lifter: Lifter,
        device: torch.device,
        max_people: int = 20,
    ) -> None:
        """Join what is loaded; of more people than max_people the largest are lifted."""
        self.detector = detector
        self.lifter = lifter
        self.device = device
        self.max_people = max_people
        self.left_out = LeftOut()
        self.times = StageTimes()

    @classmethod
    def load(
        cls,
        *,
        detector: str = "nanodet",
        detector_weights: str = "",
        lifter: str = "blazepose_full",
        posenet: str = "",
        rootnet: str = "",
        device: torch.device,
        runtime: str = "auto",
        precision: str = "auto",
        score_threshold: float = 0.4,
        max_people: int = 20,
        mirror: bool = False,
    ) -> PoseEstimator:
        """Load the networks.

        Args:
            detector: one of DETECTORS.
            detector_weights: of a detector of torchvision, see TorchvisionDetector.
            lifter: one of LIFTERS.
            posenet, rootnet: files of the lifter mppe, see ThreeDMPPE.
            runtime: auto (ONNX Runtime on the CPU where it is installed, else torch), torch or
                onnx; torchvision's detectors are always run by torch.
            precision: of the lifter mppe, see ThreeDMPPE.
            score_threshold: detections below it are dropped, 0 to 1.
            max_people: of more, only so many are lifted, those that are largest in the image.
            mirror: average the lifter with the mirrored input.

        Raises:
            PinetError: a name is not known, files are not for what was chosen, weights are missing
                or damaged, or the runtime is not to be had on the device.
        """
        for name, known in ((detector, DETECTORS), (lifter, LIFTERS)):
            if name not in known:
                raise PinetError(f"{name!r} is not known; use one of {', '.join(known)}")
        require_fitting(detector, detector_weights, lifter, posenet, rootnet)
        where = {"device": device, "runtime": runtime}
        return cls(
            _load_detector(detector, detector_weights, score_threshold, **where),
            _load_lifter(lifter, posenet, rootnet, precision, mirror, **where),
            device,
            max_people,
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
        (detections,) = self._to_lift([frame], [detections])
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
        detections = self._to_lift(frames, detections)
        with self.times.measure("lift"):
            return self.lifter.lift(frames, detections, cameras)

    def warm_up(self) -> None:
        """Run once on a black image, so that the first real one is not slow."""
        frame = Frame.from_array(np.zeros((480, 640, 3), np.uint8), device=self.device)
        self.detector(frame)
        box = Detections(np.array([[200, 100, 400, 400]], np.float32), np.ones(1, np.float32))
        self.lifter(frame, box, Camera.from_field_of_view(60, 640, 480))

    def _to_lift(
        self, frames: Sequence[Frame], detections: Sequence[Detections]
    ) -> list[Detections]:
        """The detections that are lifted, at most max_people of an image; the rest is counted."""
        chosen = [
            found.to_lift(frame.width, frame.height, self.max_people)
            for frame, found in zip(frames, detections, strict=True)
        ]
        self.left_out = sum((left_out for _, left_out in chosen), LeftOut())
        return [kept for kept, _ in chosen]


def require_fitting(
    detector: str, detector_weights: str, lifter: str, posenet: str, rootnet: str
) -> None:
    """See that files are given to networks that take them.

    Raises:
        PinetError: one lacks, or would not be used.
    """
    if detector_weights and detector == "nanodet":
        raise PinetError(
            f"detector_weights {detector_weights!r} are for a detector of torchvision, not for "
            f"nanodet; choose one of {', '.join(TORCHVISION_DETECTORS)}, or leave them out"
        )
    if lifter == "mppe" and not (posenet and rootnet):
        raise PinetError(
            "the lifter mppe needs two files, which are not fetched: give posenet and rootnet, "
            "the released snapshots or those of `pinet train-lifter`"
        )
    if lifter != "mppe" and (posenet or rootnet):
        raise PinetError(
            f"posenet and rootnet are files of the lifter mppe, not of {lifter}; choose mppe, or "
            "leave them out"
        )


def _load_detector(
    name: str, weights: str, score_threshold: float, *, device: torch.device, runtime: str
) -> Detector:
    if name == "nanodet":
        return NanoDet(score_threshold=score_threshold, device=device, runtime=runtime)
    return TorchvisionDetector(
        name, weights=weights, score_threshold=score_threshold, device=device
    )


def _load_lifter(
    name: str, posenet: str, rootnet: str, precision: str, mirror: bool, **where: Any
) -> Lifter:
    if name == "mppe":
        return ThreeDMPPE(posenet, rootnet, precision=precision, mirror=mirror, **where)
    return BlazePose(variant=name.removeprefix("blazepose_"), mirror=mirror, **where)
