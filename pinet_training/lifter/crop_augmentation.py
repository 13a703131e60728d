"""Augmentation of crops: colour, scale, rotation, mirror and occlusion."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_AREAS = 0.0, 0.7  # of an occluder, parts of the crop
_RATIOS = 0.3, 1 / 0.3  # of its height to its width


@dataclass(frozen=True)
class View:
    """How one crop is taken.

    Attributes:
        scale: of the square.
        angle: by which the square is turned clockwise in the picture, radians.
        mirror: left and right change places.
    """

    scale: float = 1.0
    angle: float = 0.0
    mirror: bool = False

    def matrix(self, square: np.ndarray, size: int) -> np.ndarray:
        """(2,3) from pixels of the picture to those of the crop.

        Unchanged, pixel u of the crop is at x_min + u / size side, as the lifter takes it.

        Args:
            square: (3,) x and y of the middle and the side, pixels of the picture.
            size: of the crop, pixels.
        """
        *middle, side = square
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        turn = np.array([[cosine, sine], [-sine, cosine]]) * (size / (side * self.scale))
        matrix = np.column_stack([turn, size / 2 - turn @ middle])
        if self.mirror:
            matrix[0] = [0, 0, size - 1] - matrix[0]
        return matrix


@dataclass(frozen=True)
class Augmentation:
    """How far crops are changed; the defaults are those of the released PoseNet.

    Attributes:
        scale: standard deviation of the square's scale, at most one either way.
        rotation: standard deviation of its angle, degrees, at most two either way.
        rotated: probability of a rotation.
        mirror: probability.
        colour: largest change of each channel's brightness.
        occlusion: probability that a rectangle of noise lies over the crop.
    """

    scale: float = 0.25
    rotation: float = 30.0
    rotated: float = 0.6
    mirror: float = 0.5
    colour: float = 0.2
    occlusion: float = 0.5

    def view(self, rng: np.random.Generator) -> View:
        """Draw how a crop is taken."""
        scale = 1 + np.clip(rng.normal(), -1, 1) * self.scale
        angle = np.radians(np.clip(rng.normal(), -2, 2) * self.rotation)
        turned = rng.random() < self.rotated
        return View(scale, angle if turned else 0.0, bool(rng.random() < self.mirror))

    def paint(self, crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Change a crop's (S,S,3) uint8 colours, and maybe hide a part of it."""
        factors = rng.uniform(1 - self.colour, 1 + self.colour, 3)
        painted = np.clip(crop * factors + 0.5, 0, 255).astype(np.uint8)
        if rng.random() < self.occlusion:
            _hide(painted, rng)
        return painted


UNCHANGED = Augmentation(scale=0, rotated=0, mirror=0, colour=0, occlusion=0)


def take(picture: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """A crop (S,S,3) of a picture (H,W,3), black outside of it."""
    return cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_LINEAR)


def _hide(crop: np.ndarray, rng: np.random.Generator) -> None:
    """Fill a rectangle of a crop with noise."""
    size = len(crop)
    sides = np.array([np.inf])
    while (sides > 1).any():
        area, ratio = rng.uniform(*_AREAS), rng.uniform(*_RATIOS)
        sides = np.sqrt([area * ratio, area / ratio])  # height and width, parts of the crop
    height, width = (sides * size).astype(int)
    top, left = (rng.uniform(size=2) * (1 - sides) * size).astype(int)
    noise = rng.integers(0, 256, (height, width, 3), np.uint8)
    crop[top : top + height, left : left + width] = noise
