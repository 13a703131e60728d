"""Walks: one person's motion through a sequence, made of takes that go on into each other.

Points and directions on the floor are complex numbers, x + iy in metres of the world frame, so
that a turn by `yaw` multiplies by exp(i yaw).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pinet_training.rendering.posture import Posture
from pinet_training.rendering.repertoire import Ensemble, facing
from pinet_training.rendering.takes import Take, between_directions, between_rotations

_BLEND = 0.3  # seconds from one take to the next
_SAME_FOOT = 0.5  # legs: takes whose feet stand nearer to each other stand on the same foot
_SETTLE = 0.2  # seconds until somebody turns as fast as wanted
_HOMING = 0.1  # per second: how fast somebody who stays in place comes back there


@dataclass(frozen=True, eq=False)
class Part:
    """A frame of a take that a person is in.

    Attributes:
        take: the take.
        frame: of the take.
        yaw: radians that the take is turned by.
    """

    take: Take
    frame: int
    yaw: float

    @property
    def move(self) -> complex:
        """How far the person moves until the next frame, in legs, world frame."""
        return complex(self.take.moves[self.frame]) * np.exp(1j * self.yaw)

    @property
    def planted(self) -> complex:
        """Where the foot that carries stands, from the pelvis, in legs, world frame."""
        return complex(self.take.planted[self.frame]) * np.exp(1j * self.yaw)

    def next(self, turn: float) -> Part:
        """The frame after this one, or the last one again, turned by so many radians more."""
        return Part(self.take, min(self.frame + 1, len(self.take) - 1), self.yaw + turn)

    def directions(self) -> tuple[np.ndarray, np.ndarray]:
        """Torso (3,3,3) and limbs (12,3) as in Posture, in the axes of the world frame."""
        posture = Posture(*self.take.torso[self.frame], self.take.limbs[self.frame])
        turned = posture.turned(self.yaw)
        return np.stack([turned.pelvis, turned.chest, turned.head]), turned.limbs


@dataclass(frozen=True, eq=False)
class Moment:
    """A person at one time.

    Attributes:
        position: metres, of the pelvis over the floor.
        lift: metres from the floor to the person's lowest point.
        part: what the person does.
        coming: what it changes to, None if there is no change.
        share: of `coming`, 0 to 1.
    """

    position: complex
    lift: float
    part: Part
    coming: Part | None = None
    share: float = 0.0

    @property
    def posture(self) -> Posture:
        """In the axes of the world frame: the person is turned the way it faces there."""
        torso, limbs = self.part.directions()
        if self.coming is not None:
            to_torso, to_limbs = self.coming.directions()
            torso = between_rotations(torso, to_torso, np.full(3, self.share))
            limbs = between_directions(limbs, to_limbs, np.full(12, self.share))
        return Posture(*torso, limbs=limbs)

    @property
    def clip(self) -> str:
        """Name of the clip that most of the posture is of."""
        part = self.coming if self.coming is not None and self.share > 0.5 else self.part
        return part.take.clip


class Walker:
    """A person who moves on frame by frame; it can be turned, and its feet do not slide.

    Args:
        ensemble: takes of what the person does.
        leg: metres from hip to ankle.
        position: metres, where the pelvis is at the start.
        course: radians, angle of the direction in which the person goes at the start.
        rng: decides the takes.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        leg: float,
        position: complex,
        course: float,
        rng: np.random.Generator,
    ) -> None:
        take, frame = ensemble.begin(rng)
        self._ensemble, self._leg, self._rng = ensemble, leg, rng
        self._position, self._home = position, position
        self._part = Part(take, frame, course - float(take.courses[frame]))
        self._coming: Part | None = None
        self._frames = 0  # of the change to `coming`, and how many of them are done
        self._done = 0
        self._turn = 0.0  # radians per frame

    @property
    def position(self) -> complex:
        """Where the pelvis is, metres."""
        return self._position

    @property
    def course(self) -> float:
        """Angle of the direction in which the person goes, radians."""
        part = self._part if self._coming is None else self._coming
        return float(part.take.courses[part.frame]) + part.yaw

    def moment(self) -> Moment:
        """The person now."""
        lift = self._mixed(
            *(0.0 if p is None else p.take.lifts[p.frame] for p in (self._part, self._coming))
        )
        return Moment(
            self._position, float(lift.real) * self._leg, self._part, self._coming, self._share
        )

    def step(self, turn: float = 0.0) -> None:
        """Go on to the next frame.

        Args:
            turn: radians per frame that the person shall turn by, besides what the takes do.
        """
        self._begin_change()
        self._turn += (turn - self._turn) / max(1.0, _SETTLE * self._ensemble.rate)
        parts = (self._part, self._coming)
        moves = self._mixed(*(0.0 if part is None else part.move for part in parts))
        self._part = self._part.next(self._turn)
        self._coming = None if self._coming is None else self._coming.next(self._turn)
        self._position += self._leg * (moves + self._around_the_foot())
        self._position += self._leg * self._change()
        if self._coming is not None and self._done > self._frames:
            self._part, self._coming = self._coming, None

    def stay(self) -> None:
        """Go on to the next frame, and stay about where the person was at the start."""
        self.step()
        self._position += (self._home - self._position) * _HOMING / self._ensemble.rate

    def _around_the_foot(self) -> complex:
        """How far the pelvis moves as the person turns about the foot, not about the pelvis."""
        parts = (self._part, self._coming)
        planted = self._mixed(*(0.0 if part is None else part.planted for part in parts))
        return complex(planted * (np.exp(-1j * self._turn) - 1))

    def _change(self) -> complex:
        """Go on with the change; how far the pelvis moves as the foot goes from take to take."""
        if self._coming is None:
            return 0.0
        before, self._done = self._share, self._done + 1
        gap = self._coming.planted - self._part.planted
        return (before - self._share) * gap if abs(gap) < _SAME_FOOT else 0.0

    @property
    def _share(self) -> float:
        """How much of `coming` there is, 0 to 1, without corners."""
        if self._coming is None:
            return 0.0
        part = self._done / (self._frames + 1)
        return part * part * (3 - 2 * part)

    def _mixed(self, now: complex, coming: complex) -> complex:
        return complex((1 - self._share) * now + self._share * coming)

    def _begin_change(self) -> None:
        """Begin to change to another take shortly before the end of this one."""
        left = len(self._part.take) - 1 - self._part.frame
        frames = round(_BLEND * self._ensemble.rate)
        if self._coming is not None or left > frames:
            return
        take, frame = self._ensemble.go_on(self._part.take, self._part.frame, self._rng)
        faces = self._part.yaw + facing(self._part.take, self._part.frame)
        self._coming = Part(take, frame, faces - facing(take, frame))
        self._frames, self._done = max(1, left), 0
