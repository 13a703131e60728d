"""Real people: poses from one view, before and after refinement, against triangulated truth.

The truth is triangulated from four views. A true joint counts as unknown if its bone does not have
the length that it has at other moments. People without a known pelvis, or with too few known
joints, are left out. Errors are over the known joints.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from pinet_ros.estimator import PoseEstimator
from pinet_ros.people import People
from pinet_training.datasets.pose2sim import CAMERAS, CLIPS, Images, load_views, read_moments
from pinet_training.evaluation.bootstrap import paired_differences
from pinet_training.evaluation.known_joints import (
    joint_group_errors,
    known_joint_errors,
    well_known,
)
from pinet_training.evaluation.metrics import JOINT_GROUPS, means
from pinet_training.evaluation.real_drawing import draw_views
from pinet_training.evaluation.real_truth import (
    MAN,
    RENDERED_WOMAN,
    AccurateNetworks,
    TruePerson,
    true_people,
    upright_landmarks,
    without_doubtful_joints,
)
from pinet_training.evaluation.scene_evaluation import Refine
from pinet_training.evaluation.sightings import Sighting, find_people
from pinet_training.evaluation.triangulation import View

_DRAWN = 5  # moments


def evaluate_real(
    estimator: PoseEstimator,
    accurate: AccurateNetworks,
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
    triangulated: list[dict[str, TruePerson]] = []
    estimates: dict[int, dict[tuple[str, str], People]] = {}
    for number, images in tqdm(read_moments(moments), total=moments, disable=None):
        triangulated.append(_true_people(views, images, accurate))
        estimates[number] = {
            (clip, camera): estimator(images[clip][camera], views[camera].camera).people
            for clip, camera in product(CLIPS, CAMERAS)
        }
    truths = without_doubtful_joints(triangulated)  # which takes all moments
    sightings = [
        sighting
        for truth, (number, of_views) in zip(truths, estimates.items(), strict=True)
        for (clip, camera), people in of_views.items()
        for sighting in find_people(clip, camera, number, views[camera], truth, people, refine)
    ]
    if draw:
        _draw_some(draw, moments, views, sightings)
    return report(sightings, truths)


def _draw_some(
    folder: Path, moments: int, views: dict[str, View], sightings: Sequence[Sighting]
) -> None:
    chosen = islice(read_moments(moments), 0, None, max(1, moments // _DRAWN))
    for number, images in chosen:
        draw_views(folder, number, images, views, [s for s in sightings if s.moment == number])


def _true_people(
    views: dict[str, View], images: Images, accurate: AccurateNetworks
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
        `camera`, for each clip and camera, `all` and `rendered_woman`: `n` people, at how many
        `moments`; `before` and `after`, the means of `known_joint_errors`, with `per_joint` those
        of `joint_group_errors`; `difference`, after - before with its 95 % interval, in which the
        views of one moment are drawn together, with `per_joint` again. The man alone but for
        `rendered_woman`.
        `truth`: for both how well their true joints are known: at how many `moments` they were
        found, the `median_px` and `p90_px` of the landmarks' reprojection errors, `views`, how
        many agree on a landmark on average, `doubtful`, how many joints were dropped for the
        length of their bone, and `known`, the part of all joints that is left.
    """
    groups: dict[str, list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        if sighting.who == MAN:
            groups[sighting.view].append(sighting)
    return {
        "camera": {view: _compare(group) for view, group in sorted(groups.items())},
        "all": _compare([s for s in sightings if s.who == MAN]),
        "rendered_woman": _compare([s for s in sightings if s.who == RENDERED_WOMAN]),
        "truth": {
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
    whole = [known_joint_errors(poses, truth) for poses in (before, after)]
    groups = [joint_group_errors(poses, truth) for poses in (before, after)]
    moments = np.array([s.moment for s in sightings], int)[counted]
    return {
        "n": int(counted.sum()),
        "moments": len(np.unique(moments)),
        **{
            when: {**means(of_all), "per_joint": {k: means(v) for k, v in of_groups.items()}}
            for when, of_all, of_groups in zip(("before", "after"), whole, groups, strict=True)
        },
        "difference": {
            **paired_differences(*whole, units=moments),
            "per_joint": {
                name: paired_differences(*(g[name] for g in groups), units=moments)
                for name in JOINT_GROUPS
            },
        },
    }


def _agreement(people: Sequence[TruePerson]) -> dict[str, Any]:
    """How well the true joints of a person are known, over all moments."""
    if not people:
        return {"moments": 0}
    errors = np.stack([person.landmarks.errors for person in people])  # (moments,V,33)
    views = np.stack([person.landmarks.used for person in people]).sum(axis=1)
    known = np.isfinite([person.joints for person in people]).all(axis=-1)
    return {
        "moments": len(people),
        "median_px": float(np.nanmedian(errors)),
        "p90_px": float(np.nanquantile(errors, 0.9)),
        "views": float(views[views > 0].mean()),
        "doubtful": int(sum(person.doubtful.sum() for person in people)),
        "known": float(known.mean()),
    }
