"""Adapter for the torchvision detectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor, nn

from pinet_ros.detection.detections import Detections
from pinet_ros.errors import PinetError
from pinet_ros.imaging.frame import Frame
from pinet_ros.models.released import load_state_strict, read_torch_file, require_tensors

TORCHVISION_DETECTORS = (
    "maskrcnn_resnet50_fpn",  # used in the paper
    "fasterrcnn_resnet50_fpn_v2",
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "ssdlite320_mobilenet_v3_large",
    "retinanet_resnet50_fpn_v2",
    "keypointrcnn_resnet50_fpn",
)
RANDOM = "random"

_PERSON = 1  # COCO's number of the class, in all of them


class TorchvisionDetector:
    """Person detector that runs a torchvision network.

    Source: torchvision.models.detection, https://docs.pytorch.org/vision/stable/models.html
    """

    def __init__(
        self,
        name: str,
        *,
        weights: str | Path = "",
        device: torch.device | str = "cpu",
        score_threshold: float = 0.5,
        top_k: int = 100,
        min_area: float = 1600.0,
    ) -> None:
        """Load the network.

        Args:
            name: one of TORCHVISION_DETECTORS.
            weights: a file with its state dict; empty for torchvision's own weights, which it
                downloads once; or `random`, for tests.
            device: device to run the network on.
            score_threshold: score, 0 to 1, below which people are dropped.
            top_k: largest number of people to keep, those with the highest scores.
            min_area: area in square pixels below which boxes are dropped; their poses are poor.

        Raises:
            ModelError: the file cannot be read, or does not fit this network.
            PinetError: the weights cannot be downloaded.
            ValueError: the name is unknown.
        """
        if name not in TORCHVISION_DETECTORS:
            known = ", ".join(TORCHVISION_DETECTORS)
            raise ValueError(f"the torchvision detector must be one of {known}, got {name!r}")
        self.score_threshold = score_threshold
        self.top_k = top_k
        self.min_area = min_area
        self.network = _boxes_only(_load(name, weights)).to(device).eval()

    @torch.inference_mode()
    def __call__(self, frames: Sequence[Frame]) -> list[Detections]:
        """Detect the people in each image in one batch; sorted by descending score."""
        # with the network's own threshold, boxes are dropped before non-maximum suppression
        getattr(self.network, "roi_heads", self.network).score_thresh = self.score_threshold
        images = [frame.rgb() / 255 for frame in frames]
        return [self._people(found) for found in self.network(images)]

    def _people(self, found: Mapping[str, Tensor]) -> Detections:
        """Detections of people in one image from its network outputs."""
        columns = [found["boxes"], found["scores"][:, None], found["labels"][:, None]]
        rows = torch.cat(columns, dim=1).cpu().numpy()
        area = (rows[:, 2] - rows[:, 0]) * (rows[:, 3] - rows[:, 1])
        rows = rows[(rows[:, 5] == _PERSON) & ~(area < self.min_area)]
        rows = rows[(-rows[:, 4]).argsort(kind="stable")[: self.top_k]]
        return Detections(boxes=rows[:, :4], scores=rows[:, 4])


def _load(name: str, weights: str | Path) -> nn.Module:
    from torchvision import models  # importing it takes seconds

    if weights:
        network = models.get_model(name, weights=None, weights_backbone=None)
        if weights != RANDOM:
            state = require_tensors(read_torch_file(weights), weights)
            load_state_strict(network, state, str(weights))
        return network
    own = models.get_model_weights(name).DEFAULT
    try:
        return models.get_model(name, weights=own)
    except (URLError, OSError, RuntimeError) as error:
        raise PinetError(
            f"torchvision cannot download the weights of {name} from {own.url}: {error}; download "
            "them on a machine with network access, and set detector_weights to the file"
        ) from error


def _boxes_only(network: nn.Module) -> nn.Module:
    """Remove the heads for masks and keypoints, which would only take time."""
    heads = getattr(network, "roi_heads", None)
    for part in ("roi_pool", "head", "predictor"):
        for kind in ("mask", "keypoint"):
            if hasattr(heads, f"{kind}_{part}"):
                setattr(heads, f"{kind}_{part}", None)
    return network
