"""Evaluation on MuPoTS-3D (section 4 of the paper), or on any data set in its form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pinet_ros.cli.predictions.predictions import Predictions
from pinet_ros.cli.refine_command import refine_predictions
from pinet_ros.errors import DatasetError
from pinet_ros.people import People
from pinet_ros.refinement.refiner import Refinement
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.datasets.annotated_image import AnnotatedImage
from pinet_training.datasets.annotations import Annotations
from pinet_training.datasets.pairing import check_keys, with_image_joints
from pinet_training.evaluation.bones import with_bone_lengths
from pinet_training.evaluation.bootstrap import paired_differences
from pinet_training.evaluation.image_matching import match_by_image
from pinet_training.evaluation.metrics import (
    JOINT_GROUPS,
    MUPOTS_PCK_JOINTS,
    PoseErrors,
    average,
    image_average,
    means,
)
from pinet_training.evaluation.root_detection import (
    RootDetections,
    average_precision,
    find_roots,
)

_OF_TABLE_2 = ("mpjpe_mm", "pa_mpjpe_mm")


def evaluate_mupots(
    annotations: Annotations,
    predictions: Predictions,
    refiner: Callable[[People], Refinement] | None = None,
    *,
    normalise_bones: bool = False,
) -> dict[str, dict]:
    """Errors of predicted people before refinement, and after it where there is a refiner.

    People with a valid annotation and all joints count. Each is matched with a prediction of the
    image by `match_by_image`, once and before refinement. `all` is everybody: a person without a
    match has all joints wrong for 3DPCK and AUC, and no error in millimetres. `matched` is the
    people with a match. 3DPCK and AUC are over the 14 joints of MUPOTS_PCK_JOINTS.

    Args:
        annotations: the truth.
        predictions: of all its sequences, in a joint set that converts to MUPOTS_17.
        refiner: refines the people of one image; a Refiner, or another function.
        normalise_bones: give each predicted pose the bone lengths of the universal pose of the
            person it is matched with, and compare it with that pose. Both keep their pelvis, so
            that the root's errors stay what they are.

    Returns:
        - `all`: `n` people, how many were `found`, how many of these with all joints known
          (`complete`; errors in mm are theirs), the means over people of each of METRICS and of
          `root_mm`, and `root_ap25`, the average precision of the root within 25 cm;
        - `matched`: `n` and the means over those found;
        - `sequence_average`: `all` and `matched`, each sequence counting alike, as the average of
          the paper's table 1;
        - `image_average`: MPJPE and PA-MPJPE of those found, averaged over the people of each
          image and then over images, as the average of table 2;
        - `per_sequence`: `all` and `matched` of each;
        - `per_joint`: means over all people for each of JOINT_GROUPS;
        - `protocol`: what the numbers are;
        - with a refiner `after`, which holds the same of the refined people, and `difference`,
          after - before of `all` with its 95 % interval over sequences (`paired_differences`).
        A mean over nobody is None.

    Raises:
        DatasetError: predictions are of other images than the annotations, a prediction can
            neither be matched by 2D joints nor projected, there are no valid people or, to
            normalise bones, no universal poses of them, or the
            refiner needs something of the people that an image lacks.
    """
    check_keys(annotations, predictions)
    images = [_match(image, predictions) for image in annotations.images]
    if not any(image.valid.any() for image in images):
        raise DatasetError(f"{annotations.source} has no valid people to judge predictions by")
    if normalise_bones:
        _require_universal_poses(annotations.source, images)
    before = _Evaluated(images, [image.predicted for image in images], normalise_bones)
    protocol = {
        "pck_joints": [MUPOTS_17.joints[joint] for joint in MUPOTS_PCK_JOINTS],
        "normalised_bones": normalise_bones,
    }
    report = {"protocol": protocol, **before.report()}
    if refiner is not None:
        initial = Predictions(predictions.source, {image.key: image.predicted for image in images})
        refined, _ = refine_predictions(initial, refiner)
        after = _Evaluated(images, list(refined.images.values()), normalise_bones)
        report["after"] = after.report()
        report["difference"] = paired_differences(before.values, after.values, before.sequences)
    return report


@dataclass(frozen=True, eq=False)
class _MatchedImage:
    """The people of one image, in MUPOTS_17, and what was predicted of them.

    Attributes:
        truth: (N,17,3) metres.
        universal: (N,17,3) metres, NaN where the data set has none; normalised predictions get
            its bone lengths.
        valid: (N,) bool, who counts.
        predicted: M people.
        match: the row of the prediction of each valid person, or -1.
    """

    key: str
    sequence: str
    truth: np.ndarray
    universal: np.ndarray
    valid: np.ndarray
    predicted: People
    match: np.ndarray

    def poses(self, predicted: People, normalise_bones: bool) -> tuple[np.ndarray, np.ndarray]:
        """The poses to compare of all valid people: predicted, NaN where not found, and true."""
        truth = self.truth[self.valid]
        poses = np.full(truth.shape, np.nan)
        poses[self.match >= 0] = predicted.joints[self.match[self.match >= 0]]
        if not normalise_bones:
            return poses, truth
        model = self.universal[self.valid]
        roots = slice(MUPOTS_17.root, MUPOTS_17.root + 1)
        return with_bone_lengths(poses, model), model - model[:, roots] + truth[:, roots]

    def roots(self, predicted: People) -> RootDetections:
        return find_roots(
            predicted.joints[:, MUPOTS_17.root],
            predicted.scores,
            self.truth[:, MUPOTS_17.root],
            self.valid,
        )


def _match(image: AnnotatedImage, predictions: Predictions) -> _MatchedImage:
    truth = image.people.to_joint_set(MUPOTS_17)
    valid = image.valid & truth.known
    predicted = predictions.images.get(image.key, People.empty(MUPOTS_17)).to_joint_set(MUPOTS_17)
    predicted = with_image_joints(predicted, image)
    unknown = np.full_like(truth.joints, np.nan)
    return _MatchedImage(
        key=image.key,
        sequence=image.sequence,
        truth=truth.joints,
        universal=unknown if image.universal is None else image.universal,
        valid=valid,
        predicted=predicted,
        match=match_by_image(truth.joints_image[valid], predicted.joints_image),
    )


def _require_universal_poses(source: Path, images: Sequence[_MatchedImage]) -> None:
    """See that every valid person has a universal pose."""
    for image in images:
        if not np.isfinite(image.universal[image.valid]).all():
            raise DatasetError(
                f"{source}: image {image.key!r} has no universal poses, which predictions with "
                "normalised bones are compared with; give the folder of MuPoTS-3D with its "
                "annot.mat files, or leave --normalise-bones out"
            )


class _Evaluated:
    """The valid people of all images, P of them, and how well they were predicted."""

    def __init__(
        self, images: Sequence[_MatchedImage], predicted: Sequence[People], normalise_bones: bool
    ) -> None:
        pairs = [i.poses(p, normalise_bones) for i, p in zip(images, predicted, strict=True)]
        poses, truth = (np.concatenate(arrays) for arrays in zip(*pairs, strict=True))
        counts = [len(image.match) for image in images]
        self.images = np.repeat(np.arange(len(images)), counts)  # (P,)
        self._errors = PoseErrors(poses, truth, pck_joints=MUPOTS_PCK_JOINTS)
        self.values = self._errors.whole
        self._found = np.concatenate([image.match >= 0 for image in images])  # (P,)
        self._complete = np.isfinite(poses).all(axis=(1, 2))  # (P,)
        self._sequences = np.array([image.sequence for image in images])
        self.sequences = self._sequences[self.images]  # (P,)
        self._roots = [i.roots(p) for i, p in zip(images, predicted, strict=True)]

    def report(self) -> dict[str, dict]:
        names = dict.fromkeys(self.sequences.tolist())
        per_sequence = {name: self._means(self._sequences == name) for name in names}
        return {
            **self._means(np.ones(len(self._sequences), bool)),
            "sequence_average": {
                people: average([sequence[people] for sequence in per_sequence.values()])
                for people in ("all", "matched")
            },
            "image_average": image_average(
                {name: self.values[name] for name in _OF_TABLE_2}, self.images
            ),
            "per_sequence": per_sequence,
            "per_joint": {name: means(self._errors.group(name)) for name in JOINT_GROUPS},
        }

    def _means(self, images: np.ndarray) -> dict[str, dict]:
        """`all` and `matched` of the people of some images."""
        people = images[self.images]
        found = people & self._found
        roots = RootDetections.join([self._roots[image] for image in np.flatnonzero(images)])
        return {
            "all": {
                "n": int(people.sum()),
                "found": int(found.sum()),
                "complete": int((found & self._complete).sum()),
                **means(self.values, people),
                "root_ap25": average_precision(roots),
            },
            "matched": {"n": int(found.sum()), **means(self.values, found)},
        }
