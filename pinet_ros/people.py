"""People: all persons of one image, the one type that flows through the program."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from enum import IntEnum

import numpy as np

from pinet_ros.skeleton import JointSet, convert

NO_TRACK = -1
_GOLDEN_RATIO = 0.618034  # steps of this size around the color wheel keep neighbors apart


class TrackingState(IntEnum):
    """What a track id means in this frame; the values of PersonPose.TRACKING_*."""

    UNKNOWN = 0
    NEW = 1
    TRACKED = 2
    LOST = 3


@dataclass(frozen=True, eq=False)
class People:
    """All persons of one image, row by row.

    Attributes:
        joint_set: which joints, J of them.
        joints: (N,J,3) float32, metres, camera optical frame (x right, y down, z forward), NaN
            for a joint that is not known.
        joints_image: (N,J,2) float32, pixels of the image that they were found in.
        confidence: (N,J) float32, 0 to 1, NaN when the estimator gives none.
        boxes: (N,4) float32, x_min y_min x_max y_max in pixels.
        scores: (N,) float32, 0 to 1.
        track_ids: (N,) int32, NO_TRACK without tracking.
        tracking_states: (N,) uint8, TrackingState; UNKNOWN without tracking.

    Raises:
        ValueError: an array does not have the shape given here.
    """

    joint_set: JointSet
    joints: np.ndarray
    joints_image: np.ndarray
    confidence: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
    track_ids: np.ndarray = None  # type: ignore[assignment]  # None: nobody is tracked
    tracking_states: np.ndarray = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        count, joints = len(self.joints), len(self.joint_set)
        defaults = {
            "track_ids": np.full(count, NO_TRACK),
            "tracking_states": np.full(count, TrackingState.UNKNOWN),
        }
        fields = {
            "joints": (np.float32, (count, joints, 3)),
            "joints_image": (np.float32, (count, joints, 2)),
            "confidence": (np.float32, (count, joints)),
            "boxes": (np.float32, (count, 4)),
            "scores": (np.float32, (count,)),
            "track_ids": (np.int32, (count,)),
            "tracking_states": (np.uint8, (count,)),
        }
        for name, (dtype, shape) in fields.items():
            given = getattr(self, name)
            array = np.asarray(defaults[name] if given is None else given, dtype)
            if array.shape != shape:
                raise ValueError(
                    f"People.{name} of {count} people in {self.joint_set.name} must have shape "
                    f"{shape}, got {array.shape}"
                )
            object.__setattr__(self, name, array)

    @classmethod
    def empty(cls, joint_set: JointSet) -> People:
        """Nobody."""
        joints = len(joint_set)
        return cls(
            joint_set,
            joints=np.zeros((0, joints, 3)),
            joints_image=np.zeros((0, joints, 2)),
            confidence=np.zeros((0, joints)),
            boxes=np.zeros((0, 4)),
            scores=np.zeros(0),
        )

    @classmethod
    def from_joints(
        cls,
        joint_set: JointSet,
        joints: np.ndarray,
        *,
        joints_image: np.ndarray | None = None,
        confidence: np.ndarray | None = None,
        boxes: np.ndarray | None = None,
        scores: np.ndarray | None = None,
        track_ids: np.ndarray | None = None,
    ) -> People:
        """People of whom only some fields are known; the others become NaN.

        Args:
            joint_set: J joints.
            joints: (N,J,3) metres, camera optical frame.
            joints_image, confidence, boxes, scores, track_ids: as the attributes. Boxes that are
                not given are the smallest ones around the 2D joints.
        """
        count, joint_count = len(joints), len(joint_set)
        if joints_image is None:
            joints_image = np.full((count, joint_count, 2), np.nan)
        return cls(
            joint_set,
            joints=joints,
            joints_image=joints_image,
            confidence=np.full((count, joint_count), np.nan) if confidence is None else confidence,
            boxes=boxes_around(joints_image) if boxes is None else boxes,
            scores=np.full(count, np.nan) if scores is None else scores,
            track_ids=track_ids,  # type: ignore[arg-type]
        )

    @classmethod
    def concatenate(cls, parts: Sequence[People]) -> People:
        """The people of one or more `parts` in the order given; all must share a joint set."""
        arrays = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS
        }
        return cls(parts[0].joint_set, **arrays)

    def __len__(self) -> int:
        return len(self.joints)

    def select(self, rows: np.ndarray) -> People:
        """The people at some rows, given by indices or by a mask (N,)."""
        return People(self.joint_set, **{name: getattr(self, name)[rows] for name in _ARRAYS})

    def number(self, row: int) -> int:
        """The number that a person is displayed with: the track id, or the row.

        The row is used for everybody if anybody has no track id, so that numbers stay unique.
        """
        return row if NO_TRACK in self.track_ids else int(self.track_ids[row])

    def distance(self, row: int) -> float:
        """Metres from the camera to the mean of a person's known joints, NaN without any."""
        joints = self.joints[row]
        known = joints[np.isfinite(joints).all(axis=1)]
        return float(np.linalg.norm(known.mean(axis=0))) if len(known) else float("nan")

    @property
    def known(self) -> np.ndarray:
        """(N,) whether all joints of a person are finite."""
        return np.isfinite(self.joints).all(axis=(1, 2))

    def known_bones(self, row: int) -> list[tuple[int, int]]:
        """The bones of one person whose both joints are finite."""
        known = np.isfinite(self.joints[row]).all(axis=1)
        return [bone for bone in self.joint_set.bones if known[list(bone)].all()]

    def with_joints(self, joints: np.ndarray) -> People:
        """The same people with other 3D joints (N,J,3) in metres."""
        return replace(self, joints=joints)

    def to_joint_set(self, target: JointSet) -> People:
        """The same people in another joint set.

        Raises:
            UnknownJointSetError: there is no conversion.
        """
        joints, joints_image, confidence = convert(
            self.joint_set, target, self.joints, self.joints_image, self.confidence
        )
        return replace(
            self,
            joint_set=target,
            joints=joints,
            joints_image=joints_image,
            confidence=confidence,
        )


_ARRAYS = tuple(field.name for field in fields(People) if field.name != "joint_set")


def boxes_around(joints_image: np.ndarray) -> np.ndarray:
    """Smallest boxes (N,4), x_min y_min x_max y_max, around the known joints (N,J,2) in pixels."""
    # fmin and fmax ignore NaN, and return it only where there is nothing else
    return np.concatenate([np.fmin.reduce(joints_image, 1), np.fmax.reduce(joints_image, 1)], 1)


def person_color(number: int) -> tuple[float, float, float]:
    """Red, green and blue, 0 to 1, of the person displayed with this number.

    The color is the same everywhere: in markers, overlays and viewers.
    """
    return colorsys.hsv_to_rgb(number * _GOLDEN_RATIO % 1, 0.85, 1.0)
