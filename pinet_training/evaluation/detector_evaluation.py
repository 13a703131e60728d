"""How many people a detector finds, beside the published one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pinet_training.detector.detector_recall import (
    WRONG,
    Detect,
    KnownPicture,
    Recalls,
    measure_recalls,
)
from pinet_training.evaluation.layout import told

THRESHOLDS = (0.3, 0.4, 0.5, 0.6)
SCORES = ((0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.0))


def evaluate_detector(
    detectors: dict[str, Detect],
    pictures: Sequence[KnownPicture],
    without_people: Sequence[KnownPicture] = (),
) -> dict[str, Any]:
    """Measure detectors on the same pictures.

    Args:
        detectors: by name; each gives the boxes in a picture, also those with low scores.
        pictures: where it is known who is in them.
        without_people: pictures of real places without people.

    Returns:
        `people`, `pictures` and `without_people`, their numbers; and in `detectors` for each
        `thresholds`: for each of THRESHOLDS the people `found`, those `sharing` their only box
        with somebody who has it, the `wrong` boxes and the boxes `on_nobody` in the images without
        people; `recall`: for each of WRONG, boxes a picture on nobody, the percentage of people
        found at the threshold that gives no more of them; and `right`: for each of SCORES, how
        many boxes with such a score are of a person, and all of them.
    """
    report: dict[str, Any] = {
        "people": sum(len(picture.people) for picture in pictures),
        "pictures": len(pictures),
        "without_people": len(without_people),
        "detectors": {},
    }
    for name, detect in detectors.items():
        recalls = measure_recalls(detect, pictures)
        scores = [detect(picture).scores for picture in without_people]
        on_nobody = np.concatenate([*scores, np.zeros(0)])
        report["detectors"][name] = {
            "thresholds": {str(each): _at(recalls, on_nobody, each) for each in THRESHOLDS},
            "recall": {str(wrong): _recall(recalls, wrong) for wrong in WRONG},
            "right": {f"{low} to {high}": recalls.right(low, high) for low, high in SCORES},
        }
    return report


def _at(recalls: Recalls, on_nobody: np.ndarray, threshold: float) -> dict[str, int]:
    found, wrong = recalls.at(threshold)
    return {
        "found": found,
        "sharing": recalls.sharing(threshold),
        "wrong": wrong,
        "on_nobody": int((on_nobody > threshold).sum()),
    }


def _recall(recalls: Recalls, wrong: float) -> float | None:
    if not len(recalls.scores):
        return None
    return 100 * recalls.at(recalls.threshold_at(wrong))[0] / len(recalls.scores)


def detector_table(report: dict[str, Any]) -> str:
    """Format the report for the terminal."""
    lines = [
        f"{report['people']} people in {report['pictures']} pictures; "
        f"{report['without_people']} pictures without people"
    ]
    for name, part in report["detectors"].items():
        for threshold, of in part["thresholds"].items():
            lines.append(
                f"{name:<10} threshold {threshold}: {of['found']} found, {of['sharing']} in a box "
                f"of somebody else, {of['wrong']} wrong boxes, {of['on_nobody']} in pictures "
                "without people"
            )
        recalls = part["recall"].items()
        listed = ", ".join(f"{wrong}: {told(each)} %" for wrong, each in recalls)
        lines.append(f"{name:<10} found at so many wrong boxes a picture: {listed}")
        counts = part["right"].items()
        listed = ", ".join(f"{scores}: {right} of {boxes}" for scores, (right, boxes) in counts)
        lines.append(f"{name:<10} boxes of a person, by score: {listed}")
    return "\n".join(lines)
