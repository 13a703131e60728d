"""Changes how a crop looks, as cameras, compression, bad light and things in front do.

All functions take and return crops (S,S,3) uint8.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from pinet_training.rendering.photograph import motion_blur

_GRAY = 0.1  # share of crops without color
_HOLES = 0.25  # share of crops with a plain rectangle in front
_HOLE = (0.06, 0.36)  # sides of it, as fractions of the crop's


@dataclass(frozen=True)
class Effect:
    """One change, and how often it is made.

    Attributes:
        share: of the crops.
        change: makes it.
    """

    share: float
    change: Callable[[np.ndarray, np.random.Generator], np.ndarray]


def change_appearance(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Make random changes, in the order in which they happen in a camera."""
    for effect in _EFFECTS:
        if rng.random() < effect.share:
            crop = effect.change(crop, rng)
    return crop


def _cover(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Put a rectangle of one color, or of noise, in front."""
    size = len(crop)
    width, height = (rng.uniform(*_HOLE, 2) * size).astype(int)
    left, top = (rng.uniform(-0.1, 1.1, 2) * size - (width / 2, height / 2)).astype(int)
    rows, columns = (slice(max(0, a), max(0, a + b)) for a, b in ((top, height), (left, width)))
    covered = crop.copy()
    shape = covered[rows, columns].shape
    spread = 60 if rng.random() < 0.3 else 0
    color = rng.integers(0, 256, 3)
    noise = rng.integers(-spread, spread + 1, shape) if spread else 0
    covered[rows, columns] = np.clip(color + noise, 0, 255)
    return covered


def _light(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change exposure, color of the light, and contrast."""
    gains = np.exp(rng.normal(0, 0.12, 3) + rng.normal(0, 0.25))
    gamma = np.exp(rng.normal(0, 0.2))
    levels = np.arange(256)[:, None] / 255 * gains
    table = (np.clip(levels, 0, 1) ** gamma * 255 + 0.5).astype(np.uint8)
    return cv2.LUT(crop, table[:, None])


def _dim(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Low light: little of the range is used, and the sensor's noise is amplified."""
    level, sigma = rng.uniform(0.15, 0.5), rng.uniform(0.005, 0.03)
    noisy = crop * (level / 255) + sigma * rng.standard_normal(crop.shape, np.float32)
    gain = rng.uniform(0.6, 1.0) / level if rng.random() < 0.7 else 1.0
    return np.clip(noisy * (gain * 255), 0, 255).astype(np.uint8)


def _gray(crop: np.ndarray, _: np.random.Generator) -> np.ndarray:
    return cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def _defocus(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.5, 2.0))


def _move(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Motion blur along a line in any direction."""
    length = int(rng.integers(3, 14))
    return cv2.filter2D(crop, -1, motion_blur(length, rng.uniform(0, 180)))


def _coarsen(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A person far away: few pixels, enlarged."""
    small = int(len(crop) * rng.uniform(0.2, 0.7))
    reduced = cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA)
    return cv2.resize(reduced, crop.shape[:2], interpolation=cv2.INTER_LINEAR)


def _noise(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    sigma = rng.uniform(0, 12)
    noise = rng.standard_normal(crop.shape, np.float32) * np.float32(sigma)
    return np.clip(crop + noise, 0, 255).astype(np.uint8)


def _compress(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 85))]
    return cv2.imdecode(cv2.imencode(".jpg", crop, quality)[1], cv2.IMREAD_COLOR)


_EFFECTS = (
    Effect(_HOLES, _cover),
    Effect(0.8, _light),
    Effect(0.1, _dim),
    Effect(_GRAY, _gray),
    Effect(0.2, _defocus),
    Effect(0.1, _move),
    Effect(0.15, _coarsen),
    Effect(0.4, _noise),
    Effect(0.3, _compress),
)
