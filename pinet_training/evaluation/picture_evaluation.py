"""Real people in single pictures: who is found, and the errors before and after refinement.

A person counts as found if an estimate's limbs are nearest to the person's and on average within
a fifth of the height of the person's box in the image, that of the projected true joints.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pinet_ros.detection.detections import Detections
from pinet_ros.estimator import PoseEstimator
from pinet_ros.geometry.camera import Camera
from pinet_ros.people import People, boxes_around
from pinet_ros.positioning.floor import Floor
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.datasets.box_areas import overlaps
from pinet_training.datasets.people_pictures import PeoplePicture
from pinet_training.evaluation.bootstrap import paired_differences
from pinet_training.evaluation.known_joints import (
    LIMBS,
    known_joint_errors,
    mean_of_known,
    orientation_errors,
)
from pinet_training.evaluation.scene_evaluation import Refine

METRICS = ("mpjpe_mm", "pa_mpjpe_mm", "root_mm", "orientation_deg", "image_percent")
NO_FLOOR, UP, TRUE_FLOOR = "none", "up", "true"
FLOORS = (NO_FLOOR, UP, TRUE_FLOOR)
WHEN = ("before", "after", "alone")

_FOUND = 0.2  # of the height of a person's box
_OVERLAP = 0.5  # intersection over union of a detection's box and the person's
_IN_SIGHT = 0.5  # part of a person's known joints that is in the image
_ANKLES = MUPOTS_17.indices("right_ankle", "left_ankle")


@dataclass(frozen=True, eq=False)
class _Seen:
    """Truth of one kind in one picture, and what was found of it.

    Attributes:
        joints: (N,17,3) metres, the people in sight.
        pixels: (N,17,2) their projections.
        matches: (N,) row of the estimate, -1 for none.
        dropped: (N,) bool, detected but thrown away.
    """

    joints: np.ndarray
    pixels: np.ndarray
    matches: np.ndarray
    dropped: np.ndarray


def evaluate_pictures(
    pictures: Sequence[PeoplePicture],
    estimator: PoseEstimator,
    refine: Refine,
    *,
    floor: str = NO_FLOOR,
) -> dict[str, Any]:
    """Measure people in pictures before and after refinement.

    Args:
        pictures: see `read_people_pictures`.
        estimator: gives the poses to refine.
        refine: the refiner.
        floor: what the estimator is told about the floor, in pictures that tell: one of FLOORS,
            nothing, which way is up, or also its true height.

    Returns:
        `strict` and `loose`, unless there is no such truth. Each has the counts `in_sight`,
        `found`, `missed`, `dropped` (detected, but thrown away by the lifter) and `wrong`
        (estimates that match no person of either kind); `before`, `after` and `alone` (refined
        without the others), with the means of METRICS over the people found; `difference`, after
        minus before of each metric as [mean, low, high] with the 95 % interval, in which the
        pictures of one moment are drawn together; and `ankles` and `no_ankles`, the same again for
        people with both ankles in the image, and for the others.
    """
    kinds: dict[str, list[tuple[_Seen, dict[str, People], str, Camera]]] = {}
    wrong = 0
    for picture in pictures:
        told = _told(picture.floor, floor)
        estimate = estimator(picture.image, picture.camera, floor=told)
        people = estimate.people.to_joint_set(MUPOTS_17)
        poses = {
            "before": people,
            "after": refine(people).people,
            "alone": _each_alone(people, refine),
        }
        matched = np.zeros(len(people), bool)
        for kind, rows in (("strict", picture.strict), ("loose", ~picture.strict)):
            seen, near = _see(picture.joints[rows], picture.camera, people, estimate.detections)
            matched |= near
            if len(seen.joints):
                kinds.setdefault(kind, []).append((seen, poses, picture.moment, picture.camera))
        wrong += int((~matched).sum())
    return {kind: _report(parts, wrong) for kind, parts in kinds.items()}


def _told(floor: Floor | None, what: str) -> Floor | None:
    if floor is None or what == NO_FLOOR:
        return None
    return floor if what == TRUE_FLOOR else replace(floor, height=math.nan)


def _each_alone(people: People, refine: Refine) -> People:
    singles = [refine(people.select(np.array([row]))).people for row in range(len(people))]
    return People.concatenate(singles) if singles else people


def _see(
    joints: np.ndarray, camera: Camera, people: People, detections: Detections
) -> tuple[_Seen, np.ndarray]:
    """What was found of people (N,17,3); and which estimates (M,) are near one of them."""
    pixels = camera.project(joints)
    inside = ((pixels >= 0) & (pixels < (camera.width, camera.height))).all(axis=-1)
    known = np.isfinite(pixels).all(axis=-1)
    visible = inside.sum(axis=1) >= _IN_SIGHT * np.maximum(known.sum(axis=1), 1)
    joints, pixels = joints[visible], pixels[visible]
    boxes = boxes_around(pixels)
    distances = _distances(pixels, boxes, people)  # (N,M)
    nearest = distances == distances.min(axis=0, initial=np.inf)
    near = (distances < _FOUND) & nearest
    mine = np.where(near, distances, np.inf)
    matches = np.where(near.any(axis=1), mine.argmin(axis=1) if len(people) else -1, -1)
    lost = ~(detections.boxes[:, None] == people.boxes).all(axis=-1).any(axis=1)
    overlap = overlaps(boxes, detections.boxes[lost])
    dropped = (matches < 0) & (overlap >= _OVERLAP).any(axis=1)
    return _Seen(joints, pixels, matches, dropped), near.any(axis=0)


def _distances(pixels: np.ndarray, boxes: np.ndarray, people: People) -> np.ndarray:
    """(N,M) mean distance of limbs in the image, in heights of the person's box."""
    offsets = pixels[:, None, list(LIMBS)] - people.joints_image[None, :, list(LIMBS)]
    mean = np.nan_to_num(mean_of_known(np.linalg.norm(offsets, axis=-1)), nan=np.inf)
    return mean / (boxes[:, 3] - boxes[:, 1])[:, None]


