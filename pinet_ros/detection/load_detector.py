"""Loading of person detectors by name."""

from __future__ import annotations

import torch

from pinet_ros.detection.detections import Detector
from pinet_ros.detection.nanodet import NanoDet
from pinet_ros.detection.torchvision_detector import TORCHVISION_DETECTORS, TorchvisionDetector

DETECTORS = ("nanodet", *TORCHVISION_DETECTORS)


def load_detector(
    name: str, device: torch.device, *, weights: str, score_threshold: float, runtime: str
) -> Detector:
    """Load a detector of DETECTORS; the arguments and errors are those of its class.

    `weights` is for torchvision detectors, `runtime` for the others.
    """
    if name == "nanodet":
        return NanoDet(score_threshold=score_threshold, device=device, runtime=runtime)
    return TorchvisionDetector(
        name, weights=weights, score_threshold=score_threshold, device=device
    )
