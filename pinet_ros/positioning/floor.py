"""The floor as a source of distances: whoever stands on it has their feet there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pinet_ros.errors import PinetError
from pinet_ros.geometry.turning import turn_points
from pinet_ros.people import People
from pinet_ros.positioning.fusion import Source
from pinet_ros.skeleton import MUPOTS_17
from pinet_ros.util.options import option, violation

NONE, TILT, FIXED = "none", "tilt", "fixed"

_QUARTER, _TURN = 1.58, 6.29  # radians; rounded numbers are in range too

# Height of the lower ankle above the floor, metres, and its deviation. The median of people who
# were measured in a studio is 11 cm, that of rendered people with BlazePose's ankles 13 cm.
ANKLE_HEIGHT, _ANKLE_DEVIATION = 0.12, 0.03

_DOUBT = 0.1  # that somebody stands on something, jumps, or has feet that are not seen as they are
_LOWER = 0.05  # metres: of two ankles with this difference, the lower one counts e times as much
_SMALL = 0.05  # metres below the camera, where it begins to be too little to tell a distance from
# Errors of an ankle along the viewing ray and across it, over its `People.deviations`, which are
# radii in space. Measured on rendered people.
_ALONG, _ACROSS = 0.45, 0.21
_UNKNOWN = 0.1  # metres: deviation of an ankle whose estimator gives none

_ROLLS = {0: 0.0, 90: math.pi / 2, 180: math.pi, 270: -math.pi / 2}  # by image_rotation
_TILTED = math.radians(60)
_SEEN_FROM_THE_SIDE = 0.3  # part of the upright direction that the image shows
_ANGLES = ("camera_pitch", "camera_roll")
_ANKLES = list(MUPOTS_17.indices("right_ankle", "left_ankle"))


class FloorError(PinetError):
    """A floor cannot be used."""


@dataclass(frozen=True, eq=False)
class Floor:
    """A horizontal floor, as a camera sees it.

    Attributes:
        up: (3,) unit vector that points up, camera optical frame.
        height: metres, of the camera above the floor; NaN if only `up` is known.
        up_deviation: radians, standard deviation of the angle of `up`.
        height_deviation: metres, standard deviation of the height.

    Raises:
        FloorError: the camera is not above the floor, or `up` is not a direction.
    """

    up: np.ndarray
    height: float
    up_deviation: float = math.radians(1)
    height_deviation: float = 0.02

    def __post_init__(self) -> None:
        up = np.asarray(self.up, float)
        length = np.linalg.norm(up)
        if up.shape != (3,) or not (np.isfinite(length) and length > 0):
            raise FloorError(f"the floor's up must be a direction (x, y, z), got {self.up!r}")
        for name in ("up_deviation", "height_deviation"):
            if not 0 <= getattr(self, name) < math.inf:
                raise FloorError(f"{name} must be 0 or more, got {getattr(self, name)}")
        if not (math.isnan(self.height) or 0 < self.height < math.inf):
            raise FloorError(
                f"the camera must be above the floor, got a height of {self.height:g} m; check "
                "the camera's height, or the transform from its frame to the floor's"
            )
        object.__setattr__(self, "up", up / length)

    @classmethod
    def of_camera(cls, height: float, pitch: float = 0.0, roll: float = 0.0) -> Floor:
        """The floor under a camera whose mounting is known.

        Args:
            height: metres, of the camera above the floor; NaN if it is not known.
            pitch: radians, positive if the camera looks down.
            roll: radians, positive if the camera's right side is lower than its left one: the
                horizon then rises to the right in its image.

        Raises:
            FloorError: the camera is not above the floor, or an angle is not finite.
        """
        for name, angle in (("pitch", pitch), ("roll", roll)):
            if not math.isfinite(angle):
                raise FloorError(f"the camera's {name} must be a number of radians, got {angle}")
        level = math.cos(pitch)
        up = (-math.sin(roll) * level, -math.cos(roll) * level, -math.sin(pitch))
        return cls(np.array(up), height)


@dataclass(frozen=True)
class FloorConfig:
    """Options of what is known about the floor, also of the node pose_estimator.

    Raises:
        PinetError: a value is out of range, or the height is missing.
    """

    floor: str = option(
        NONE,
        "what is known about the floor: none, tilt (camera_pitch, camera_roll) or fixed (also "
        "camera_height)",
        choices=(NONE, TILT, FIXED),
    )
    camera_height: float = option(
        0.0, "metres of the camera above a fixed floor", minimum=0.0, maximum=100.0
    )
    camera_pitch: float = option(
        0.0, "radians, positive if the camera looks down", minimum=-_QUARTER, maximum=_QUARTER
    )
    camera_roll: float = option(
        0.0,
        "radians, positive if the camera's right side is lower",
        minimum=-_TURN,
        maximum=_TURN,
    )

    def __post_init__(self) -> None:
        if problem := violation(self):
            raise PinetError(problem)
        angle = next((name for name in _ANGLES if getattr(self, name)), None)
        if self.floor != FIXED and self.camera_height:
            raise PinetError(
                f"camera_height is given but floor is {self.floor}, so it has no effect; set "
                f"floor to {FIXED}"
            )
        if self.floor == NONE and angle:
            raise PinetError(
                f"{angle} is given but floor is {NONE}, so it has no effect; set floor to {TILT}, "
                f"or to {FIXED} with camera_height"
            )
        if self.floor == FIXED and not self.camera_height:
            raise PinetError(
                "a fixed floor needs camera_height, the metres of the camera above it; give it, "
                f"or set floor to {TILT}"
            )

    def of_camera(self) -> Floor | None:
        """The floor that the options describe; None for none."""
        if self.floor == NONE:
            return None
        height = self.camera_height if self.floor == FIXED else math.nan
        return Floor.of_camera(height, self.camera_pitch, self.camera_roll)


def require_upright(floor: Floor, image_rotation: int) -> None:
    """See that people who stand on a floor are about upright in the turned image.

    Args:
        floor: the floor, as the camera sees it.
        image_rotation: degrees, see `image_rotation_option`.

    Raises:
        FloorError: they lie, or stand on their heads.
    """
    right, down, _ = turn_points(floor.up, image_rotation)
    tilt = abs(math.atan2(right, -down))
    if tilt > _TILTED and math.hypot(right, down) > _SEEN_FROM_THE_SIDE:
        raise FloorError(
            f"people who stand on this floor are tilted by {math.degrees(tilt):.0f} degrees in "
            f"the image; a camera that is mounted for image_rotation {image_rotation} has a "
            f"camera_roll of about {_ROLLS[image_rotation]:.2f} radians"
        )


def distances_by_floor(people: People, floor: Floor) -> Source:
    """What the floor tells: the lower ankle is ANKLE_HEIGHT above it.

    Scaled about the camera, a person looks the same in the image; of all sizes one stands on the
    floor. The less the feet are below the camera, the less is known: the deviation has the errors
    of the ankles, of the direction of `up` and of the heights.

    Args:
        people: N people in MUPOTS_17, camera optical frame.
        floor: of the same camera, of known height.
    """
    ankles = people.joints[:, _ANKLES].astype(float)  # (N,2,3)
    distances = np.linalg.norm(ankles, axis=-1)
    below = -ankles @ floor.up  # (N,2) metres below the camera
    with np.errstate(invalid="ignore"):
        sine = below / distances  # of the angle below the horizon
        cosine = np.sqrt(np.clip(1 - np.square(sine), 0, 1))
    deviations = people.deviations[:, _ANKLES].astype(float)
    radii = np.where(np.isfinite(deviations), deviations, _UNKNOWN)
    of_ankles = radii * np.hypot(_ALONG * sine, _ACROSS * cosine)
    of_up = floor.up_deviation * cosine * distances
    variances = np.square(of_ankles) + np.square(of_up)
    known = np.isfinite(below) & np.isfinite(variances)
    # of two ankles the lower one stands, unless their difference is less than is known of them
    unsure = np.sqrt(_LOWER**2 + np.square(np.where(known, of_ankles, 0)).max(1, keepdims=True))
    lowest = np.where(known, below, -np.inf).max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        weights = np.where(known, np.exp((below - lowest) / unsure), 0)
        weights /= weights.sum(axis=1, keepdims=True)  # NaN if no ankle is known
    height, variance = (
        (weights * np.where(known, each, 0)).sum(axis=1) for each in (below, variances)
    )
    target = floor.height - ANKLE_HEIGHT
    of_target = math.hypot(floor.height_deviation, _ANKLE_DEVIATION)
    low, goal = _positive(height), float(_positive(np.array(target)))
    # near the horizon of the camera nothing is known
    unknown = np.square(_SMALL / low) + (_SMALL / goal) ** 2
    relative = variance / np.square(low) + (of_target / goal) ** 2 + np.square(unknown)
    return Source(np.log(goal / low), np.sqrt(relative), _DOUBT)


def _positive(values: np.ndarray) -> np.ndarray:
    """The values where they are large, and little more than zero where they are negative."""
    size = np.hypot(values, _SMALL)
    # the two are equal; each is precise for one sign
    return np.where(values > 0, values + size, _SMALL**2 / (size - np.minimum(values, 0))) / 2
