"""NanoDet, the default person detector: small, and fast on a CPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from pinet_ros.detection.detections import Detections
from pinet_ros.detection.nanodet_network import SIZE
from pinet_ros.detection.nanodet_weights import load_nanodet, nanodet_file
from pinet_ros.imaging.frame import Frame, Letterbox
from pinet_ros.models.networks import as_network

MEAN = (103.53, 116.28, 123.675)  # of the network's images, BGR
STD = (57.375, 57.12, 58.395)
MIN_HEIGHT = 40.0  # pixels: the poses of smaller people are poor


class NanoDet:
    """Person detector NanoDet."""

    def __init__(
        self,
        *,
        weights: str | Path = "",
        device: torch.device | str = "cpu",
        runtime: str = "auto",
        score_threshold: float = 0.5,
        iou_threshold: float = 0.6,
        min_height: float = MIN_HEIGHT,
    ) -> None:
        """Load the weights.

        Args:
            weights: .safetensors file of its weights; empty for those in the package.
            device: device to run the network on.
            runtime: auto, torch or onnx.
            score_threshold: score, 0 to 1, below which boxes are dropped.
            iou_threshold: if two boxes overlap more, the one with the lower score is dropped.
            min_height: height in pixels below which boxes are dropped.

        Raises:
            ModelError: the weights are missing or damaged.
            PinetError: the runtime is not available on this device.
        """
        self.score_threshold = score_threshold
        self.iou_threshold = iou_threshold
        self.min_height = min_height
        file = nanodet_file(weights)
        module = load_nanodet(file)
        self.network = as_network(module, module.output_names, device, runtime, file)
        self._mean = torch.tensor(MEAN, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(STD, device=device).view(1, 3, 1, 1)

    @torch.inference_mode()
    def __call__(self, frames: Sequence[Frame]) -> list[Detections]:
        """Detect the people in each image in one batch; sorted by descending score."""
        letterboxed = [frame.letterbox(SIZE, "bgr") for frame in frames]
        squares = torch.cat([square for square, _ in letterboxed])
        scores, boxes = self.network((squares - self._mean) / self._std)
        places = [place for _, place in letterboxed]
        return [self._found(*row) for row in zip(scores, boxes, places, strict=True)]

    def _found(
        self, scores: torch.Tensor, boxes: torch.Tensor, letterbox: Letterbox
    ) -> Detections:
        """Detections of one image from the scores (C,) and boxes (C,4) of its cells."""
        seen = scores > self.score_threshold
        corners = letterbox.to_image(boxes[seen].view(-1, 2, 2)).view(-1, 4)
        found = torch.cat([corners, scores[seen][:, None]], dim=1).cpu().numpy()
        found = found[found[:, 3] - found[:, 1] >= self.min_height]
        corners_and_sizes = np.hstack([found[:, :2], found[:, 2:4] - found[:, :2]])
        # torchvision has this too, but importing it takes longer than loading the models
        keep = cv2.dnn.NMSBoxes(
            corners_and_sizes,  # type: ignore[arg-type]  # arrays work too
            found[:, 4],
            0.0,
            self.iou_threshold,
        )
        found = found[np.array(keep, int)]
        return Detections(boxes=found[:, :4], scores=found[:, 4])
