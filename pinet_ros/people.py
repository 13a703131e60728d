"""People: all people of one image, the data type that all stages exchange."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from functools import cached_property

import numpy as np

from pinet_ros.skeleton import JointSet, convert, convert_deviations

NO_TRACK = -1
_NOT_A_UNIT = 0.01  # from 1, the length of a vector that is no direction
_GOLDEN_RATIO = 0.618034  # steps of this size around the color wheel keep neighbours apart


class TrackingState(IntEnum):
    """State of a track id in this frame; the values are those of PersonPose.TRACKING_*."""

    UNKNOWN = 0
    NEW = 1
    TRACKED = 2
    LOST = 3


@dataclass(frozen=True, eq=False)
class People:
    """All people of one image, one row per person.

    Attributes:
        joint_set: joint set of the poses, J joints.
        joints: (N,J,3) float32, metres, camera optical frame (x right, y down, z forward), NaN
            for an unknown joint.
        joints_image: (N,J,2) float32, pixels of the image that the people were found in.
        confidence: (N,J) float32, 0 to 1, NaN if the estimator gives none.
        boxes: (N,4) float32, x_min y_min x_max y_max in pixels.
        scores: (N,) float32, 0 to 1.
        track_ids: (N,) int32, NO_TRACK without tracking.
        tracking_states: (N,) uint8, values of TrackingState; UNKNOWN without tracking.
        deviations: (N,J) float32, metres, standard deviation of each joint's position relative to
            the pelvis: 68 % of the joints are nearer to the truth than this, as for a normal
            distribution. 0 for the pelvis itself; this and the next two are NaN if the estimator
            gives none.
        distance_deviations: (N,) float32, standard deviation of the natural logarithm of the
            distance from the camera to the pelvis: 0.1 is about 10 %.
        root_deviations: (N,) float32, metres, standard deviation of the pelvis across its viewing
            ray, in any one direction.
        up: (3,) float32, unit vector that points up, camera optical frame; NaN if it is unknown.
        estimator: name of the estimator, `<lifter>/<first 8 hexadecimal digits of the SHA-256 of
            its weights>`; empty if unknown.

    Raises:
        ValueError: an array has another shape, or `up` another length than 1, or 0 for unknown.
    """

    joint_set: JointSet
    joints: np.ndarray
    joints_image: np.ndarray
    confidence: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
    track_ids: np.ndarray = None  # type: ignore[assignment]  # None: no tracking
    tracking_states: np.ndarray = None  # type: ignore[assignment]
    deviations: np.ndarray = None  # type: ignore[assignment]  # None: unknown
    distance_deviations: np.ndarray = None  # type: ignore[assignment]
    root_deviations: np.ndarray = None  # type: ignore[assignment]
    up: np.ndarray = None  # type: ignore[assignment]
    estimator: str = ""

    def __post_init__(self) -> None:
        count, joints = len(self.joints), len(self.joint_set)
        shapes = {
            "joints": (count, joints, 3),
            "joints_image": (count, joints, 2),
            "boxes": (count, 4),
            "up": (3,),
            **dict.fromkeys(("confidence", "deviations"), (count, joints)),
        }
        state = TrackingState.UNKNOWN
        whole = {"track_ids": (np.int32, NO_TRACK), "tracking_states": (np.uint8, state)}
        for name in (*_ARRAYS, "up"):
            given, shape = getattr(self, name), shapes.get(name, (count,))
            dtype, unknown = whole.get(name, (np.float32, np.nan))
            array = np.asarray(np.full(shape, unknown) if given is None else given, dtype)
            if array.shape != shape:
                raise ValueError(
                    f"People.{name} of {count} people in {self.joint_set.name} must have shape "
                    f"{shape}, got {array.shape}"
                )
            object.__setattr__(self, name, array)
        object.__setattr__(self, "up", _direction(self.up))

    @classmethod
    def empty(cls, joint_set: JointSet, *, estimator: str = "") -> People:
        """Create People with no person."""
        joints = len(joint_set)
        return cls(
            joint_set,
            joints=np.zeros((0, joints, 3)),
            joints_image=np.zeros((0, joints, 2)),
            confidence=np.zeros((0, joints)),
            boxes=np.zeros((0, 4)),
            scores=np.zeros(0),
            estimator=estimator,
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
        deviations: np.ndarray | None = None,
        distance_deviations: np.ndarray | None = None,
        root_deviations: np.ndarray | None = None,
        up: np.ndarray | None = None,
        estimator: str = "",
    ) -> People:
        """Create People from 3D joints; fields that are not given become NaN.

        Args:
            joint_set: joint set of the poses, J joints.
            joints: (N,J,3) metres, camera optical frame.
            joints_image, confidence, boxes, scores, track_ids: as the attributes. Without boxes,
                the smallest ones around the 2D joints are used.
            deviations, distance_deviations, root_deviations, up, estimator: as the attributes.
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
            deviations=deviations,  # type: ignore[arg-type]
            distance_deviations=distance_deviations,  # type: ignore[arg-type]
            root_deviations=root_deviations,  # type: ignore[arg-type]
            up=up,  # type: ignore[arg-type]
            estimator=estimator,
        )

    @classmethod
    def concatenate(cls, parts: Sequence[People]) -> People:
        """Concatenate one or more `parts` in the given order; all must share a joint set.

        The estimator and which way is up are unknown if the parts do not agree on them.
        """
        estimators = {part.estimator for part in parts}
        same = all(np.array_equal(part.up, parts[0].up) for part in parts)
        arrays = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS
        }
        estimator = estimators.pop() if len(estimators) == 1 else ""
        up = parts[0].up if same else None
        return cls(parts[0].joint_set, **arrays, up=up, estimator=estimator)  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self.joints)

    def select(self, rows: np.ndarray) -> People:
        """Select rows by indices or by a boolean mask (N,)."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _ARRAYS})

    def number(self, row: int) -> int:
        """Number to display a person with: the track id, or the row without tracking.

        If a person has no track id or two share one, all are numbered by row, so that numbers
        are unique.
        """
        return int(self.track_ids[row]) if self.has_unique_tracks else row

    @cached_property
    def has_unique_tracks(self) -> bool:
        """Whether each person has a track id of its own."""
        return NO_TRACK not in self.track_ids and len(np.unique(self.track_ids)) == len(self)

    def distance(self, row: int) -> float:
        """Metres from the camera to the mean of a person's known joints; NaN if none is known."""
        joints = self.joints[row]
        known = joints[np.isfinite(joints).all(axis=1)]
        return float(np.linalg.norm(known.mean(axis=0))) if len(known) else float("nan")

    @property
    def pelvis(self) -> np.ndarray:
        """Position of the pelvis, or of the middle of the hips: (N,3) float64, metres."""
        with np.errstate(invalid="ignore"):  # of infinite joints
            return self.joints[:, self.joint_set.pelvis].mean(axis=1, dtype=float)

    @property
    def position_covariances(self) -> np.ndarray:
        """Covariance of the pelvis' position: (N,3,3) float64, square metres, camera frame.

        The standard deviation is `distance_deviations` times the distance along the viewing ray,
        and `root_deviations` across it. NaN where one of them is not finite.
        """
        distances, outer = _viewing_rays(self.pelvis)
        with np.errstate(invalid="ignore"):
            along = np.square(distances * self.distance_deviations)[:, None, None]
            across = np.square(self.root_deviations, dtype=float)[:, None, None]
            covariances = along * outer + across * (np.eye(3) - outer)
        covariances[~np.isfinite(covariances).all(axis=(1, 2))] = np.nan
        return covariances

    @property
    def known(self) -> np.ndarray:
        """Mask (N,) bool of the people whose joints are all finite."""
        return np.isfinite(self.joints).all(axis=(1, 2))

    def known_bones(self, row: int) -> list[tuple[int, int]]:
        """Bones (parent, child) of one person with both joints finite."""
        known = np.isfinite(self.joints[row]).all(axis=1)
        return [bone for bone in self.joint_set.bones if known[list(bone)].all()]

    def with_joints(self, joints: np.ndarray) -> People:
        """Copy with other 3D joints (N,J,3), metres, camera optical frame."""
        return replace(self, joints=joints)

    def to_joint_set(self, target: JointSet) -> People:
        """Convert to another joint set; see `pinet_ros.skeleton.convert`.

        Raises:
            UnknownJointSetError: there is no conversion between the two joint sets.
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
            deviations=convert_deviations(self.joint_set, target, self.deviations),
        )


_ARRAYS = tuple(
    field.name for field in fields(People) if field.name not in ("joint_set", "up", "estimator")
)


def _direction(up: np.ndarray) -> np.ndarray:
    """The unit vector (3,), NaN for one of length 0; ValueError for another length than 1."""
    length = np.linalg.norm(up.astype(float))
    if abs(length - 1) > _NOT_A_UNIT and length != 0:  # false for NaN
        raise ValueError(
            f"up must be a unit vector, or 0 0 0 if it is unknown, got a length of {length:g}"
        )
    return up / np.float32(length if length > 0 else np.nan)


def boxes_around(joints_image: np.ndarray) -> np.ndarray:
    """Smallest boxes (N,4) around the known joints (N,J,2): x_min y_min x_max y_max, pixels."""
    # fmin and fmax ignore NaN unless all values are NaN
    return np.concatenate([np.fmin.reduce(joints_image, 1), np.fmax.reduce(joints_image, 1)], 1)


def variances_across(pelvis: np.ndarray, covariances: np.ndarray) -> np.ndarray:
    """Variances (N,) of the pelvis across its viewing ray, square metres, mean over directions.

    Of `People.position_covariances` they are the squared `root_deviations`.

    Args:
        pelvis: (N,3) metres, camera optical frame.
        covariances: (N,3,3) square metres, of its position.
    """
    _, outer = _viewing_rays(pelvis)
    with np.errstate(invalid="ignore", over="ignore"):
        return (covariances * (np.eye(3) - outer)).sum(axis=(1, 2)) / 2


def _viewing_rays(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances (N,) of points (N,3) from the camera, and outer products (N,3,3) of their rays.

    The product of a unit vector with itself projects onto it. In the camera it is NaN.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        distances = np.linalg.norm(points, axis=1)
        rays = points / np.where(distances > 0, distances, np.nan)[:, None]
    return distances, rays[:, :, None] * rays[:, None, :]


def person_color(number: int) -> tuple[float, float, float]:
    """Color (red, green, blue), 0 to 1, of the person displayed with this number.

    Markers, overlays and viewers all use it.
    """
    return colorsys.hsv_to_rgb(number * _GOLDEN_RATIO % 1, 0.85, 1.0)
