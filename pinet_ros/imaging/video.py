"""Images from a video file, a folder or a webcam."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from pinet_ros.errors import PinetError

IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")

_FOLDER_RATE = 10.0  # pictures a second, where nothing says how fast they were taken
_TEXT = cv2.VideoWriter.fourcc(*"ansi")  # FFmpeg would play a text file as pictures of its letters


class SourceError(PinetError):
    """Images that cannot be opened or read."""


class ImageSource(Protocol):
    """Images one after another.

    Attributes:
        rate: its own pace in images per second.
    """

    rate: float

    def read(self) -> np.ndarray | None:
        """The next image (H,W,3) uint8 BGR, None at the end."""

    def rewind(self) -> None:
        """Start again from the first image."""


class Video:
    """A video file, or a webcam (which never ends and cannot be rewound)."""

    def __init__(self, source: str | int) -> None:
        """Open a file by its path or a webcam by its index.

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
        read, image = self._capture.read()
        return image if read else None

    def rewind(self) -> None:
        if isinstance(self._source, str):
            self._capture.release()
            self._capture = cv2.VideoCapture(self._source)


class Folder:
    """The images of a folder, in the order of their names."""

    rate = _FOLDER_RATE

    def __init__(self, folder: Path) -> None:
        """List the images.

        Raises:
            SourceError: there are none.
        """
        self._paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
        if not self._paths:
            raise SourceError(
                f"the folder {folder} has no images; put some with {', '.join(IMAGE_SUFFIXES)} "
                "there"
            )
        self.rewind()

    def read(self) -> np.ndarray | None:
        path = next(self._remaining, None)
        return None if path is None else read_image(path)

    def rewind(self) -> None:
        self._remaining = iter(self._paths)


def open_source(source: str) -> ImageSource:
    """Open a video file, a folder of images, or a webcam by its index.

    Raises:
        SourceError: there is no such thing or it holds no images.
    """
    if source.isdigit():
        return Video(int(source))
    if Path(source).is_dir():
        return Folder(Path(source))
    if not Path(source).is_file():
        raise SourceError(
            f"there is no {source!r}; give a video file, a folder of images or the index of a "
            "webcam"
        )
    return Video(source)


def read_image(path: str | Path) -> np.ndarray:
    """Read an image file as (H,W,3) uint8, BGR.

    Raises:
        SourceError: there is no such file or it is not an image.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR) if Path(path).is_file() else None
    if image is None:
        raise SourceError(f"{path} is not an image file that OpenCV can read")
    return image
