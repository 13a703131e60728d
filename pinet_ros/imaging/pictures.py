"""Pictures: image files and compressed images, read whole or refused."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from pinet_ros.errors import PinetError, one_line
from pinet_ros.util.files import write_whole

IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")

_JPEG_START = b"\xff\xd8"
_JPEG_SCAN = b"\xff\xda"
_JPEG_END = b"\xff\xd9"


class PictureError(PinetError):
    """A picture cannot be read."""


def decode_picture(data: bytes | np.ndarray, *, upright: bool) -> np.ndarray:
    """Decode a JPEG, PNG or any other format that OpenCV reads.

    Args:
        data: content of the file, bytes or (N,) uint8.
        upright: whether to turn the image as its EXIF orientation says. The pixels of a camera's
            image topic must not be turned, as its calibration is for the picture as taken.

    Returns:
        (H,W,3) uint8, BGR.

    Raises:
        PictureError: it is truncated, too large or of no format that OpenCV reads.
    """
    content = np.frombuffer(data, np.uint8) if isinstance(data, bytes) else data
    if not len(content):
        raise PictureError("it is empty")
    if _is_truncated_jpeg(content):
        raise PictureError("it is a truncated JPEG; copy it again, or check the driver")
    flags = cv2.IMREAD_COLOR | (0 if upright else cv2.IMREAD_IGNORE_ORIENTATION)
    try:
        image = cv2.imdecode(content, flags)
    except cv2.error as error:  # such as more than 2^30 pixels
        raise PictureError(
            f"OpenCV refuses it: {one_line(error.err or error)}; make it smaller"
        ) from error
    if image is None:
        raise PictureError(
            "it is truncated, or not an image that OpenCV can read; convert it to JPEG or PNG"
        )
    return image


def _is_truncated_jpeg(content: np.ndarray) -> bool:
    """Whether this is a JPEG without an end; not every version of OpenCV refuses these.

    Segments such as a preview may hold an end of their own, and so may bytes behind the image.
    """
    at = len(_JPEG_START)
    if content[:at].tobytes() != _JPEG_START:
        return False
    jpeg = content.tobytes()
    while jpeg[at : at + 1] == b"\xff":
        if jpeg[at : at + 2] == _JPEG_SCAN:
            return jpeg.find(_JPEG_END, at) < 0
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return False


def read_image(path: str | Path) -> np.ndarray:
    """Read an image file as (H,W,3) uint8, BGR, turned as its EXIF orientation says.

    Raises:
        PictureError: the file does not exist or is not a whole image.
    """
    path = Path(path)
    try:  # not cv2.imread, which takes neither every file name nor every damage as it should
        return decode_picture(path.read_bytes(), upright=True)
    except FileNotFoundError as error:
        raise PictureError(f"the image {path} does not exist") from error
    except IsADirectoryError as error:
        raise PictureError(f"the image {path} is a folder; give the images in it") from error
    except OSError as error:
        raise PictureError(f"the image {path} cannot be read: {error.strerror}") from error
    except PictureError as error:
        raise PictureError(f"the image {path} cannot be read: {error}") from error


def write_image(path: Path, image: np.ndarray, *, quality: int = 95) -> None:
    """Write an image (H,W,3) or (H,W) uint8, BGR, in the format of the file's suffix.

    Args:
        path: path of the file.
        image: the image.
        quality: of a JPEG, 0 to 100.

    Raises:
        PictureError: the suffix is of no format that OpenCV writes.
        OSError: the file cannot be written.
    """
    is_jpeg = path.suffix.lower() in (".jpg", ".jpeg")
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if is_jpeg else []
    try:
        written, data = cv2.imencode(path.suffix, image, options)
    except cv2.error:
        written = False
    if not written:
        raise PictureError(f"{path} cannot be written: its name must end in .png or .jpg")
    write_whole(path, lambda stream: stream.write(data.tobytes()))


def picture_paths(folder: Path) -> list[Path]:
    """List the image files of a folder, sorted by name; hidden files are left out.

    Raises:
        PictureError: it has none.
    """
    try:
        paths = sorted(
            path
            for path in folder.iterdir()
            if path.suffix.lower() in IMAGE_SUFFIXES
            and not path.name.startswith(".")
            and path.is_file()
        )
    except OSError as error:
        raise PictureError(f"the folder {folder} cannot be read: {error.strerror}") from error
    if not paths:
        raise PictureError(
            f"the folder {folder} has no images; give one with files that end in "
            f"{', '.join(IMAGE_SUFFIXES)}"
        )
    return paths
