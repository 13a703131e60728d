"""Lifters: an image and boxes of people in, absolute 3D poses out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pinet_ros.camera import Camera
from pinet_ros.detection import Detections
from pinet_ros.frame import Frame
from pinet_ros.people import People


class Lifter(Protocol):
    """What the estimator asks of a lifter."""

    def __call__(self, frame: Frame, detections: Detections, camera: Camera) -> People: ...

    def lift(
        self,
        frames: Sequence[Frame],
        detections: Sequence[Detections],
        cameras: Sequence[Camera],
    ) -> list[People]: ...
