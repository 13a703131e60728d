"""Augmentation of crops: color, scale, rotation, mirroring and occlusion."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_AREAS = 0.0, 0.7  # range of an occluder's area, as a fraction of the crop's
_RATIOS = 0.3, 1 / 0.3  # range of its height-to-width ratio


@dataclass(frozen=True)
class View:
    """How one crop is taken from its image.

    Attributes:
        scale: factor applied to the side of the square.
        angle: clockwise rotation of the square in the image, radians.
        mirror: whether left and right are swapped.
        shift: x and y that the square is moved by, as fractions of its side.
    """

    scale: float = 1.0
    angle: float = 0.0
    mirror: bool = False
    shift: tuple[float, float] = (0.0, 0.0)

    def matrix(self, square: np.ndarray, size: int) -> np.ndarray:
        """Return the (2,3) affine matrix from image pixels to crop pixels.

        With the default view, pixel u of the crop is at x_min + u / size * side in the image, as
        in the lifter.

        Args:
            square: (3,) x and y of the centre, and the side, in image pixels.
            size: side of the crop, pixels.
        """
        side = square[2]
        centre = square[:2] + np.asarray(self.shift) * side
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        linear = np.array([[cosine, sine], [-sine, cosine]]) * (size / (side * self.scale))
        matrix = np.column_stack([linear, size / 2 - linear @ centre])
        if self.mirror:
            matrix[0] = [0, 0, size - 1] - matrix[0]
        return matrix


@dataclass(frozen=True)
class Augmentation:
    """Ranges of random changes to crops; the defaults are those of the released PoseNet.

    Attributes:
        scale: standard deviation of the square's scale; clipped at one standard deviation.
        rotation: standard deviation of its angle, degrees; clipped at two standard deviations.
        rotated: probability of a rotation.
        mirror: probability of mirroring.
        color: largest relative change of each color channel's brightness.
        occlusion: probability that a rectangle of noise covers a part of the crop.
    """

    scale: float = 0.25
    rotation: float = 30.0
    rotated: float = 0.6
    mirror: float = 0.5
    color: float = 0.2
    occlusion: float = 0.5

    def view(self, rng: np.random.Generator) -> View:
        """Draw a random view of a crop."""
        scale = 1 + np.clip(rng.normal(), -1, 1) * self.scale
        angle = np.radians(np.clip(rng.normal(), -2, 2) * self.rotation)
        rotated = rng.random() < self.rotated
        return View(scale, angle if rotated else 0.0, bool(rng.random() < self.mirror))

    def paint(self, crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Change the colors of a crop (S,S,3) uint8 and, at random, occlude a part of it."""
        factors = rng.uniform(1 - self.color, 1 + self.color, 3)
        painted = np.clip(crop * factors + 0.5, 0, 255).astype(np.uint8)
        if rng.random() < self.occlusion:
            _occlude(painted, rng)
        return painted


UNCHANGED = Augmentation(scale=0, rotated=0, mirror=0, color=0, occlusion=0)


def take(picture: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Cut a crop out of an image; it is black outside of the image.

    Args:
        picture: (H,W,3) image.
        matrix: (2,3) from image pixels to crop pixels, see `View.matrix`.
        size: S, the side of the crop in pixels.

    Returns:
        (S,S,3) of the image's type.
    """
    return cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_LINEAR)


def _occlude(crop: np.ndarray, rng: np.random.Generator) -> None:
    """Fill a random rectangle of a crop with noise, in place."""
    size = len(crop)
    sides = np.array([np.inf])
    while (sides > 1).any():
        area, ratio = rng.uniform(*_AREAS), rng.uniform(*_RATIOS)
        sides = np.sqrt([area * ratio, area / ratio])  # height and width, fractions of the crop
    height, width = (sides * size).astype(int)
    top, left = (rng.uniform(size=2) * (1 - sides) * size).astype(int)
    noise = rng.integers(0, 256, (height, width, 3), np.uint8)
    crop[top : top + height, left : left + width] = noise
