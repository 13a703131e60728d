"""What files of captured motion are read into: one take of a skeleton, in the body frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pinet_ros.cli.predictions.records import require_file
from pinet_ros.errors import DatasetError
from pinet_training.rendering.posture import LIMBS, axes_to_body, unit


@dataclass(frozen=True, eq=False)
class Recording:
    """F frames of somebody's motion, in the body frame but for where the person turns.

    Attributes:
        torso: (F,3,3,3) rotations of pelvis, chest and head from the skeleton's rest.
        limbs: (F,12,3) unit directions of LIMBS.
        frame_time: seconds from a frame to the next.
    """

    torso: np.ndarray
    limbs: np.ndarray
    frame_time: float

    @classmethod
    def of_bones(
        cls, torso: np.ndarray, limbs: np.ndarray, rest: np.ndarray, frame_time: float
    ) -> Recording:
        """A recording from the rotations of a skeleton's bones.

        The skeleton rests upright, arms sideways and legs down; which of its axes are left and up
        is seen from that.

        Args:
            torso: (F,3,3,3) rotations of pelvis, chest and head from the rest.
            limbs: (F,12,3,3) those of LIMBS.
            rest: (12,3) directions of LIMBS at rest, of any length but 0.
            frame_time: seconds.
        """
        rest = unit(rest)
        left = rest[LIMBS.index("left_clavicle")] - rest[LIMBS.index("right_clavicle")]
        down = rest[LIMBS.index("left_thigh")] + rest[LIMBS.index("right_thigh")]
        to_body = axes_to_body(left, -down)
        directions = np.einsum("flij,lj->fli", limbs, rest)
        return cls(to_body @ torso @ to_body.T, directions @ to_body.T, frame_time)

    def at_rate(self, rate: float) -> Recording:
        """The frames nearest to those of a lower rate in hertz; itself where it is no lower."""
        step = max(1.0, 1 / (rate * self.frame_time))
        frames = np.round(np.arange(0, len(self.limbs) - 0.5, step)).astype(int)
        return replace(
            self,
            torso=self.torso[frames],
            limbs=self.limbs[frames],
            frame_time=step * self.frame_time,
        )


def accumulate(local: np.ndarray, parents: Sequence[int]) -> np.ndarray:
    """Rotations (F,B,3,3) of bones from those relative to their parents.

    Args:
        local: (F,B,3,3).
        parents: B indices, each less than its bone's own; -1 has none.
    """
    rotations = local.copy()
    for bone, parent in enumerate(parents):
        if parent >= 0:
            rotations[:, bone] = rotations[:, parent] @ local[:, bone]
    return rotations


@dataclass(frozen=True)
class Line:
    """A line of a text file.

    Attributes:
        path: of the file.
        number: of the line, from 1.
        words: one at least.
    """

    path: Path
    number: int
    words: tuple[str, ...]

    def error(self, expected: str) -> DatasetError:
        """An error that says what was to stand here instead."""
        found = " ".join(self.words)
        found = found if len(found) <= 60 else f"{found[:60]}..."
        return DatasetError(f"{self.path}:{self.number}: expected {expected}, got {found!r}")

    def numbers(self, expected: str, count: int, start: int = 1) -> np.ndarray:
        """The finite numbers (count,) that the line has from the word `start` on to its end.

        Raises:
            DatasetError: it has others, or more or fewer.
        """
        try:
            numbers = np.array(self.words[start:], float)
        except ValueError as error:
            raise self.error(expected) from error
        if len(numbers) != count or not np.isfinite(numbers).all():
            raise self.error(expected)
        return numbers


def read_lines(path: Path) -> list[Line]:
    """The lines of a text file that say anything: not blank, and not a comment behind #.

    Raises:
        DatasetError: there is no such file, it is no text, or it is empty.
    """
    require_file(path)
    try:
        rows = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not a text file: {error}") from error
    split = ((number, tuple(row.partition("#")[0].split())) for number, row in enumerate(rows, 1))
    lines = [Line(path, number, words) for number, words in split if words]
    if not lines:
        raise DatasetError(f"{path} is empty")
    return lines
