"""The annotated video: one size and rate, whatever the images have."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from pinet_ros.errors import PinetError


class AnnotatedVideo:
    """Writes an MP4 file with the size of the first image.

    Attributes:
        path: path of the file.
        frames: number of frames in the file.
    """

    def __init__(self, path: Path, rate: float) -> None:
        """Write to a path, at a rate in Hz."""
        self.path = path
        self.frames = 0
        self._rate = rate
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._latest = np.empty(0)
        self._start = 0.0

    def add(self, image: np.ndarray, seconds: float) -> int:
        """Append an image; while images were missing, the previous one is shown.

        Args:
            image: (H,W,3) uint8, BGR. One of another size than the first is scaled and padded,
                because OpenCV would drop it without a word.
            seconds: its time.

        Returns:
            Index of its frame.

        Raises:
            PinetError: the file cannot be written.
        """
        if self._writer is None:
            self._open(image.shape[1], image.shape[0])
            self._start = seconds
        for _ in range(self.frames, round((seconds - self._start) * self._rate)):
            self._write(self._latest)
        self._write(fit(image, *self._size))
        return self.frames - 1

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.release()

    def _open(self, width: int, height: int) -> None:
        self._size = max(width // 2, 1) * 2, max(height // 2, 1) * 2  # MPEG-4 needs even sizes
        code = cv2.VideoWriter.fourcc(*"mp4v")
        self._writer = cv2.VideoWriter(str(self.path), code, self._rate, self._size)
        if not self._writer.isOpened():
            raise PinetError(
                f"OpenCV cannot write {self.path} ({width}x{height}, {self._rate:g} Hz, MPEG-4); "
                "check that the folder can be written and has space"
            )

    def _write(self, image: np.ndarray) -> None:
        self._writer.write(image)
        self._latest = image
        self.frames += 1


def fit(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Scale an image (H,W,3) to fit into a size in pixels, with black bars where it is smaller."""
    if image.shape[:2] == (height, width):
        return image
    scale = min(width / image.shape[1], height / image.shape[0])
    size = [max(1, round(side * scale)) for side in (image.shape[1], image.shape[0])]
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    fitted = np.zeros((height, width, 3), np.uint8)
    fitted[top : top + size[1], left : left + size[0]] = cv2.resize(
        image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    return fitted
