"""PoseEstimator: finds the people of an image with a detector and lifts them to 3D."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast, overload

import numpy as np
import torch

from pinet_ros.detection.detections import Detections, Detector, Dropped, select_for_lifting
from pinet_ros.detection.load_detector import DETECTORS, load_detector
from pinet_ros.errors import PinetError
from pinet_ros.geometry.camera import Camera
from pinet_ros.geometry.turning import (
    image_rotation_option,
    turn_camera,
    turn_image,
    turn_people_back,
)
from pinet_ros.imaging.frame import Frame
from pinet_ros.lifting.lifter import Lifter
from pinet_ros.lifting.load_lifter import LIFTERS, PRECISIONS, load_lifter
from pinet_ros.models.networks import RUNTIMES, describe_runtime, select_runtime
from pinet_ros.people import People
from pinet_ros.positioning.floor import Floor
from pinet_ros.positioning.placement import place
from pinet_ros.util.device import describe_device, select_device
from pinet_ros.util.options import option, violation


@dataclass(frozen=True)
class EstimatorConfig:
    """Options of PoseEstimator, also of the node pose_estimator and the command line.

    Raises:
        PinetError: a value is out of range, or files are missing or do not belong to the networks.
    """

    runtime: str = option(
        "auto",
        "runtime of the networks: auto (onnx on the CPU, torch on a GPU), torch or onnx",
        choices=RUNTIMES,
    )
    detector: str = option("nanodet", "person detector", choices=DETECTORS)
    detector_weights: str = option(
        "",
        "weights file of the detector: of nanodet from `pinet train-detector`, or of a "
        "torchvision detector (random, for tests); empty for the default",
    )
    lifter: str = option("blazepose_full", "network that lifts people to 3D", choices=LIFTERS)
    lifter_weights: str = option(
        "", "weights file of a BlazePose lifter, from `pinet train-lifter`; empty for the default"
    )
    posenet: str = option("", "PoseNet snapshot file of the lifter mppe")
    rootnet: str = option("", "RootNet snapshot file of the lifter mppe")
    precision: str = option(
        "auto",
        "precision of the lifter mppe: auto (half on a GPU, else full), half (GPU only) or full",
        choices=PRECISIONS,
    )
    mirror: bool = option(
        False,
        "average over the image and its mirror image: twice the lifter's time, more symmetry",
    )
    score_threshold: float = option(
        0.5, "drop detections with a lower score", minimum=0.0, maximum=1.0, live=True
    )
    max_people: int = option(
        20,
        "if more people are detected, lift only the largest in the image",
        minimum=1,
        maximum=200,
    )
    image_rotation: int = image_rotation_option()

    def __post_init__(self) -> None:
        if problem := violation(self):
            raise PinetError(problem)
        if self.lifter == "mppe" and not (self.posenet and self.rootnet):
            raise PinetError(
                "the lifter mppe needs two files: set posenet and rootnet to the released "
                "snapshots or to those that `pinet train-lifter` wrote"
            )
        if self.lifter == "mppe" and self.lifter_weights:
            raise PinetError(
                "lifter_weights is a file of a BlazePose lifter; give the files of mppe as "
                "posenet and rootnet, or omit it"
            )
        if self.lifter != "mppe" and (self.posenet or self.rootnet):
            raise PinetError(
                f"posenet and rootnet are files of the lifter mppe, not of {self.lifter}; use "
                "mppe, or omit them"
            )


@dataclass(frozen=True, eq=False)
class Estimate:
    """The result of PoseEstimator for one image.

    Attributes:
        people: initial poses in MUPOTS_17, metres, camera optical frame.
        detections: the detections that were lifted; of some the lifter may have seen no person.
        dropped: detections that were not lifted.
        times: seconds of the stages upload, detect, lift and, with a floor, place; for a batch, of
            the whole batch.
        stamp: time stamp of the image, as given.
    """

    people: People
    detections: Detections
    dropped: Dropped
    times: dict[str, float]
    stamp: float | None = None


class PoseEstimator:
    """Finds the people in images and lifts them to 3D poses in the camera frame.

    Attributes:
        config: the options.
        device: device that the networks run on.
    """

    def __init__(
        self,
        config: EstimatorConfig | None = None,
        device: str | torch.device = "auto",
        *,
        detector: Detector | None = None,
        lifter: Lifter | None = None,
    ) -> None:
        """Load the networks.

        Args:
            config: options; None for the defaults.
            device: auto (the first GPU, else the CPU), cpu, cuda or cuda:N.
            detector, lifter: your own, used instead of those that the config names.

        Raises:
            DeviceError: the device is unknown or not available.
            ModelError: weights are missing, damaged, or do not fit the chosen network.
            PinetError: the runtime is not available on this device.
        """
        self.config = config or EstimatorConfig()
        self.device = select_device(device) if isinstance(device, str) else device
        self._detector = detector or load_detector(
            self.config.detector,
            self.device,
            weights=self.config.detector_weights,
            score_threshold=self.config.score_threshold,
            runtime=self.config.runtime,
        )
        self._lifter = lifter or load_lifter(
            self.config.lifter,
            self.device,
            weights=self.config.lifter_weights,
            posenet=self.config.posenet,
            rootnet=self.config.rootnet,
            precision=self.config.precision,
            mirror=self.config.mirror,
            runtime=self.config.runtime,
        )

    @overload
    def __call__(
        self,
        image: np.ndarray,
        camera: Camera,
        *,
        channels: str = ...,
        stamp: float | None = ...,
        floor: Floor | None = ...,
    ) -> Estimate: ...

    @overload
    def __call__(
        self,
        image: Sequence[np.ndarray],
        camera: Sequence[Camera],
        *,
        channels: str = ...,
        stamp: Sequence[float] | None = ...,
        floor: Floor | None = ...,
    ) -> list[Estimate]: ...

    def __call__(
        self,
        image: np.ndarray | Sequence[np.ndarray],
        camera: Camera | Sequence[Camera],
        *,
        channels: str = "bgr",
        stamp: float | Sequence[float] | None = None,
        floor: Floor | None = None,
    ) -> Estimate | list[Estimate]:
        """Estimate the people of one image, or of several at once.

        Several images form one batch: faster on a GPU, at the cost of memory for all of them.

        Args:
            image: (H,W,C) uint8; or a list of images, of any sizes.
            camera: the camera that took the image; or a list with one camera for each image.
            channels: channel order: rgb, bgr, rgba, bgra or mono.
            stamp: time in seconds when the image was taken; or a list with one for each image.
            floor: which way is up for the camera, and where the floor is, as far as that is
                known; for all images.

        Returns:
            The people found; for a list of images, a list of results.

        Raises:
            ValueError: an image is not uint8 or does not have these channels, or the numbers of
                images, cameras and stamps differ.
        """
        if isinstance(image, np.ndarray):
            single = cast(Camera, camera), cast("float | None", stamp)
            return self._estimate([image], [single[0]], channels, [single[1]], floor)[0]
        cameras = [camera] if isinstance(camera, Camera) else list(camera)
        stamps = [None] * len(image) if stamp is None else list(cast("Sequence[float]", stamp))
        if not len(image) == len(cameras) == len(stamps):
            raise ValueError(
                f"{len(image)} images need as many cameras and stamps, got {len(cameras)} cameras "
                f"and {len(stamps)} stamps"
            )
        return self._estimate(image, cameras, channels, stamps, floor)

    @property
    def score_threshold(self) -> float:
        """Score, 0 to 1, below which detections are dropped; may be changed at any time."""
        return self._detector.score_threshold

    @score_threshold.setter
    def score_threshold(self, value: float) -> None:
        self._detector.score_threshold = value

    def warm_up(self) -> None:
        """Run once on a black image, so that the first real one is not slow."""
        frame = Frame.from_array(np.zeros((480, 640, 3), np.uint8), device=self.device)
        self._detector([frame])
        box = Detections(np.array([[200, 100, 400, 400]], np.float32), np.ones(1, np.float32))
        self._lifter([frame], [box], [Camera.from_field_of_view(60, 640, 480)])

    def describe(self) -> str:
        """Describe networks, device and runtime in one line, for the log."""
        runtime = describe_runtime(select_runtime(self.config.runtime, self.device))
        names = f"{self.config.detector} and {self.config.lifter}"
        return f"{names} on {describe_device(self.device)}, run by {runtime}"

    def _estimate(
        self,
        images: Sequence[np.ndarray],
        cameras: Sequence[Camera],
        channels: str,
        stamps: Sequence[float | None],
        floor: Floor | None,
    ) -> list[Estimate]:
        if not images:
            return []
        times: dict[str, float] = {}
        degrees = self.config.image_rotation
        upright = [turn_camera(camera, degrees) for camera in cameras] if degrees else cameras
        with _measured(times, "upload"):
            images = [turn_image(image, degrees) for image in images] if degrees else images
            frames = [Frame.from_array(i, channels=channels, device=self.device) for i in images]
        with _measured(times, "detect"):
            detections = self._detector(frames)
        pairs = zip(frames, detections, strict=True)
        selected = [select_for_lifting(d, f, self.config.max_people) for f, d in pairs]
        with _measured(times, "lift"):
            people = self._lifter(frames, [kept for kept, _ in selected], upright)
        if degrees:
            people = [
                turn_people_back(p, c, degrees) for p, c in zip(people, cameras, strict=True)
            ]
        if floor is not None:
            with _measured(times, "place"):
                people = [place(found, floor) for found in people]
        return [
            Estimate(found, kept, dropped, times, stamp)
            for found, (kept, dropped), stamp in zip(people, selected, stamps, strict=True)
        ]


@contextmanager
def _measured(times: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    times[stage] = time.perf_counter() - start
