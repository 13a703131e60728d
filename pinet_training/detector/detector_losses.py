"""What a training of the detector minimises.

Sources: cells are given to people as in OTA (Ge et al., CVPR 2021), in the simple form of YOLOX
(Ge et al., 2021); scores and distances as in the generalised focal loss (Li et al., NeurIPS 2020);
boxes as in GIoU (Rezatofighi et al., CVPR 2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pinet_ros.detection.nanodet_network import BINS, NanoDetNetwork

_NEAR = 2.0  # strides from the middle of a box in which cells may answer for it
_MOST_CELLS = 8  # that answer for one person
_OVERLAP_COUNTS = 3.0  # weight of the overlap beside the score, when cells are chosen
_LEAST_TARGET = 0.1  # score that a chosen cell is to give, however bad its box still is
_DUPLICATE, _IGNORED = 0.35, 0.3  # overlaps from which other cells do not count
_SMALL = 1e-7


@dataclass(frozen=True, eq=False)
class Answers:
    """Which cells of a picture answer for whom.

    Attributes:
        cells: (K,) numbers of the cells.
        people: (K,) the row of each one's person.
        targets: (K,) scores that they are to give.
        counted: (C,) bool, which cells' scores count at all.
    """

    cells: Tensor
    people: Tensor
    targets: Tensor
    counted: Tensor


@dataclass(frozen=True, eq=False)
class DetectorLosses:
    """Sums over a batch, to be divided by the number of positives.

    Attributes:
        score, box, distance: losses of all people.
        taught: losses of scores on real pictures, by what the teacher gives there.
        positives: number of cells that answer for somebody.
    """

    score: Tensor
    box: Tensor
    distance: Tensor
    taught: Tensor
    positives: int


def detector_losses(
    network: NanoDetNetwork,
    logits: Tensor,
    distances: Tensor,
    batch: dict[str, Tensor],
    teacher: Tensor,
) -> DetectorLosses:
    """Losses of a batch.

    Args:
        network: whose cells they are.
        logits, distances: (N,C) and (N,C,4,11), see `NanoDetNetwork.logits`.
        batch: of DetectorViews.
        teacher: (N,C) logits of the network before the training; used for real pictures only.
    """
    boxes = network.boxes(distances)
    zero = logits.sum() * 0
    found = {"score": zero, "box": zero, "distance": zero, "taught": zero}
    positives = 0
    for row, is_real in enumerate(batch["is_real"].tolist()):
        if is_real:
            target = teacher[row].sigmoid()
            found["taught"] = found["taught"] + _focal(logits[row], target).sum()
            continue
        people, ignored = (_known(batch[name][row]) for name in ("people", "ignored"))
        with torch.no_grad():
            answers = assign(network, logits[row].sigmoid(), boxes[row], people, ignored)
        targets = torch.zeros_like(logits[row])
        targets[answers.cells] = answers.targets
        each = _focal(logits[row], targets)
        found["score"] = found["score"] + each[answers.counted].sum()
        if not len(answers.cells):
            continue
        positives += len(answers.cells)
        weights = answers.targets / answers.targets.mean()
        own, true = boxes[row][answers.cells], people[answers.people]
        found["box"] = found["box"] + (weights * (1 - _giou(own, true))).sum()
        sides = _sides(network, answers.cells, true)
        each = _distribution_loss(distances[row][answers.cells], sides)
        found["distance"] = found["distance"] + (weights * each).sum()
    return DetectorLosses(**found, positives=positives)


def assign(
    network: NanoDetNetwork, scores: Tensor, boxes: Tensor, people: Tensor, ignored: Tensor
) -> Answers:
    """Choose the cells that answer for each person.

    Args:
        network: whose cells they are.
        scores, boxes: (C,) and (C,4) of the cells.
        people: (G,4) boxes of the people.
        ignored: (I,4) boxes of people for whom cells may answer or not.
    """
    counted = (overlaps(boxes, ignored) < _IGNORED).all(1)
    shared = overlaps(boxes, people)  # (C,G)
    counted &= (shared < _DUPLICATE).all(1)
    nobody = torch.zeros(0, dtype=torch.long, device=boxes.device)
    if not len(people):
        return Answers(nobody, nobody, nobody.float(), counted)
    near = _near(network, people)
    cost = -scores.clamp_min(1e-4).log()[:, None]
    cost = cost - _OVERLAP_COUNTS * shared.clamp_min(1e-3).log()
    cost = torch.where(near, cost, torch.inf)
    most = min(_MOST_CELLS, len(boxes))
    counts = (shared * near).topk(most, dim=0).values.sum(0).round().clamp(1, most).long()
    chosen = torch.zeros_like(near)
    for person, count in enumerate(counts.tolist()):
        chosen[cost[:, person].topk(count, largest=False).indices, person] = True
    cost = torch.where(chosen & near, cost, torch.inf)
    best, owners = cost.min(1)  # a cell answers for one person only
    cells = best.isfinite().nonzero()[:, 0]
    owners = owners[cells]
    counted[cells] = True
    return Answers(cells, owners, shared[cells, owners].clamp_min(_LEAST_TARGET), counted)


def overlaps(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union (N,M) of boxes (N,4) and (M,4)."""
    a, b = first[:, None], second[None]
    shared = _extent(torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:]))
    return shared / (_area(a) + _area(b) - shared).clamp_min(_SMALL)


