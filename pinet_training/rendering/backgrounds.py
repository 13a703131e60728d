"""Backgrounds of scenes: generated skies, blurred clutter, or parts of the user's pictures."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from pinet_ros.errors import DatasetError
from pinet_ros.imaging.pictures import IMAGE_SUFFIXES, PictureError, read_image
from pinet_training.datasets.visible_files import visible_files
from pinet_training.rendering.lighting import GAMMA
from pinet_training.rendering.viewpoint import Viewpoint

_TEST_EVERY = 5  # one picture in this many is for testing
_MOST_NAMED = 5  # pictures in one error
_PICTURED = 0.8  # share of the backgrounds taken from pictures, if there are any


class Backgrounds:
    """Backgrounds of one split: generated ones, or mostly parts of pictures if there are any.

    The split of a picture depends on its file name only, so that it does not change when others
    are added. Generated backgrounds need no split because none repeats.

    Args:
        pictures: image files without people; none to generate all backgrounds.
    """

    def __init__(self, pictures: Sequence[Path] = ()) -> None:
        self.pictures = list(pictures)

    @classmethod
    def load(cls, folder: Path | None, split: str) -> Backgrounds:
        """Use the pictures of one split in a folder and its subfolders.

        Args:
            folder: with pictures without people; None to generate all backgrounds.
            split: "train" or "test".

        Raises:
            DatasetError: the folder has no picture of this split.
        """
        if folder is None:
            return cls()
        files = visible_files(folder, IMAGE_SUFFIXES)
        pictures = [file for file in files if split_of(file) == split]
        if not pictures:
            raise DatasetError(
                f"{folder}: none of its {len(files)} pictures is for the {split} split; add more "
                f"pictures ({', '.join(IMAGE_SUFFIXES)}): one in {_TEST_EVERY} is for testing, "
                "chosen by its file name"
            )
        return cls(pictures)

    def require_readable(self) -> None:
        """Read every picture, so that none stops a rendering that has run for hours.

        Raises:
            DatasetError: some cannot be read.
        """
        errors: list[PictureError] = []
        for file in tqdm(self.pictures, desc="backgrounds", unit="picture", disable=None):
            try:
                read_image(file)
            except PictureError as error:
                errors.append(error)
        if errors:
            raise DatasetError(
                f"{len(errors)} of {len(self.pictures)} pictures cannot be used; mend them, or "
                f"remove them from the folder: {'; '.join(map(str, errors[:_MOST_NAMED]))}"
            )

    def __call__(self, rng: np.random.Generator, viewpoint: Viewpoint) -> np.ndarray:
        """Draw what a camera sees behind all meshes.

        Returns:
            (H,W,3) float32 linear RGB, of the camera's size.

        Raises:
            PictureError: the picture drawn cannot be read.
        """
        width, height = viewpoint.camera.width, viewpoint.camera.height
        if self.pictures and rng.random() < _PICTURED:
            return _part(self.pictures[rng.integers(len(self.pictures))], rng, width, height)
        # generated backgrounds are smooth: half the resolution is enough
        image = (sky if rng.random() < 0.6 else clutter)(rng, -(-width // 2), -(-height // 2))
        return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)


def _part(file: Path, rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """A random part of a picture, mirrored half of the time: (H,W,3) float32 linear RGB."""
    image = read_image(file)
    shape = np.array([width, height])
    size = np.array(image.shape[1::-1])
    cut = np.maximum(min(size / shape) * rng.uniform(0.4, 1) * shape, 1).astype(int)
    x, y = rng.integers(0, size - cut + 1)
    part = image[y : y + cut[1], x : x + cut[0], ::-1]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    part = cv2.resize(np.ascontiguousarray(part), (width, height), interpolation=cv2.INTER_AREA)
    return (part.astype(np.float32) / 255) ** np.float32(GAMMA)


def split_of(file: Path) -> str:
    """Split that a picture belongs to: "train" or "test", from its file name only."""
    digest = hashlib.sha256(os.fsencode(file.name)).digest()
    return "test" if digest[0] % _TEST_EVERY == 0 else "train"


def sky(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """A sky with clouds, bright below and darker or bluer above: (H,W,3) float32 linear RGB."""
    low = np.float32(rng.uniform(0.5, 1.3) * np.array([1, 1, 1.02]))
    blue = np.array([rng.uniform(0.4, 1), rng.uniform(0.7, 1), 1])
    high = np.float32(low * rng.uniform(0.35, 1) * blue)
    part = np.linspace(1, 0, height, dtype=np.float32)[:, None, None]
    clouds = np.clip(_noise(rng, width, height, (3, 5, 11, 23)), 0, 1)[..., None]
    clouds *= np.float32(rng.uniform(0, 0.8))
    image = low * (1 - part) + high * part
    return image + (np.float32(rng.uniform(0.6, 1.3)) - image) * clouds


def clutter(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Out-of-focus rectangles with noise of several scales: (H,W,3) float32 linear RGB."""
    image = np.tile(np.float32(_color(rng)), (height, width, 1))
    for _ in range(int(rng.integers(5, 40))):
        x, y = rng.integers(0, width), rng.integers(0, height)
        w, h = (rng.uniform(0.03, 0.5, 2) * [width, height]).astype(int)
        image[y : y + h, x : x + w] = _color(rng)
    image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 4)))
    shade = 1 + np.float32(rng.uniform(0.1, 0.4)) * _noise(rng, width, height, (3, 8, 30, 120))
    return np.maximum(image * shade[..., None], 0)


def _color(rng: np.random.Generator) -> np.ndarray:
    return np.clip(rng.uniform(0.1, 0.95) * (1 + rng.normal(0, 0.12, 3)), 0.02, 1) ** GAMMA


def _noise(
    rng: np.random.Generator, width: int, height: int, scales: tuple[int, ...]
) -> np.ndarray:
    """Smooth noise (H,W) float32 around 0; `scales` are the numbers of spots across the image."""
    total = np.zeros((height, width), np.float32)
    for scale in scales:
        spots = rng.standard_normal((scale, scale), np.float32) / np.float32(np.sqrt(scale))
        total += cv2.resize(spots, (width, height), interpolation=cv2.INTER_CUBIC)
    return total
