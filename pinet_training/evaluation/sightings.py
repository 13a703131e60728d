"""Matches the estimates of one view to the true people of Pose2Sim's clips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pinet_ros.people import People
from pinet_training.evaluation.real_truth import MAN, RENDERED_WOMAN, TruePerson
from pinet_training.evaluation.scene_evaluation import Refine
from pinet_training.evaluation.triangulation import View

_IN_CLIP = {"single_person": (MAN,), "multi_person": (MAN, RENDERED_WOMAN)}
_MATCH_DISTANCE = 0.3  # of a person's height in the image, between an estimate and the truth


@dataclass(frozen=True, eq=False)
class Sighting:
    """One person in one view at one moment, joints (17,3) in metres, camera frame.

    Attributes:
        who: MAN or RENDERED_WOMAN.
        view: clip and camera.
        moment: number of the frame.
        before, after: the estimate and the refined pose.
        truth: NaN for joints that are not known.
    """

    who: str
    view: str
    moment: int
    before: np.ndarray
    after: np.ndarray
    truth: np.ndarray


def find_people(
    clip: str,
    camera: str,
    moment: int,
    view: View,
    truth: dict[str, TruePerson],
    people: People,
    refine: Refine,
) -> list[Sighting]:
    """The true people among the estimates of one view, matched by their joints in the image.

    All people are refined together. Each estimate is assigned to the nearest true person; if a
    person has several, the nearest one counts, however wrong it may be.
    """
    expected = {who: truth[who].joints for who in _IN_CLIP[clip] if who in truth}
    if not expected or not len(people):
        return []
    distances = np.stack(
        [_image_distances(view.project(world), people) for world in expected.values()]
    )
    distances = np.where(distances == distances.min(axis=0), distances, np.inf)
    refined = refine(people).people
    return [
        Sighting(
            who,
            f"{clip}/{camera}",
            moment,
            people.joints[row.argmin()],
            refined.joints[row.argmin()],
            view.to_camera(world),
        )
        for (who, world), row in zip(expected.items(), distances, strict=True)
        if row.min() < _MATCH_DISTANCE
    ]


def _image_distances(pixels: np.ndarray, people: People) -> np.ndarray:
    """(N,) median distance of known joints (17,2) to each estimate's, over the person's height."""
    known = pixels[np.isfinite(pixels).all(axis=1)]
    if not len(known):
        return np.full(len(people), np.inf)
    offsets = np.linalg.norm(people.joints_image - pixels, axis=-1)
    return np.nanmedian(offsets, axis=1) / np.ptp(known[:, 1])
