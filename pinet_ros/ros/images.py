"""Conversion of image messages to arrays, without a copy if possible."""

from __future__ import annotations

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from pinet_ros.errors import PinetError, one_line
from pinet_ros.imaging.pictures import PictureError, decode_picture

# Encodings that need no conversion: channel order and number of channels.
_DIRECT = {
    "bgr8": ("bgr", 3),
    "rgb8": ("rgb", 3),
    "bgra8": ("bgra", 4),
    "rgba8": ("rgba", 4),
    "mono8": ("mono", 1),
    "8UC1": ("mono", 1),
    "8UC3": ("bgr", 3),
    "8UC4": ("bgra", 4),
}
# Encodings with a plane of brightness, and below it one of colors with half as many rows.
_TWO_PLANES = {"nv12": cv2.COLOR_YUV2BGR_NV12, "nv21": cv2.COLOR_YUV2BGR_NV21}
# Encodings in which two pixels beside each other share their color.
_PAIRED = ("yuv422", "uyvy", "yuv422_yuy2", "yuyv")
# Encodings that a library converts: bytes of a pixel.
_CONVERTED = {
    **{f"bayer_{order}8": 1 for order in ("rggb", "bggr", "gbrg", "grbg")},
    **{f"bayer_{order}16": 2 for order in ("rggb", "bggr", "gbrg", "grbg")},
    **{"mono16": 2, "bgr16": 6, "rgb16": 6, "bgra16": 8, "rgba16": 8},
    **dict.fromkeys(_PAIRED, 2),
}


class ImageError(PinetError):
    """The image message cannot be decoded."""


def decode(message: Image | CompressedImage) -> tuple[np.ndarray, str]:
    """Decode an image message.

    Returns:
        The image (H,W,C) uint8 and its channel order (rgb, bgr, rgba, bgra or mono). A raw image
        in one of these orders is a view of the message's memory.

    Raises:
        ImageError: the data is truncated, the step is wrong or the encoding is not supported.
    """
    if isinstance(message, CompressedImage):
        return _decompress(message), "bgr"
    height, width, encoding = message.height, message.width, message.encoding
    if not height or not width:
        raise ImageError(f"the image is empty: {width}x{height} pixels; check the driver")
    if encoding in _DIRECT:
        layout, channels = _DIRECT[encoding]
        rows = _rows(message, height, width * channels)
        strides = (rows.strides[0], channels, 1)
        shape = (height, width, channels)
        return np.lib.stride_tricks.as_strided(rows, shape, strides, writeable=False), layout
    if encoding in _TWO_PLANES:
        return _convert_planes(message), "bgr"
    return _convert(message), "bgr"


def encode_bgr8(image: np.ndarray, message: Image) -> Image:
    """Fill a message with a BGR image (H,W,3) uint8; its header is not changed."""
    message.height, message.width = image.shape[:2]
    message.encoding = "bgr8"
    message.step = image.shape[1] * 3
    message.data.frombytes(np.ascontiguousarray(image).data)  # 600 times faster than a list
    return message


def _rows(message: Image, count: int, length: int) -> np.ndarray:
    """The rows of an image without their padding: (count,length) uint8, a view.

    Raises:
        ImageError: step or data are too small.
    """
    what = f"a {message.width}x{message.height} {message.encoding} image"
    step = message.step
    if step < length:
        raise ImageError(
            f"a row of {what} needs a step of at least {length} bytes, got {step}; check the "
            "driver"
        )
    data = np.frombuffer(message.data, np.uint8)
    needed = (count - 1) * step + length  # the last row may lack its padding
    if len(data) < needed:
        raise ImageError(
            f"{what} of step {step} needs {needed} bytes, got {len(data)}: it is truncated; check "
            "the driver and the transport"
        )
    return np.lib.stride_tricks.as_strided(data, (count, length), (step, 1), writeable=False)


def _decompress(message: CompressedImage) -> np.ndarray:
    """Decompress JPEG, PNG or any other format that OpenCV reads, to (H,W,3) BGR."""
    data = np.frombuffer(message.data, np.uint8)
    try:
        return decode_picture(data, upright=False)
    except PictureError as error:
        raise ImageError(
            f"a compressed image of format {message.format!r} and {len(data)} bytes cannot be "
            f"decoded: {error}"
        ) from error


def _convert_planes(message: Image) -> np.ndarray:
    """Convert an encoding of _TWO_PLANES to (H,W,3) BGR; height is that of the image."""
    _require_even(message, "width", "height")
    planes = np.ascontiguousarray(_rows(message, message.height * 3 // 2, message.width))
    return cv2.cvtColor(planes, _TWO_PLANES[message.encoding])


def _require_even(message: Image, *lengths: str) -> None:
    """Raise an ImageError if a side is odd of an image whose pixels share their colors."""
    if any(getattr(message, length) % 2 for length in lengths):
        raise ImageError(
            f"a {message.encoding} image must have an even {' and '.join(lengths)}, got "
            f"{message.width}x{message.height}; check the driver"
        )


def _convert(message: Image) -> np.ndarray:
    """Convert other encodings (Bayer, YUV, 16 bits ...) with a library, to (H,W,3) BGR."""
    pixel = _bytes_of_pixel(message.encoding)
    if message.encoding in _PAIRED:
        _require_even(message, "width")
    rows = _rows(message, message.height, message.width * pixel)
    plain = Image(  # the libraries do not all know of padding
        height=message.height,
        width=message.width,
        encoding=message.encoding,
        is_bigendian=message.is_bigendian,
        step=rows.shape[1],
    )
    plain.data.frombytes(rows.tobytes())
    failures = []
    for convert in (_by_cv_bridge, _by_rosbags):
        try:
            image = convert(plain)
        except ModuleNotFoundError:
            continue
        except Exception as error:  # each library has its own errors
            failures.append(one_line(error))
            continue
        if image.shape == (message.height, message.width, 3) and image.dtype == np.uint8:
            return image
        failures.append(f"the result is {image.shape} {image.dtype}")
    if failures:
        raise ImageError(
            f"a {message.width}x{message.height} image of encoding {message.encoding!r} cannot "
            f"be converted to bgr8: {'; '.join(failures)}; publish one of {', '.join(_DIRECT)}"
        )
    raise ImageError(
        f"image encoding {message.encoding!r} is not one of {', '.join(_DIRECT)}; publish one of "
        "these, or install cv_bridge (ROS) or rosbags-image (pip) to convert it"
    )


def _bytes_of_pixel(encoding: str) -> int:
    if encoding not in _CONVERTED:
        known = ", ".join((*_DIRECT, *_TWO_PLANES, *_CONVERTED))
        raise ImageError(
            f"image encoding {encoding!r} is not supported; publish one of {known}; or use "
            "image_transport: compressed"
        )
    return _CONVERTED[encoding]


def _by_cv_bridge(message: Image) -> np.ndarray:
    from cv_bridge import CvBridge

    return CvBridge().imgmsg_to_cv2(message, "bgr8")


def _by_rosbags(message: Image) -> np.ndarray:
    from rosbags.image import message_to_cvimage

    return message_to_cvimage(message, "bgr8")
