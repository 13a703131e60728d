"""Errors of a BlazePose network on people whom it was not trained on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from pinet_ros.geometry.alignment import procrustes
from pinet_ros.lifting.blazepose_network import SIZE
from pinet_training.lifter.blazepose_losses import ROOT, pose_errors
from pinet_training.lifter.pose_crops import Batch, PoseCrops
from pinet_training.lifter.pose_samples import NOBODY, PoseSamples

_BATCH = 50
_MOST_CROPS = 1200
_PASS = 0.02  # share of boxes around nobody that may pass, where the recall of people is told


def held_out_rows(samples: PoseSamples, seed: int = 0) -> np.ndarray:
    """Rows of boxes to validate on: one box of each person, and boxes around nobody.

    The box is the detector's if it gave one. If there are many rows, some are drawn.
    """
    nobody = np.flatnonzero(samples.person == NOBODY)
    rows = np.concatenate([samples.best_boxes(), nobody])
    return np.sort(np.random.default_rng(seed).permutation(rows)[:_MOST_CROPS])


def validate_on_crops(
    network: Callable[[Tensor], tuple[Tensor, ...]],
    crops: PoseCrops,
    device: torch.device,
    processes: int = 0,
) -> dict[str, float]:
    """Measure a network on people and boxes around nobody.

    Returns:
        mpjpe_mm and pa_mpjpe_mm; crop_percent, the median error in the image of joints in the
        crop, in percent of its side; distance_percent, the median error of the distance; recall,
        the percentage of people whose presence is above a threshold that 2 % of boxes around
        nobody pass; and within_1 and within_2, the percentage of joints within one and two
        deviations, hidden_1 and hidden_2 of those that are hidden, far_1 and far_2 of distances.
    """
    found = measure_crops(network, crops, device, processes)
    person = found.pop("person") > 0
    threshold = np.quantile(found["presence"][~person], 1 - _PASS) if (~person).any() else -np.inf
    of = {name: each[person] for name, each in found.items()}
    report = {
        "mpjpe_mm": 1000 * of["joint"].mean(),
        "pa_mpjpe_mm": 1000 * of["aligned"].mean(),
        "crop_percent": 100 * np.nanmedian(of["point"]),
        "distance_percent": 100 * np.median(np.abs(of["distance"])),
        "recall": 100 * (of["presence"] > threshold).mean(),
    }
    report |= within_deviations(of)
    return {name: float(value) for name, value in report.items()}


def within_deviations(found: dict[str, np.ndarray]) -> dict[str, float]:
    """The percentages of errors within one and two deviations, which end in _1 and _2.

    Args:
        found: of people, see `measure_crops`.

    Returns:
        `within` of all joints but the pelvis, `hidden` of those that cannot be seen, and `far` of
        distances; NaN where there are none, or no deviations.
    """
    others = np.arange(17) != ROOT
    ratios = (found["joint"] / found["deviation"])[:, others]
    hidden = ratios[found["visible"][:, others] == 0]
    far = np.abs(found["distance"]) / found["distance_deviation"]
    shares = {}
    for count in (1, 2):
        for name, each in (("within", ratios), ("hidden", hidden), ("far", far)):
            known = each[~np.isnan(each)]
            shares[f"{name}_{count}"] = 100 * (known < count).mean() if len(known) else np.nan
    return shares


@torch.inference_mode()
def measure_crops(
    network: Callable[[Tensor], tuple[Tensor, ...]],
    crops: PoseCrops,
    device: torch.device,
    processes: int = 0,
) -> dict[str, np.ndarray]:
    """Measure a network on each of N crops; of nobody only `presence` has a meaning.

    Returns:
        person (N,), 1 for a person; presence (N,), the logit; joint and aligned (N,17) metres,
        errors of the joints before and after Procrustes alignment; root (N,) metres, of the
        pelvis; point (N,17), in the image as a fraction of the crop's side, NaN for joints
        outside of it; distance (N,), of the distance's logarithm; deviation (N,17) metres and
        distance_deviation (N,), NaN if the network gives none; visible (N,17).
    """
    rows = range(len(crops))
    batches = [rows[n : n + _BATCH] for n in range(0, len(rows), _BATCH)]
    parts = [
        _measured_batch(network, {name: each.to(device) for name, each in batch.items()})
        for batch in crops.loader(batches, processes)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _measured_batch(
    network: Callable[[Tensor], tuple[Tensor, ...]], batch: Batch
) -> dict[str, np.ndarray]:
    outputs = network(batch["crop"].float() / 255)
    errors = pose_errors(outputs, batch)
    inside = ((batch["points"] >= 0) & (batch["points"] < SIZE)).all(-1)
    far = batch["root"].norm(dim=-1)
    along = errors.distance.expm1() * far
    across = errors.distance.exp() * errors.across.norm(dim=-1)
    deviations = outputs[4].exp() if len(outputs) > 4 else batch["world"].new_full((1, 18), np.nan)
    true = batch["world"].cpu().numpy()
    aligned = procrustes(errors.joints.cpu().numpy() + true, true) - true
    tensors = {
        "person": batch["is_person"],
        "presence": outputs[3][:, 0],
        "root": torch.hypot(along, across),
        "joint": errors.joints.norm(dim=-1),
        "point": errors.points.norm(dim=-1).where(inside, np.nan),
        "distance": errors.distance,
        "deviation": deviations[:, :17].expand(len(true), -1),
        "distance_deviation": deviations[:, 17].expand(len(true)),
        "visible": batch["visible"],
    }
    arrays = {name: each.cpu().numpy() for name, each in tensors.items()}
    return arrays | {"aligned": np.linalg.norm(aligned, axis=-1)}
