"""Camera effects on a rendered image: lens distortion, exposure, blur, noise, JPEG quality."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from pinet_ros.geometry.camera import Camera
from pinet_training.rendering.lighting import GAMMA

# Pixels between the points that are traced through the lens. Even with the strongest distortion,
# interpolation between them is accurate to 0.1 pixels.
_BLOCK = 6

_DARK = 0.12  # share of the images that are taken in low light
_DIMMED = (0.08, 0.45)  # fraction of the usual exposure that these have
_GRAIN = (0.01, 0.06)  # standard deviation of their noise in white areas, before gamma


@dataclass(frozen=True, eq=False)
class Lens:
    """The mapping from a pinhole rendering to a camera's distorted image of the same size.

    Attributes:
        matrix: (3,3) intrinsics, pixels, of a pinhole camera that sees everything the camera sees.
        pixels: (H,W,2) float32, the pinhole's pixel that each of the camera's pixels shows; None
            if the camera has no distortion.
    """

    matrix: np.ndarray
    pixels: np.ndarray | None = None

    @classmethod
    def of(cls, camera: Camera) -> Lens:
        """Compute the lens of a camera."""
        if not camera.distortion.any():
            return cls(camera.matrix)
        size = np.array([camera.width, camera.height]) - 1
        flat = camera.undistort(_border(*size))
        low, high = flat.min(axis=0), flat.max(axis=0)
        focal = size / (high - low)
        matrix = np.array(
            [[focal[0], 0, -low[0] * focal[0]], [0, focal[1], -low[1] * focal[1]], [0, 0, 1]]
        )
        return cls(matrix, _pinhole_pixels(camera, matrix))

    def bend(self, image: np.ndarray, interpolation: int = cv2.INTER_LINEAR) -> np.ndarray:
        """Distort a pinhole's image as the camera does.

        Args:
            image: (H,W,...) as seen by the pinhole.
            interpolation: one of OpenCV's, such as cv2.INTER_NEAREST for labels.

        Returns:
            The camera's image (H,W,...).
        """
        if self.pixels is None:
            return image
        return cv2.remap(image, self.pixels, None, interpolation, borderMode=cv2.BORDER_REPLICATE)


@dataclass(frozen=True, eq=False)
class Exposure:
    """How a camera turns light into an image.

    Attributes:
        gains: (3,) float32 by which red, green and blue are multiplied.
        blur: (K,K) float32, a blurring kernel whose sum is 1; None for a sharp image.
        grain: noise of each channel in low light, where photons are few: its standard deviation in
            white areas, before gamma; 0 for none.
        noise: standard deviation of the sensor's noise, of white.
        contrast, brightness: of the image; 1 and 0 leave it as it is.
        quality: JPEG quality to save the image with, 1 to 100.
    """

    gains: np.ndarray
    blur: np.ndarray | None
    grain: float
    noise: float
    contrast: float
    brightness: float
    quality: int

    @classmethod
    def random(cls, light: np.ndarray, rng: np.random.Generator) -> Exposure:
        """Draw exposure, blur, noise and contrast for a scene with this light (H,W,3)."""
        luminance = float(np.median(light[::4, ::4].mean(axis=2))) + 1e-3
        exposure = np.clip(rng.uniform(0.1, 0.3) / luminance, 0.5, 4.0)
        dark = rng.random() < _DARK
        if dark:
            exposure *= rng.uniform(*_DIMMED)
        return cls(
            gains=(exposure * rng.normal(1, 0.05, 3)).astype(np.float32),
            blur=_random_blur(rng),
            grain=rng.uniform(*_GRAIN) if dark else 0.0,
            noise=rng.uniform(0, 0.03),
            contrast=rng.uniform(0.8, 1.2),
            brightness=rng.normal(0, 0.04),
            quality=int(rng.integers(55, 98)),
        )

    def image(self, light: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Turn light (H,W,3), linear RGB, into an image (H,W,3) uint8 BGR; `rng` is its noise."""
        image = light * self.gains
        if self.grain:
            noise = rng.standard_normal(image.shape, np.float32)
            image = np.maximum(image + np.sqrt(image + 0.003) * np.float32(self.grain) * noise, 0)
        # compress the highlights, so that they do not clip hard
        image = cv2.pow(image / (1 + 0.25 * image), 1 / GAMMA)
        if self.blur is not None:
            image = cv2.filter2D(image, -1, self.blur)
        image += np.float32(self.noise) * rng.standard_normal((*image.shape[:2], 1), np.float32)
        scale = 255 * self.contrast
        shift = 255 * (0.5 - 0.5 * self.contrast + self.brightness)
        levels = np.clip(image * np.float32(scale) + np.float32(shift), 0, 255).astype(np.uint8)
        return cv2.cvtColor(levels, cv2.COLOR_RGB2BGR)


def photograph(light: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Turn linear light into an image with random exposure, blur, noise and contrast.

    Args:
        light: (H,W,3) float32, linear RGB.
        rng: source of the randomness.

    Returns:
        The image (H,W,3) uint8 BGR, and the JPEG quality to save it with, 1 to 100.
    """
    exposure = Exposure.random(light, rng)
    return exposure.image(light, rng), exposure.quality


def _random_blur(rng: np.random.Generator) -> np.ndarray | None:
    """The kernel of an image out of focus or with motion blur, in most cases None."""
    kind = rng.random()
    if kind < 0.35:
        sigma = rng.uniform(0.4, 1.4)
        line = cv2.getGaussianKernel(2 * math.ceil(3 * sigma) + 1, sigma, cv2.CV_32F)
        return line @ line.T
    if kind < 0.45:
        length = int(rng.integers(3, 10))
        return motion_blur(length, rng.uniform(0, 180))
    return None


def motion_blur(length: int, degrees: float) -> np.ndarray:
    """The kernel (length,length) float32 of a motion along a line in the image; its sum is 1."""
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    middle = (length / 2 - 0.5, length / 2 - 0.5)
    kernel = cv2.warpAffine(kernel, cv2.getRotationMatrix2D(middle, degrees, 1), (length, length))
    return kernel / max(kernel.sum(), 1e-6)


def _border(right: int, bottom: int) -> np.ndarray:
    """Points (N,2) along the border of an image whose last pixel is (right, bottom)."""
    along = np.linspace(0, 1, 33)[:, None]
    corners = np.array([[0, 0], [right, 0], [right, bottom], [0, bottom]], float)
    ends = np.roll(corners, -1, axis=0)
    return np.concatenate([a + along * (b - a) for a, b in zip(corners, ends, strict=True)])


def _pinhole_pixels(camera: Camera, matrix: np.ndarray) -> np.ndarray:
    """(H,W,2) float32: the pixel of a pinhole with this matrix that each camera pixel shows.

    The mapping is smooth, so only the centres of blocks of pixels are traced through the lens,
    with one more block on each side. The pixels between them are interpolated.
    """
    columns, rows = (
        (np.arange(-1, -(-size // _BLOCK) + 1) + 0.5) * _BLOCK - 0.5
        for size in (camera.width, camera.height)
    )
    flat = camera.undistort(np.stack(np.meshgrid(columns, rows), axis=-1))
    blocks = np.float32(flat * matrix[[0, 1], [0, 1]] + matrix[:2, 2])
    size = len(columns) * _BLOCK, len(rows) * _BLOCK
    pixels = cv2.resize(blocks, size, interpolation=cv2.INTER_LINEAR)
    inside = slice(_BLOCK, _BLOCK + camera.height), slice(_BLOCK, _BLOCK + camera.width)
    return np.ascontiguousarray(pixels[inside])
