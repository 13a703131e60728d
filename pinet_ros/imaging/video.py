"""Image sources: a video file, a folder of images or a webcam."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from pinet_ros.errors import PinetError

IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")

_FOLDER_RATE = 10.0  # images per second; a folder does not say how fast they were taken
_TEXT = cv2.VideoWriter.fourcc(*"ansi")  # FFmpeg opens a text file as a video of its characters


class SourceError(PinetError):
    """The image, or the source of images, cannot be opened or read."""


class ImageSource(Protocol):
    """A source of images, read one after another.

    Attributes:
        rate: images per second.
    """

    rate: float

    def read(self) -> np.ndarray | None:
        """Read the next image (H,W,3) uint8, BGR; None at the end."""

    def rewind(self) -> None:
        """Start again at the first image."""


class Video:
    """A video file or a webcam; a webcam never ends and cannot be rewound."""

    def __init__(self, source: str | int) -> None:
        """Open a video file by path or a webcam by index.

        Raises:
            SourceError: OpenCV cannot open it.
        """
        self._source = source
        self._capture = cv2.VideoCapture(source)
        if not self._capture.isOpened() or self._capture.get(cv2.CAP_PROP_FOURCC) == _TEXT:
            raise SourceError(
                f"the video {source!r} cannot be opened: it must be a video file that OpenCV "
                "reads (mp4, avi, mkv ...), a folder of images or the index of a webcam"
            )
        self.rate = self._capture.get(cv2.CAP_PROP_FPS) or 30.0

    def read(self) -> np.ndarray | None:
        """Read the next image (H,W,3) uint8, BGR; None at the end."""
        read, image = self._capture.read()
        return image if read else None

    def rewind(self) -> None:
        """Start again at the first image; has no effect on a webcam."""
        if isinstance(self._source, str):
            self._capture.release()
            self._capture = cv2.VideoCapture(self._source)


class Folder:
    """The images of a folder, sorted by file name."""

    rate = _FOLDER_RATE

    def __init__(self, folder: Path) -> None:
        """List the images of the folder.

        Raises:
            SourceError: it has no images.
        """
        self._paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
        if not self._paths:
            raise SourceError(
                f"the folder {folder} has no images; give one with files that end in "
                f"{', '.join(IMAGE_SUFFIXES)}"
            )
        self.rewind()

    def read(self) -> np.ndarray | None:
        """Read the next image (H,W,3) uint8, BGR; None at the end."""
        path = next(self._remaining, None)
        return None if path is None else read_image(path)

    def rewind(self) -> None:
        """Start again at the first image."""
        self._remaining = iter(self._paths)


def open_source(source: str) -> ImageSource:
    """Open a video file, a folder of images, or a webcam by its index.

    Raises:
        SourceError: the source does not exist or has no images.
    """
    if source.isdigit():
        return Video(int(source))
    if Path(source).is_dir():
        return Folder(Path(source))
    if not Path(source).is_file():
        raise SourceError(
            f"{source!r} does not exist; give a video file, a folder of images or the index of a "
            "webcam"
        )
    return Video(source)


def read_image(path: str | Path) -> np.ndarray:
    """Read an image file as (H,W,3) uint8, BGR.

    Raises:
        SourceError: the file does not exist or is not an image.
    """
    if not Path(path).is_file():
        found = "is a folder; give the images in it" if Path(path).is_dir() else "does not exist"
        raise SourceError(f"the image {path} {found}")
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise SourceError(
            f"{path} is not an image that OpenCV can read; convert it to JPEG or PNG"
        )
    return image
