"""Lighting of a scene: a sun or lamp that casts shadows, a fill light, sky and ground."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

GAMMA = 2.2  # an image has the value light ** (1 / GAMMA), both from 0 to 1

_SOFT = 0.5  # share of the scenes with much light from the sky and little from the sun


@dataclass(frozen=True, eq=False)
class Light:
    """All light on a scene, from infinitely far away; colors are linear RGB.

    Attributes:
        sun: (3,) unit vector towards the light that casts shadows.
        sun_color: (3,) color that it adds to a white surface facing it.
        fill: (3,) unit vector towards a second light, which casts no shadows.
        fill_color: (3,) color that it adds to a white surface facing it.
        sky: (3,) color of the light from above, on surfaces that face up.
        ground: (3,) color of the light from below, on surfaces that face down.
    """

    sun: np.ndarray
    sun_color: np.ndarray
    fill: np.ndarray
    fill_color: np.ndarray
    sky: np.ndarray
    ground: np.ndarray

    def turned(self, rotation: np.ndarray) -> Light:
        """The same light in another frame; rotation (3,3) rotates vectors into that frame."""
        return replace(self, sun=rotation @ self.sun, fill=rotation @ self.fill)


def random_light(rng: np.random.Generator) -> Light:
    """Draw a light in the world frame (z up), from overcast to glaring."""
    hard = rng.random() > _SOFT
    warmth = rng.normal(0, 0.12)
    warm = np.array([1 + warmth, 1, 1 - warmth])
    cool = np.array([1 - 0.5 * warmth, 1, 1 + 0.5 * warmth])
    sun_color = rng.uniform(0.6, 1.6) * warm if hard else rng.uniform(0.15, 0.6) * warm
    sky = rng.uniform(0.15, 0.45) * cool if hard else rng.uniform(0.4, 0.8) * cool
    return Light(
        sun=_direction(rng, 20, 85),
        sun_color=sun_color,
        fill=_direction(rng, -10, 60),
        fill_color=rng.uniform(0, 0.35) * (1 + rng.normal(0, 0.08, 3)),
        sky=sky,
        ground=sky * rng.uniform(0.3, 0.8) * (1 + rng.normal(0, 0.05, 3)),
    )


def _direction(rng: np.random.Generator, lowest: float, highest: float) -> np.ndarray:
    """A unit vector (3,) of any azimuth, with an elevation from lowest to highest, degrees."""
    azimuth = rng.uniform(-np.pi, np.pi)
    elevation = np.radians(rng.uniform(lowest, highest))
    level = np.cos(elevation)
    return np.array([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)])
