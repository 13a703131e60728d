"""How a BlazePose network does on held-out rendered people, beside the published one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pinet_ros.errors import DatasetError
from pinet_training.evaluation.bootstrap import paired_differences
from pinet_training.evaluation.layout import told
from pinet_training.lifter.blazepose_validation import measure_crops, within_deviations
from pinet_training.lifter.joint_adaptation import JointAdaptation
from pinet_training.lifter.pose_crops import PoseCrops
from pinet_training.lifter.pose_samples import NOBODY, PoseSamples

OURS, PUBLISHED = "ours", "published"
METRICS = ("mpjpe_mm", "pa_mpjpe_mm", "root_mm")

_PRESENT = 0.0  # logit of the presence from which the lifter keeps a person
_CUT_OFF = 2  # joints outside of the image from which a person counts as cut off

Run = Callable[[Tensor], tuple[Tensor, ...]]


def evaluate_lifter(
    networks: dict[str, Run],
    train: PoseSamples,
    held_out: PoseSamples,
    device: torch.device,
    processes: int = 0,
) -> dict[str, Any]:
    """Measure networks on the boxes that the detector gives in held-out scenes.

    Errors are of everybody detected, also of those whom presence throws away, so that networks
    are compared on the same people.

    Args:
        networks: OURS and PUBLISHED, on the device, with the outputs of BlazePoseNetwork.
        train: people from whom it is learnt where the published network has its joints.
        held_out: people to measure on.
        device: where the networks run.
        processes: that load crops.

    Returns:
        `people` and `wrong_boxes`, their numbers; for each network its METRICS, `dropped` (for
        all, cut_off and whole people the percentage whom presence throws away), `passed` (the
        percentage of wrong boxes that it lets pass), and `within`, the percentages of errors
        within one and two deviations (of all and hidden joints, and of distances), null where a
        network gives none; and `ratio`, ours over published, with its 95 % interval.

    Raises:
        DatasetError: the detector finds nobody.
    """
    adaptation = JointAdaptation.fit(train, networks[PUBLISHED], device, processes)
    best = held_out.best_boxes()
    people = best[held_out.detected[best]]
    if not len(people):
        raise DatasetError(
            "the detector finds nobody in the test split of the scenes; render more, and run "
            "`pinet scenes detect` on them"
        )
    wrong = np.flatnonzero((held_out.person == NOBODY) & held_out.detected)
    rows = np.concatenate([people, wrong])
    crops = PoseCrops(held_out, rows, adaptation.apply(held_out.joints), augment=False)
    found = {name: measure_crops(run, crops, device, processes) for name, run in networks.items()}
    count = len(people)
    cut_off = _cut_off(held_out, people)
    values = {name: _values(each, count) for name, each in found.items()}
    pictures = held_out.picture[people]
    return {
        "people": count,
        "wrong_boxes": len(wrong),
        **{
            name: {
                **{metric: float(each.mean()) for metric, each in values[name].items()},
                **_presence(found[name]["presence"], count, cut_off),
                "within": _within({key: each[:count] for key, each in found[name].items()}),
            }
            for name in networks
        },
        "ratio": _ratios(values[PUBLISHED], values[OURS], pictures),
    }


def _values(found: dict[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
    """METRICS (P,) of the people, who are the first crops."""
    joints = {
        "mpjpe_mm": found["joint"].mean(1),
        "pa_mpjpe_mm": found["aligned"].mean(1),
        "root_mm": found["root"],
    }
    return {name: 1000 * each[:count] for name, each in joints.items()}


def _cut_off(samples: PoseSamples, rows: np.ndarray) -> np.ndarray:
    """(P,) bool, who is cut off by the image's border."""
    found = []
    for row in rows:
        camera = samples.pictures.camera(int(samples.picture[row]))
        pixels = camera.project(samples.joints[samples.person[row]])
        inside = ((pixels >= 0) & (pixels < (camera.width, camera.height))).all(axis=1)
        found.append((~inside).sum() >= _CUT_OFF)
    return np.array(found, bool)


def _presence(logits: np.ndarray, count: int, cut_off: np.ndarray) -> dict[str, Any]:
    dropped = logits[:count] < _PRESENT
    groups = {"all": np.ones(count, bool), "cut_off": cut_off, "whole": ~cut_off}
    return {
        "dropped": {name: _percent(dropped[group]) for name, group in groups.items()},
        "passed": _percent(logits[count:] >= _PRESENT),
    }


def _within(found: dict[str, np.ndarray]) -> dict[str, list[float | None]]:
    shares = within_deviations(found)
    names = {"joints": "within", "hidden": "hidden", "distance": "far"}
    return {
        name: [_known(float(shares[f"{key}_{count}"])) for count in (1, 2)]
        for name, key in names.items()
    }


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def _percent(chosen: np.ndarray) -> float | None:
    return float(100 * chosen.mean()) if len(chosen) else None


def _ratios(
    published: dict[str, np.ndarray], ours: dict[str, np.ndarray], units: np.ndarray
) -> dict[str, list[float | None]]:
    """Ratios of the means, with intervals over scenes at the published network's mean."""
    differences = paired_differences(published, ours, units)
    found: dict[str, list[float | None]] = {}
    for name, each in differences.items():
        mean = float(published[name].mean()) if len(published[name]) else None
        found[name] = [
            None if each is None or value is None or not mean else 1 + value / mean
            for value in (each or dict.fromkeys(("mean", "low", "high"))).values()
        ]
    return found


def lifter_table(report: dict[str, Any]) -> str:
    """Format the report for the terminal."""
    lines = [
        f"{report['people']} people and {report['wrong_boxes']} wrong boxes of the detector",
        "",
        f"{'':<12}{'MPJPE':>8}{'PA':>8}{'root':>8}   dropped: all, cut off, whole   passed",
    ]
    for name in (OURS, PUBLISHED):
        of = report[name]
        errors = "".join(f"{of[metric]:8.1f}" for metric in METRICS)
        dropped = "".join(f"{told(each):>8}" for each in of["dropped"].values())
        lines.append(f"{name:<12}{errors}  {dropped} %   {told(of['passed'])} %")
    for name, of in report["ratio"].items():
        mean, low, high = map(told, of)
        lines.append(f"{name}: {mean} of published [{low}, {high}]")
    for name, of in report[OURS]["within"].items():
        one, two = map(told, of)
        lines.append(f"{name}: {one} % within one deviation, {two} % within two")
    return "\n".join(lines)
