"""Paint for dressed bodies: colors of skin, hair and cloth, and the vertices they are on."""

from __future__ import annotations

import colorsys

import numpy as np

from pinet_training.rendering.mesh import (
    PATTERN_CHECKS,
    PATTERN_NOISE,
    PATTERN_PLAIN,
    PATTERN_STRIPES_ACROSS,
    PATTERN_STRIPES_ALONG,
)

# sRGB, 0 to 255: skin from the darkest to the lightest, and hair with its probabilities.
_SKIN = (
    (62, 38, 27),
    (97, 60, 40),
    (141, 88, 58),
    (186, 126, 86),
    (220, 168, 125),
    (247, 214, 188),
)
_HAIR = (
    ((18, 14, 12), 0.3),  # black
    ((48, 30, 20), 0.25),  # dark brown
    ((96, 62, 36), 0.18),  # brown
    ((186, 148, 92), 0.1),  # blond
    ((140, 62, 28), 0.04),  # red
    ((128, 126, 124), 0.09),  # gray
    ((214, 212, 208), 0.04),  # white
)


class Canvas:
    """Color, pattern and thickness of the vertices of one outfit; later paint covers earlier."""

    def __init__(self, count: int) -> None:
        self.colors = np.zeros((count, 3), np.float32)
        self.pattern = np.zeros((count, 2), np.float32)
        self.thickness = np.zeros(count, np.float32)

    def paint(
        self,
        where: np.ndarray | slice,
        color: np.ndarray,
        thickness: float | np.ndarray = 0.0,
        pattern: tuple[float, float] = (PATTERN_PLAIN, 0),
    ) -> None:
        """Cover the vertices of a mask (V,) or slice.

        Args:
            where: the vertices.
            color: (3,) linear RGB; clipped to 0 to 1.
            thickness: of the cloth or hair, metres; one or, for a mask, one for each vertex.
            pattern: one of the PATTERN constants, and its cycles per metre.
        """
        self.colors[where] = np.clip(color, 0, 1)
        self.thickness[where] = thickness
        self.pattern[where] = pattern


def linear(srgb: np.ndarray) -> np.ndarray:
    """Convert sRGB to linear RGB, both 0 to 1 (IEC 61966-2-1)."""
    srgb = np.asarray(srgb, float)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def skin_color(rng: np.random.Generator) -> np.ndarray:
    """Linear RGB of skin: any tone from the darkest to the lightest, with some random tint."""
    tones = np.array(_SKIN) / 255
    place = rng.uniform(0, len(tones) - 1)
    tone = [np.interp(place, np.arange(len(tones)), channel) for channel in tones.T]
    return linear(np.clip(tone * rng.normal(1, [0.04, 0.03, 0.05]), 0, 1))


def hair_color(rng: np.random.Generator) -> np.ndarray:
    """Linear RGB of hair."""
    colors, shares = zip(*_HAIR, strict=True)
    return linear(np.array(colors[rng.choice(len(colors), p=shares)]) / 255)


def cloth_color(rng: np.random.Generator) -> np.ndarray:
    """Linear RGB of cloth: in 35 % black, gray or white, otherwise of any hue."""
    if rng.random() < 0.35:
        return linear(np.clip(rng.uniform(0.05, 0.95) * rng.uniform(0.95, 1.05, 3), 0, 1))
    hue, saturation, value = rng.uniform([0, 0.15, 0.12], [1, 0.95, 0.95])
    return linear(np.array(colorsys.hsv_to_rgb(hue, saturation, value)))


def cloth_pattern(rng: np.random.Generator, plain: float) -> tuple[float, float]:
    """Kind of pattern and its cycles per metre; `plain` is the probability of none."""
    patterned = (PATTERN_STRIPES_ACROSS, PATTERN_STRIPES_ALONG, PATTERN_CHECKS, PATTERN_NOISE)
    kind = PATTERN_PLAIN if rng.random() < plain else int(rng.choice(patterned))
    return kind, float(rng.uniform(8, 45))
