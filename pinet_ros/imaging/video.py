"""Image sources: a video file, a folder of images or a webcam."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import numpy as np

from pinet_ros.errors import PinetError
from pinet_ros.imaging.pictures import PictureError, picture_paths, read_image

_FOLDER_RATE = 10.0  # images per second; a folder does not say how fast they were taken
_DEFAULT_RATE = 30.0  # images per second of a video that does not say
_FASTEST = 1000.0  # images per second that are believed
_BUFFERED = 8  # images that a driver may keep
_TEXT = cv2.VideoWriter.fourcc(*"ansi")  # FFmpeg opens a text file as a video of its characters
_TRIES = 300  # reads after which a video that gives no more frames has ended
_WRONG_COUNT = 1e7  # frames; what FFmpeg does not know it gives as a huge number
_TOLERANCE = 1.05
_WEBCAM = re.compile(r"(?:/dev/video)?(\d+)")


class SourceError(PinetError):
    """A source of images cannot be opened, or gives no more images although it has not ended."""


class TimedImage(NamedTuple):
    """An image of a source.

    Attributes:
        image: (H,W,3) uint8, BGR.
        seconds: time since the first image of the source, by the source's own clock.
    """

    image: np.ndarray
    seconds: float


class ImageSource(Protocol):
    """A source of images, read one after another.

    Attributes:
        rate: mean number of images per second.
        is_live: whether it is a camera, whose images are of now.
        has_one_size: whether all images have the same size.
    """

    rate: float
    is_live: bool
    has_one_size: bool

    def read(self) -> TimedImage | None:
        """Read the next image; None at the end.

        Raises:
            PictureError: images cannot be decoded; the next call goes on behind them.
            SourceError: there is no image to come, although this is not the end.
        """

    def rewind(self) -> None:
        """Start again at the first image."""


class VideoFile:
    """A video file; each image has the time that the file gives it."""

    is_live = False
    has_one_size = True

    _count: int  # images read
    _lost: int  # frames that could not be decoded
    _behind_gap: TimedImage | None
    _is_checked: bool  # for being whole

    def __init__(self, path: str | Path) -> None:
        """Open a video file.

        Raises:
            SourceError: OpenCV cannot open it.
        """
        self._path = str(path)
        self._open()
        self.rate = _rate(self._capture)

    def read(self) -> TimedImage | None:
        """Read the next image; raises PictureError once for each gap."""
        if self._behind_gap is not None:
            waiting, self._behind_gap = self._behind_gap, None
            return waiting
        for failures in range(_TRIES):
            read, image = self._capture.read()
            if not read:
                continue
            self._count += 1
            timed = TimedImage(image, self._seconds())
            if not failures:
                return timed
            self._behind_gap = timed
            self._lost += failures
            raise PictureError(
                f"{failures} frames of {self._path} before {timed.seconds:.2f} s cannot be decoded"
            )
        if not self._count:
            raise SourceError(
                f"{self._path} has no frame that can be decoded; copy it again, or convert it"
            )
        self._require_whole()
        return None

    def _require_whole(self) -> None:
        """Raise a PictureError, once, if the file says that it has many more frames."""
        expected = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)  # sometimes an estimate
        missed = _WRONG_COUNT > expected > _TOLERANCE * (self._count + self._lost) + 2
        is_first, self._is_checked = not self._is_checked, True
        if missed and is_first:
            raise PictureError(
                f"{self._path} gave {self._count} of its {expected:.0f} frames; it is truncated "
                "or damaged"
            )

    def rewind(self) -> None:
        """Start again at the first image."""
        self._capture.release()
        self._open()

    def _open(self) -> None:
        self._capture = _capture(self._path)
        self._count = self._lost = 0
        self._behind_gap = None
        self._is_checked = False
        self._start = self._latest = 0.0

    def _seconds(self) -> float:
        """Time of the frame just read; the mean rate where the file has no times that increase."""
        position = self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1e-3
        if self._count == 1:
            self._start = position
            return 0.0
        seconds = position - self._start
        if not seconds > self._latest:
            seconds = self._latest + 1 / self.rate
        self._latest = seconds
        return seconds


class Webcam:
    """A webcam, which never ends and cannot be rewound."""

    is_live = True
    has_one_size = True

    def __init__(self, index: int) -> None:
        """Open a webcam by its index.

        Raises:
            SourceError: OpenCV cannot open it.
        """
        self._index = index
        self._capture = _capture(index)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # not every driver obeys
        self.rate = _rate(self._capture)
        self._count = 0
        self._start = 0.0

    def read(self) -> TimedImage | None:
        """Read the next image; those that wait already are skipped, as they are older."""
        for _ in range(_BUFFERED):
            asked = time.monotonic()
            if not self._capture.grab() or time.monotonic() - asked > 0.5 / self.rate:
                break
        read, image = self._capture.retrieve()
        if not read:
            raise SourceError(
                f"webcam {self._index} gives no image after {self._count}; check its cable, and "
                "that no other program uses it"
            )
        now = time.monotonic()
        self._start = now if not self._count else self._start
        self._count += 1
        return TimedImage(image, now - self._start)

    def rewind(self) -> None:
        """Has no effect."""


class Folder:
    """The images of a folder, sorted by file name."""

    rate = _FOLDER_RATE
    is_live = False
    has_one_size = False

    def __init__(self, folder: Path) -> None:
        """List the images of the folder.

        Raises:
            PictureError: it has no images.
        """
        self._paths = picture_paths(folder)
        self._next = 0

    def read(self) -> TimedImage | None:
        """Read the next image."""
        if self._next == len(self._paths):
            return None
        self._next += 1
        image = read_image(self._paths[self._next - 1])
        return TimedImage(image, (self._next - 1) / self.rate)

    def rewind(self) -> None:
        """Start again at the first image."""
        self._next = 0


def open_source(source: str) -> ImageSource:
    """Open a video file, a folder of images, or a webcam by its index or its device file.

    Raises:
        SourceError: the source does not exist or cannot be opened.
        PictureError: a folder has no images.
    """
    if webcam := _WEBCAM.fullmatch(source):
        return Webcam(int(webcam[1]))
    path = Path(source)
    try:
        if path.is_dir():
            return Folder(path)
        if not path.is_file():
            raise SourceError(
                f"{source!r} does not exist; give a video file, a folder of images, or the index "
                "of a webcam such as 0"
            )
        return VideoFile(path)
    except OSError as error:
        raise SourceError(f"{source!r} cannot be opened: {error.strerror}") from error


def _rate(capture: cv2.VideoCapture) -> float:
    """Images per second that a video or webcam states, or a usual one."""
    rate = capture.get(cv2.CAP_PROP_FPS)
    return rate if 0 < rate < _FASTEST else _DEFAULT_RATE


def _capture(source: str | int) -> cv2.VideoCapture:
    """Open a video file or a webcam with OpenCV."""
    if isinstance(source, int):
        capture = cv2.VideoCapture(source)
        if not capture.isOpened():
            raise SourceError(
                f"the webcam {source} cannot be opened: there is none of this index, another "
                "program uses it, or this user may not (group video)"
            )
        return capture
    try:
        os.fsencode(source).decode()
    except UnicodeDecodeError as error:
        raise SourceError(
            f"the name of the video {source} is not UTF-8, which OpenCV cannot open; rename it"
        ) from error
    capture = cv2.VideoCapture(source)
    if not capture.isOpened() or capture.get(cv2.CAP_PROP_FOURCC) == _TEXT:
        raise SourceError(
            f"the video {source!r} cannot be opened: it must be a video file that OpenCV reads "
            "(mp4, avi, mkv ...), a folder of images or the index of a webcam"
        )
    return capture
