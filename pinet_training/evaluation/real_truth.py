"""The true 3D poses of the people in Pose2Sim's clips, triangulated from an accurate pass.

The accurate pass runs the published BlazePose full on all views, on images rotated upright, and
averages it with the mirrored image. Its 33 landmarks are triangulated and converted to MUPOTS_17
in the same way as estimates, so thorax, spine and head are computed from the same surface points
in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import torch

from pinet_ros.detection.nanodet import NanoDet
from pinet_ros.imaging.frame import Frame
from pinet_ros.lifting.blazepose import BlazePose, Landmarks
from pinet_ros.skeleton import BLAZEPOSE_33, MUPOTS_17, convert
from pinet_training.evaluation.bones import bone_lengths
from pinet_training.evaluation.triangulation import (
    Triangulation,
    View,
    associate,
    triangulate_robustly,
)
from pinet_training.originals.blazepose_original import published_weights
from pinet_training.originals.nanodet_original import published_nanodet_weights

MAN, RENDERED_WOMAN = "man", "rendered_woman"

_MIN_PRESENCE = 0.5
_DETECTION_SCORE = 0.3  # a wrong detection agrees with no other view, a missed one is lost
# How far a bone's length may be from the person's median for its joint to count as known: a
# fraction of it, and metres for short bones, whose ends are as uncertain as those of long ones.
_BONE_TOLERANCE, _LEAST_TOLERANCE = 0.2, 0.03


@dataclass(frozen=True)
class _Whereabouts:
    """The clip in which a person is triangulated, and the range of its world x in metres."""

    clip: str
    low: float
    high: float


# The man is seen whole where no woman was rendered in front of him; both clips are of the same
# moments. He moves between x = -1.4 and -0.4, the woman stays between 0 and 0.2, and the one in
# the background is at -4.4.
_WHEREABOUTS = {
    MAN: _Whereabouts("single_person", -2.0, 0.0),
    RENDERED_WOMAN: _Whereabouts("multi_person", -0.15, 0.5),
}


@dataclass(frozen=True, eq=False)
class TruePerson:
    """A person at one moment.

    Attributes:
        joints: (17,3) metres in the world, NaN where not known, joints of MUPOTS_17.
        landmarks: the triangulation of the 33 landmarks in all views of the clip.
        doubtful: (17,) bool, which joints `without_doubtful_joints` has made unknown.
    """

    joints: np.ndarray
    landmarks: Triangulation
    doubtful: np.ndarray = field(default_factory=lambda: np.zeros(len(MUPOTS_17), bool))


class AccurateNetworks:
    """The detector and lifter of the accurate pass."""

    def __init__(self, device: torch.device) -> None:
        """Load them.

        Raises:
            ModelError: the networks have not been fetched.
        """
        self.device = device
        # always the published weights: the truth must not depend on what is the default
        self.detector = NanoDet(
            weights=published_nanodet_weights(), score_threshold=_DETECTION_SCORE, device=device
        )
        self.lifter = BlazePose(
            weights=published_weights("blazepose_full"), mirror=True, device=device
        )


def upright_landmarks(accurate: AccurateNetworks, image: np.ndarray, view: View) -> Landmarks:
    """The landmarks of everybody in an image (H,W,3) BGR, found in the picture turned upright."""
    turn = _turn_upright(view, image.shape[1], image.shape[0])
    size = np.abs(turn[:, :2]) @ [image.shape[1], image.shape[0]]
    upright = cv2.warpAffine(image, turn, tuple(np.ceil(size).astype(int).tolist()))
    frame = Frame.from_array(upright, device=accurate.device)
    (detections,) = accurate.detector([frame])
    (found,) = accurate.lifter.landmarks([frame], [detections.boxes])
    back = cv2.invertAffineTransform(turn)
    present = found.presence >= _MIN_PRESENCE
    return Landmarks(
        image=found.image[present] @ back[:, :2].T + back[:, 2],
        world=found.world[present],
        visibility=found.visibility[present],
        presence=found.presence[present],
        log_deviations=found.log_deviations[present],
    )


def _turn_upright(view: View, width: int, height: int) -> np.ndarray:
    """(2,3) affine map of an image's pixels to a picture in which the world's z axis is up."""
    right, down, _ = view.rotation[:, 2]
    angle = np.degrees(np.arctan2(right, -down))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    size = np.abs(turn[:, :2]) @ [width, height]
    turn[:, 2] += (size - [width, height]) / 2
    return turn


def true_people(
    views: Sequence[View], landmarks: dict[str, Sequence[Landmarks]]
) -> dict[str, TruePerson]:
    """Who is where at one moment: the man and the rendered woman, as far as they are found.

    Args:
        views: V of them.
        landmarks: for each clip and view those of all people.
    """
    people = {}
    for who, where in _WHEREABOUTS.items():
        for found in _triangulate(views, landmarks[where.clip]):
            if where.low < found.points[BLAZEPOSE_33.pelvis, 0].mean() < where.high:
                people[who] = TruePerson(_to_mupots(found.points), found)
                break
    return people


def without_doubtful_joints(
    moments: Sequence[dict[str, TruePerson]],
) -> list[dict[str, TruePerson]]:
    """The same people with joints unknown whose bone is not as long as the person's usually is.

    That is more than 20 % and 3 cm off the median over all moments and both sides of the body, as
    an arm may be wrong at most of the moments. Two views that agree on a wrong place give such a
    joint: the reprojection errors do not show it.
    """
    checked: list[dict[str, TruePerson]] = [{} for _ in moments]
    for who in _WHEREABOUTS:
        there = [number for number, people in enumerate(moments) if who in people]
        people = [moments[number][who] for number in there]
        doubtful = _doubtful(np.array([p.joints for p in people]).reshape(-1, 17, 3))
        for number, person, wrong in zip(there, people, doubtful, strict=True):
            joints = np.where(wrong[:, None], np.nan, person.joints)
            checked[number][who] = replace(person, joints=joints, doubtful=wrong)
    return checked


def _doubtful(joints: np.ndarray) -> np.ndarray:
    """(M,17) bool, which joints of one person at M moments (M,17,3) hang on a wrong bone."""
    lengths = bone_lengths(joints)
    both_sides = np.concatenate([lengths, lengths[:, MUPOTS_17.mirror]])
    usual = np.ma.median(np.ma.masked_invalid(both_sides), axis=0).filled(np.nan)
    tolerance = np.maximum(_BONE_TOLERANCE * usual, _LEAST_TOLERANCE)
    return np.abs(lengths - usual) > tolerance  # false where not known


def _triangulate(views: Sequence[View], landmarks: Sequence[Landmarks]) -> list[Triangulation]:
    """All people of one clip at one moment, those whom most joints support first."""
    found = []
    for group in associate(views, [of_view.image for of_view in landmarks]):
        pixels = np.full((len(views), len(BLAZEPOSE_33), 2), np.nan)
        confidence = np.zeros(pixels.shape[:2])
        for view, row in group.items():
            pixels[view] = landmarks[view].image[row]
            confidence[view] = landmarks[view].visibility[row]
        found.append(triangulate_robustly(views, pixels, confidence))
    return found


def _to_mupots(points: np.ndarray) -> np.ndarray:
    nothing = np.zeros((1, len(points), 2)), np.zeros((1, len(points)))
    return convert(BLAZEPOSE_33, MUPOTS_17, points[None], *nothing)[0][0]
