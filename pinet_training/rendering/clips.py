"""Clips of motion capture: one person's motion, as it is read from any kind of file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pinet_training.rendering.posture import Posture

CLIP_RATE = 30.0  # hertz, where a file does not say it or has more than is needed


@dataclass(frozen=True, eq=False)
class Clip:
    """F frames of one person's motion, in the body frame except for the heading, as captured.

    The clips of a couple were captured together: they have the same frames and one origin.

    Attributes:
        name: of the clip; clips of the two splits may have the same name.
        activity: what the person does, such as "walking".
        split: "train" or "test".
        torso: (F,3,3,3) rotations of pelvis, chest and head, as in Posture.
        limbs: (F,12,3) unit directions of LIMBS.
        rate: frames per second.
        roots: (F,3) metres: where the pelvis was, with the floor at z = 0. It is that of a
            performer of unknown size. None if unknown, or if only the height is known.
        partner: the clip of the other person of a couple, None for a person alone.
    """

    name: str
    activity: str
    split: str
    torso: np.ndarray
    limbs: np.ndarray
    rate: float = CLIP_RATE
    roots: np.ndarray | None = None
    partner: Clip | None = None

    def __len__(self) -> int:
        return len(self.limbs)

    def posture(self, frame: int) -> Posture:
        """The posture of a frame, rotated to face the front (-y)."""
        return Posture(*self.torso[frame], limbs=self.limbs[frame]).facing_front()