def _near(network: NanoDetNetwork, people: Tensor) -> Tensor:
    """(C,G) bool, cells in a box and near its middle; of boxes without a cell, just near."""
    middle = (people[:, :2] + people[:, 2:]) / 2
    centres = network.centres[:, None]
    near = (centres - middle).abs().amax(-1) < _NEAR * network.strides[:, None]
    inside = ((centres > people[:, :2]) & (centres < people[:, 2:])).all(-1)
    return near & (inside | ~inside.any(0))


def _focal(logits: Tensor, targets: Tensor) -> Tensor:
    """Quality focal loss: cross entropy, weighted by the square of the score's error."""
    entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return entropy * (targets - logits.sigmoid()).square()


def _sides(network: NanoDetNetwork, cells: Tensor, boxes: Tensor) -> Tensor:
    """Distances (K,4) of boxes' sides from the cells' centres, in strides."""
    centres, strides = network.centres[cells], network.strides[cells][:, None]
    sides = torch.cat([centres - boxes[:, :2], boxes[:, 2:] - centres], dim=-1)
    return (sides / strides).clamp(0, BINS - 1.01)


def _distribution_loss(logits: Tensor, sides: Tensor) -> Tensor:
    """Cross entropy (K,) of distributions (K,4,11) with the two bins next to each distance."""
    low = sides.floor()
    part = sides - low
    logs = logits.log_softmax(-1)
    below = logs.gather(-1, low.long()[..., None])[..., 0]
    above = logs.gather(-1, low.long()[..., None] + 1)[..., 0]
    return -(below * (1 - part) + above * part).mean(-1)


def _giou(first: Tensor, second: Tensor) -> Tensor:
    """Generalised intersection over union (K,) of boxes (K,4)."""
    low, high = (
        choose(first[:, part], second[:, part])
        for choose, part in ((torch.maximum, slice(0, 2)), (torch.minimum, slice(2, 4)))
    )
    shared = _extent(low, high)
    union = (_area(first) + _area(second) - shared).clamp_min(_SMALL)
    hull = _extent(
        torch.minimum(first[:, :2], second[:, :2]), torch.maximum(first[:, 2:], second[:, 2:])
    ).clamp_min(_SMALL)
    return shared / union - (hull - union) / hull


def _area(boxes: Tensor) -> Tensor:
    return _extent(boxes[..., :2], boxes[..., 2:])


def _extent(low: Tensor, high: Tensor) -> Tensor:
    return (high - low).clamp_min(0).prod(-1)


def _known(boxes: Tensor) -> Tensor:
    return boxes[boxes.isfinite().all(-1)]
