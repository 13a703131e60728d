"""Styles of clothes: who wears a skirt, a coat, a padded jacket, wide trousers, gloves, a hood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Shares of the people, by the main garment.
_KINDS = {"skirt": 0.09, "dress": 0.07, "long coat": 0.07, "bulky jacket": 0.12}
_WIDE = 0.1  # share of the others with wide trousers
_GLOVES, _HOOD = 0.4, 0.2  # shares of those in a coat or a bulky jacket
_OPEN = 0.5  # share of the coats that are open


@dataclass(frozen=True)
class Style:
    """The cut of somebody's clothes.

    Attributes:
        names: of the garments that not everybody wears.
        hem: of a skirt or coat: 0 at the hips, 0.5 at the knees, 1 at the ankles.
        flare: how much wider it is at the hem, metres per metre of length.
        gap: half the angle that an open coat leaves uncovered, radians; 0 if it is closed.
    """

    names: tuple[str, ...]
    hem: float
    flare: float
    gap: float

    @property
    def skirt(self) -> bool:
        """Whether a skirt or the skirt of a dress hangs around the legs."""
        return "skirt" in self.names or self.dress

    @property
    def dress(self) -> bool:
        """Whether the skirt is of one piece with the upper garment."""
        return "dress" in self.names

    @property
    def coat(self) -> bool:
        """Whether a coat hangs around the legs."""
        return "long coat" in self.names

    @property
    def bulky(self) -> bool:
        """Whether the upper garment is padded."""
        return "bulky jacket" in self.names

    @property
    def wide(self) -> bool:
        """Whether trousers widen towards the ankles."""
        return "wide trousers" in self.names

    @property
    def gloves(self) -> bool:
        """Whether the hands are covered."""
        return "gloves" in self.names

    @property
    def hood(self) -> bool:
        """Whether a hood covers the head."""
        return "hood" in self.names


def draw_style(rng: np.random.Generator) -> Style:
    """Draw the style of one person."""
    kind = str(rng.choice([*_KINDS, ""], p=[*_KINDS.values(), 1 - sum(_KINDS.values())]))
    wide, gloves, hood, opened = rng.random(4) < [_WIDE, _GLOVES, _HOOD, _OPEN]
    warm = kind in ("long coat", "bulky jacket")
    names = {
        kind: bool(kind),
        "wide trousers": wide and not kind,
        "gloves": gloves and warm,
        "hood": hood and warm,
    }
    coat = kind == "long coat"
    hem = rng.uniform(0.35, 0.75) if coat else rng.choice([0.28, 0.45, 0.6, 0.92])
    return Style(
        names=tuple(name for name, worn in names.items() if worn),
        hem=float(hem + rng.normal(0, 0.04)),
        flare=float(rng.uniform(0.0, 0.12) if coat else rng.uniform(0.0, 0.35)),
        gap=float(rng.uniform(0.15, 0.7)) if coat and opened else 0.0,
    )
