"""Real people: one view's poses, before and after refinement, against four views triangulated.

A person whose pelvis or too many joints are not known is left out; of the others the errors are
over the joints that are known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from pinet_ros.estimator import PoseEstimator
from pinet_ros.training.datasets.pose2sim import CAMERAS, CLIPS, Images, load_views, read_moments
from pinet_ros.training.evaluation.bootstrap import paired_differences
from pinet_ros.training.evaluation.known_joints import (
    joint_group_errors,
    known_joint_errors,
    well_known,
)
from pinet_ros.training.evaluation.metrics import means
from pinet_ros.training.evaluation.real_drawing import draw_views
from pinet_ros.training.evaluation.real_truth import (
    MAN,
    RENDERED_WOMAN,
    TruePerson,
    true_people,
    upright_landmarks,
)
from pinet_ros.training.evaluation.scenes import Refine
from pinet_ros.training.evaluation.sightings import Sighting, find_people
from pinet_ros.triangulation import View

_DRAWN = 5  # moments


def evaluate_real(
    estimator: PoseEstimator,
    accurate: PoseEstimator,
    refine: Refine,
    moments: int,
    draw: Path | None = None,
) -> dict[str, Any]:
    """Errors of every view of Pose2Sim's clips.

    Args:
        estimator: gives the poses to refine.
        accurate: gives those to triangulate, see `load_accurate`.
        refine: the refiner.
        moments: how many, evenly over the recording.
        draw: folder for pictures of a few moments: the true, initial and refined skeletons.

    Returns:
        what `report` returns.

    Raises:
        ModelError: the clips have not been fetched.
    """
    views = load_views()
    sightings: list[Sighting] = []
    truths: list[dict[str, TruePerson]] = []
    for number, images in tqdm(read_moments(moments), total=moments, disable=None):
        truth = _true_people(views, images, accurate)
        truths.append(truth)
        here: list[Sighting] = []
        for clip, camera in product(CLIPS, CAMERAS):
            people = estimator(images[clip][camera], "bgr", views[camera].camera)
            here += find_people(clip, camera, number, views[camera], truth, people, refine)
        sightings += here
        if draw and (len(truths) - 1) % max(1, moments // _DRAWN) == 0:
            draw_views(draw, number, images, views, here)
    return report(sightings, truths)


def _true_people(
    views: dict[str, View], images: Images, accurate: PoseEstimator
) -> dict[str, TruePerson]:
    landmarks = {
        clip: [upright_landmarks(accurate, images[clip][c], views[c]) for c in CAMERAS]
        for clip in CLIPS
    }
    return true_people([views[camera] for camera in CAMERAS], landmarks)


def report(
    sightings: Sequence[Sighting], truths: Sequence[dict[str, TruePerson]]
) -> dict[str, Any]:
    """What was measured.

    Returns:
        `camera`, for each clip and camera, `all` and `rendered_woman`: `n` people; `before` and
        `after`, the means of `known_joint_errors`, with `per_joint` those of
        `joint_group_errors`; `difference`, after - before with its 95 % interval, in which the
        views of one moment are drawn together. The man alone but for `rendered_woman`.
        `reprojection`: for both how well the views agree on the truth: at how many `moments`
        they were found, the `median_px` and `p90_px` of the landmarks' errors, `known`, the part
        of the landmarks that two views or more agree on, and `views`, how many on average.
    """
    groups: dict[str, list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        if sighting.who == MAN:
            groups[sighting.view].append(sighting)
    return {
        "camera": {view: _compare(group) for view, group in sorted(groups.items())},
        "all": _compare([s for s in sightings if s.who == MAN]),
        "rendered_woman": _compare([s for s in sightings if s.who == RENDERED_WOMAN]),
        "reprojection": {
            who: _agreement([people[who] for people in truths if who in people])
            for who in (MAN, RENDERED_WOMAN)
        },
    }


def _compare(sightings: Sequence[Sighting]) -> dict[str, Any]:
    poses = {
        part: np.array([getattr(s, part) for s in sightings]).reshape(-1, 17, 3)
        for part in ("before", "after", "truth")
    }
    counted = well_known(poses["truth"])
    before, after, truth = (of_part[counted] for of_part in poses.values())
    values = {
        "before": known_joint_errors(before, truth),
        "after": known_joint_errors(after, truth),
    }
    moments = np.array([s.moment for s in sightings], int)[counted]
    return {
        "n": int(counted.sum()),
        **{
            when: {
                **means(values[when]),
                "per_joint": {k: means(v) for k, v in joint_group_errors(joints, truth).items()},
            }
            for when, joints in (("before", before), ("after", after))
        },
        "difference": paired_differences(values["before"], values["after"], moments),
    }


def _agreement(people: Sequence[TruePerson]) -> dict[str, Any]:
    """How well the views agree on somebody, over all moments."""
    if not people:
        return {"moments": 0}
    errors = np.stack([person.landmarks.errors for person in people])  # (moments,V,33)
    views = np.stack([person.landmarks.used for person in people]).sum(axis=1)
    return {
        "moments": len(people),
        "median_px": float(np.nanmedian(errors)),
        "p90_px": float(np.nanquantile(errors, 0.9)),
        "known": float((views > 0).mean()),
        "views": float(views[views > 0].mean()),
    }
