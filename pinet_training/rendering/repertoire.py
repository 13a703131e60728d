"""Repertoire: which takes people do in sequences, and how one take goes on into another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pinet_training.rendering.motion import Motions
from pinet_training.rendering.posture import LIMBS, heading, yaw_rotation
from pinet_training.rendering.takes import Take

_WALKING = "walking"
_WALKING_SPEED = 0.4  # legs per second at least, on average, of who goes somewhere
_UPRIGHT = 0.7  # legs: lowest pelvis of who is on the feet all the time
_NOT_ON_THE_FLOOR = ("swimming", "uneven_terrain", "playground_climbing", "driving_seated")
_SHORTEST = 1.5  # seconds of a take of somebody who stays in place
_ROOM = 1.5  # legs: how far somebody who stays in place may go
_LEAST = 1.0  # seconds of a take that must be left to go on with it
_LOOKAHEAD = 0.2  # seconds, over which a motion is compared
_MOTION_WEIGHT = 3.0  # of the change over that time, compared with the posture
_LEGS_WEIGHT = 2.0  # of the legs, compared with the rest: feet that differ slide in a change
_BEST = 3  # junctions of which one is drawn
_WEIGHTS = np.array(
    [_LEGS_WEIGHT if limb.endswith(("thigh", "shin", "foot")) else 1.0 for limb in LIMBS]
)


class Ensemble:
    """Takes that go on into each other.

    Args:
        takes: at least one.
        rate: frames per second.

    Attributes:
        takes: as given.
        rate: as given.
    """

    def __init__(self, takes: Sequence[Take], rate: float) -> None:
        self.takes = takes
        self.rate = rate
        self._looks = {take: _look(take, rate) for take in takes}
        least = round(_LEAST * rate)
        counts = [max(1, len(take) - least) for take in takes]
        # take and frame of all that can be gone on with, and what they look like
        self._starts = [
            (t, n) for t, count in zip(takes, counts, strict=True) for n in range(count)
        ]
        self._start_looks = np.concatenate(
            [self._looks[take][:count] for take, count in zip(takes, counts, strict=True)]
        )

    def begin(self, rng: np.random.Generator) -> tuple[Take, int]:
        """Draw a take and a frame to start at."""
        return self._starts[rng.integers(len(self._starts))]

    def go_on(self, take: Take, frame: int, rng: np.random.Generator) -> tuple[Take, int]:
        """Draw a take and a frame of it that look like a frame of another take and move alike."""
        look = self._looks[take][frame]
        distances = ((self._start_looks - look) ** 2).sum(axis=1)
        best = np.argpartition(distances, min(_BEST, len(distances) - 1))[:_BEST]
        return self._starts[best[rng.integers(len(best))]]


@dataclass(frozen=True, eq=False)
class Repertoire:
    """What the people of sequences do.

    Attributes:
        walks: takes of people who go somewhere; None if there are none.
        stays: takes of people who stay in place, by activity.
    """

    walks: Ensemble | None
    stays: dict[str, Ensemble]

    @classmethod
    def of(cls, motions: Motions, rate: float) -> Repertoire:
        """Choose from all clips those on the feet; or all clips, if there are none such."""
        takes = [Take.of(clip, rate) for clip in motions.clips]
        upright = [take for take in takes if _is_upright(take)]
        walks = [take for take in upright if take.activity == _WALKING and _goes(take, rate)]
        stays = [take for take in upright if _stays(take, rate)]
        stays = stays or ([] if walks else takes)
        activities = sorted({take.activity for take in stays})
        return cls(
            walks=Ensemble(walks, rate) if walks else None,
            stays={
                activity: Ensemble([t for t in stays if t.activity == activity], rate)
                for activity in activities
            },
        )


def _goes(take: Take, rate: float) -> bool:
    return abs(take.moves.sum()) * rate / len(take) > _WALKING_SPEED


def _stays(take: Take, rate: float) -> bool:
    path = np.cumsum(take.moves)
    in_place = float(np.abs(path - path.mean()).max()) < _ROOM
    return in_place and take.activity != _WALKING and len(take) > _SHORTEST * rate


def _is_upright(take: Take) -> bool:
    return bool(take.heights.min() > _UPRIGHT) and take.activity not in _NOT_ON_THE_FLOOR


def _look(take: Take, rate: float) -> np.ndarray:
    """(G,L) what a person looks like in each frame, seen from the front, and how that changes."""
    turns = [yaw_rotation(-facing(take, frame)).T for frame in range(len(take))]
    limbs = np.einsum("fli,fij->flj", take.limbs, np.stack(turns))
    limbs = (limbs * _WEIGHTS[:, None]).reshape(len(take), -1)
    step = max(1, round(_LOOKAHEAD * rate))
    ahead = np.minimum(np.arange(len(take)) + step, len(take) - 1)
    return np.concatenate([limbs, _MOTION_WEIGHT * (limbs[ahead] - limbs)], axis=1)


def facing(take: Take, frame: int) -> float:
    """Return the yaw of the pelvis in a frame of a take, radians."""
    return heading(-take.torso[frame, 0, :2, 1])
