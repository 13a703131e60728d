"""Recordings of motion capture: one take of a skeleton, and helpers to read its text files."""

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
    """F frames of a person's motion, in the body frame except that the person may face any way.

    Attributes:
        torso: (F,3,3,3) rotations of pelvis, chest and head from the skeleton's rest pose.
        limbs: (F,12,3) unit directions of LIMBS.
        frame_time: seconds from one frame to the next.
    """

    torso: np.ndarray
    limbs: np.ndarray
    frame_time: float

    @classmethod
    def of_bones(
        cls, torso: np.ndarray, limbs: np.ndarray, rest: np.ndarray, frame_time: float
    ) -> Recording:
        """Compute a recording from the rotations of a skeleton's bones.

        The skeleton's rest pose must be upright, arms sideways and legs down. It shows which of
        the skeleton's axes point left and up.

        Args:
            torso: (F,3,3,3) rotations of pelvis, chest and head from the rest pose, in the
                skeleton's frame.
            limbs: (F,12,3,3) rotations of LIMBS from the rest pose, in the skeleton's frame.
            rest: (12,3) directions of LIMBS in the rest pose, of any length but 0.
            frame_time: seconds from one frame to the next.
        """
        rest = unit(rest)
        left = rest[LIMBS.index("left_clavicle")] - rest[LIMBS.index("right_clavicle")]
        down = rest[LIMBS.index("left_thigh")] + rest[LIMBS.index("right_thigh")]
        to_body = axes_to_body(left, -down)
        directions = np.einsum("flij,lj->fli", limbs, rest)
        return cls(to_body @ torso @ to_body.T, directions @ to_body.T, frame_time)

    def at_rate(self, rate: float) -> Recording:
        """Return the recording at a lower frame rate.

        Args:
            rate: hertz. The frames nearest in time are taken; all of them if the recording's own
                rate is not higher.
        """
        step = max(1.0, 1 / (rate * self.frame_time))
        frames = np.round(np.arange(0, len(self.limbs) - 0.5, step)).astype(int)
        return replace(
            self,
            torso=self.torso[frames],
            limbs=self.limbs[frames],
            frame_time=step * self.frame_time,
        )


def accumulate(local: np.ndarray, parents: Sequence[int]) -> np.ndarray:
    """Compute the rotations (F,B,3,3) of bones from rotations relative to their parents.

    Args:
        local: (F,B,3,3) rotations, each relative to the bone's parent.
        parents: index of each bone's parent, less than the bone's own index; -1 for no parent.
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
        path: the file.
        number: the line's number, from 1.
        words: the line's words, at least one.
    """

    path: Path
    number: int
    words: tuple[str, ...]

    def error(self, expected: str) -> DatasetError:
        """Make an error that names the line and says what it was expected to contain."""
        found = " ".join(self.words)
        found = found if len(found) <= 60 else f"{found[:60]}..."
        return DatasetError(f"{self.path}:{self.number}: expected {expected}, got {found!r}")

    def numbers(self, expected: str, count: int, start: int = 1) -> np.ndarray:
        """Read the line's last words as numbers.

        Args:
            expected: description of them for the error message.
            count: how many there must be.
            start: index of the word that is the first number.

        Returns:
            The finite numbers (count,).

        Raises:
            DatasetError: there are more or fewer words, or one is not a finite number.
        """
        try:
            numbers = np.array(self.words[start:], float)
        except ValueError as error:
            raise self.error(expected) from error
        if len(numbers) != count or not np.isfinite(numbers).all():
            raise self.error(expected)
        return numbers


def read_lines(path: Path) -> list[Line]:
    """Read the lines of a text file, without blank lines and comments, which start with #.

    Raises:
        DatasetError: the file is missing, not a text file, or empty.
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
