"""Places of people in a scene, and the relations between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TOUCHING, COUPLE, CENTRE = "touching", "couple", "centre"
# Relations of a person to a partner, with their probabilities: face to face, close enough to
# touch, side by side in the same direction, side by side in opposite directions, behind the
# partner as seen by the camera, or apart.
RELATIONS = {
    "facing": 0.15,
    TOUCHING: 0.08,
    "together": 0.09,
    "passing": 0.08,
    "behind": 0.13,
    "apart": 0.17,
}
# Relations in contact, with their probabilities; nobody has two of them. See `contact`.
CONTACT_RELATIONS = {
    "shaking hands": 0.05,
    "handing over": 0.05,
    "hugging": 0.05,
    "hand on shoulder": 0.03,
    "arm around": 0.03,
    "arm in arm": 0.03,
    "holding hands": 0.03,
    "leaning on somebody": 0.02,
    "carrying somebody": 0.01,
}


@dataclass(frozen=True)
class Place:
    """Where a person stands.

    Attributes:
        x, y: metres, on the ground, in the world frame (x right, y forward, z up).
        yaw: radians; 0 faces the camera (-y), positive rotates to the person's left.
        relation: to the partner: one of RELATIONS or CONTACT_RELATIONS, COUPLE, CENTRE for who
            is in the middle of others, or one of the formations.
        partner: index of the partner among the people placed before, None for the first person.
        focus: x and y of what the person attends to, metres; None for the partner.
    """

    x: float
    y: float
    yaw: float
    relation: str = "apart"
    partner: int | None = None
    focus: tuple[float, float] | None = None

    @property
    def position(self) -> np.ndarray:
        """x and y as an array (2,), metres."""
        return np.array([self.x, self.y])