def _report(
    parts: Sequence[tuple[_Seen, dict[str, People], str, Camera]], wrong: int
) -> dict[str, Any]:
    matches = np.concatenate([seen.matches for seen, *_ in parts])
    dropped = np.concatenate([seen.dropped for seen, *_ in parts])
    values = {when: _errors(parts, when) for when in WHEN}
    units = np.repeat(
        np.unique([moment for _, _, moment, _ in parts], return_inverse=True)[1],
        [int((seen.matches >= 0).sum()) for seen, *_ in parts],
    )
    ankles = np.concatenate([_ankles_inside(seen, camera) for seen, _, _, camera in parts])
    return {
        "in_sight": len(matches),
        "found": int((matches >= 0).sum()),
        "missed": int(((matches < 0) & ~dropped).sum()),
        "dropped": int(dropped.sum()),
        "wrong": wrong,
        **_compare(values, units),
        "ankles": {"found": int(ankles.sum()), **_compare(values, units, ankles)},
        "no_ankles": {"found": int((~ankles).sum()), **_compare(values, units, ~ankles)},
    }


def _errors(
    parts: Sequence[tuple[_Seen, dict[str, People], str, Camera]], when: str
) -> dict[str, np.ndarray]:
    """Values (N,) of METRICS of all people found."""
    collected: dict[str, list[np.ndarray]] = {name: [] for name in METRICS}
    for seen, poses, _, camera in parts:
        found = seen.matches >= 0
        people = poses[when].select(seen.matches[found])
        truth, pixels = seen.joints[found], seen.pixels[found]
        image = people.joints_image if when == "before" else camera.project(people.joints)
        offsets = np.linalg.norm(image - pixels, axis=-1)
        boxes = boxes_around(pixels)
        heights = boxes[:, 3] - boxes[:, 1]
        errors = known_joint_errors(people.joints, truth) | {
            "orientation_deg": orientation_errors(people.joints, truth),
            "image_percent": 100 * mean_of_known(offsets) / heights,
        }
        for name in METRICS:
            collected[name].append(errors[name])
    return {name: np.concatenate(arrays) for name, arrays in collected.items()}


def _ankles_inside(seen: _Seen, camera: Camera) -> np.ndarray:
    """(F,) bool, which of the people found have both ankles in the image."""
    pixels = seen.pixels[seen.matches >= 0][:, list(_ANKLES)]
    return ((pixels >= 0) & (pixels < (camera.width, camera.height))).all(axis=(1, 2))


def _compare(
    values: dict[str, dict[str, np.ndarray]], units: np.ndarray, chosen: np.ndarray | None = None
) -> dict[str, Any]:
    """Means before, after and alone, and the difference that refinement makes."""
    rows = np.ones(len(units), bool) if chosen is None else chosen
    picked = {when: {k: v[rows] for k, v in of.items()} for when, of in values.items()}
    differences = paired_differences(picked["before"], picked["after"], units[rows])
    return {
        **{when: {name: _mean(v) for name, v in of.items()} for when, of in picked.items()},
        "difference": {
            name: None if d is None else [d["mean"], d["low"], d["high"]]
            for name, d in differences.items()
        },
    }


def _mean(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def pictures_table(report: dict[str, Any], tabulate: Callable[..., str]) -> str:
    """Format the report as a table for the terminal."""
    rows = []
    for kind, part in report.items():
        parts = {"": part, ", ankles in the image": part["ankles"], ", others": part["no_ankles"]}
        for title, of in ((f"{kind}{what}", of) for what, of in parts.items()):
            rows += [[title, of["found"], when, *of[when].values()] for when in WHEN]
    counts = [
        f"{kind}: {part['found']} of {part['in_sight']} found, {part['missed']} missed, "
        f"{part['dropped']} dropped, {part['wrong']} wrong"
        for kind, part in report.items()
    ]
    head = ["truth", "people", "", *METRICS]
    return "\n".join([*counts, "", tabulate(rows, head, floatfmt=".1f", missingval="-")])
