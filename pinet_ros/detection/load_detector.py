"""Loading of person detectors by name."""

from __future__ import annotations

import torch

from pinet_ros.detection.detections import Detector
from pinet_ros.detection.nanodet import NanoDet
from pinet_ros.detection.nanodet_weights import NANODET
from pinet_ros.detection.torchvision_detector import TORCHVISION_DETECTORS, TorchvisionDetector

DETECTORS = (NANODET, *TORCHVISION_DETECTORS)


def load_detector(
    name: str, device: torch.device, *, weights: str, score_threshold: float, runtime: str
) -> Detector:
    """Load a detector of DETECTORS; the arguments and errors are those of its class.

    `runtime` is for NanoDet.
    """
    if name == NANODET:
        return NanoDet(
            weights=weights, score_threshold=score_threshold, device=device, runtime=runtime
        )
    return TorchvisionDetector(
        name, weights=weights, score_threshold=score_threshold, device=device
    )
