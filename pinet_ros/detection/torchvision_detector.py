"""The person detectors of torchvision, all behind one adapter."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor, nn

from pinet_ros.detection.detections import Detections
from pinet_ros.errors import PinetError
from pinet_ros.imaging.frame import Frame
from pinet_ros.models.catalog import ModelError
from pinet_ros.models.released import load_state_strict

TORCHVISION_DETECTORS = (
    "maskrcnn_resnet50_fpn",  # the paper's
    "fasterrcnn_resnet50_fpn_v2",
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "ssdlite320_mobilenet_v3_large",
    "retinanet_resnet50_fpn_v2",
    "keypointrcnn_resnet50_fpn",
)
RANDOM = "random"

_PERSON = 1  # class of all of them, by COCO's numbers


class TorchvisionDetector:
    """Finds people in an image, by a network of torchvision.

    Source: torchvision.models.detection, https://docs.pytorch.org/vision/stable/models.html
    """

    def __init__(
        self,
        name: str,
        *,
        weights: str | Path = "",
        device: torch.device | str = "cpu",
        score_threshold: float = 0.4,
        top_k: int = 100,
        min_area: float = 1600.0,
    ) -> None:
        """Set up the network.

        Args:
            name: one of TORCHVISION_DETECTORS.
            weights: a file of its state dict; empty for torchvision's own, which torchvision
                downloads once; or `random`, to test with.
            score_threshold: people below it are dropped, 0 to 1.
            top_k: only the most certain so many are kept.
            min_area: smaller boxes are dropped, square pixels; poses are poor below it.

        Raises:
            ModelError: the file cannot be read, or is not of this network.
            PinetError: the weights cannot be downloaded.
            ValueError: the name is not known.
        """
        if name not in TORCHVISION_DETECTORS:
            known = ", ".join(TORCHVISION_DETECTORS)
            raise ValueError(f"torchvision's detectors are {known}, got {name!r}")
        self.score_threshold = score_threshold
        self.top_k = top_k
        self.min_area = min_area
        self.network = _boxes_alone(_load(name, weights)).to(device).eval()

    @torch.inference_mode()
    def __call__(self, frames: Sequence[Frame]) -> list[Detections]:
        """Detect the people of each image in one batch, the most certain first."""
        # its own threshold spares the suppression of what would be dropped afterwards
        getattr(self.network, "roi_heads", self.network).score_thresh = self.score_threshold
        images = [frame.rgb() / 255 for frame in frames]
        return [self._people(found) for found in self.network(images)]

    def _people(self, found: Mapping[str, Tensor]) -> Detections:
        """The people of one image among what the network gives for it."""
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
            load_state_strict(network, _read_state(weights), str(weights))
        return network
    own = models.get_model_weights(name).DEFAULT
    try:
        return models.get_model(name, weights=own)
    except (URLError, OSError, RuntimeError) as error:
        raise PinetError(
            f"torchvision cannot download the weights of {name} from {own.url}: {error}; fetch "
            "them on a machine with a network, and give the file as detector_weights"
        ) from error


def _read_state(path: str | Path) -> dict[str, Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ModelError(f"{path} cannot be read as a torch state dict: {error}") from error
    if not isinstance(state, dict):
        raise ModelError(f"{path} must hold a state dict, got {type(state).__name__}")
    return state


def _boxes_alone(network: nn.Module) -> nn.Module:
    """The network without what it finds besides boxes, which takes time."""
    heads = getattr(network, "roi_heads", None)
    for part in ("roi_pool", "head", "predictor"):
        for kind in ("mask", "keypoint"):
            if hasattr(heads, f"{kind}_{part}"):
                setattr(heads, f"{kind}_{part}", None)
    return network
