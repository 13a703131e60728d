"""Image messages to arrays, without a copy where that is possible."""

from __future__ import annotations

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from pinet_ros.errors import PinetError

# Encodings that the core takes as they are: layout and number of channels.
_DIRECT = {
    "bgr8": ("bgr", 3),
    "rgb8": ("rgb", 3),
    "bgra8": ("bgra", 4),
    "rgba8": ("rgba", 4),
    "mono8": ("mono", 1),
}


class ImageError(PinetError):
    """An image message that cannot be decoded."""


def decode(message: Image | CompressedImage) -> tuple[np.ndarray, str]:
    """Decode an image.

    Returns:
        (H,W,C) uint8 and the order of its channels (rgb, bgr, rgba, bgra or mono). For raw
        images of one of these five it is a view of the message's memory.

    Raises:
        ImageError: the data is truncated, the step wrong or the encoding not known.
    """
    if isinstance(message, CompressedImage):
        return _decompress(message), "bgr"
    if message.encoding not in _DIRECT:
        return _convert(message), "bgr"
    layout, channels = _DIRECT[message.encoding]
    height, width, step = message.height, message.width, message.step
    if not height or not width:
        raise ImageError(f"the image is empty: {width}x{height} pixels")
    if step < width * channels:
        raise ImageError(
            f"a row of {width} {message.encoding} pixels needs a step of at least "
            f"{width * channels} bytes, got {step}; check the driver"
        )
    data = np.frombuffer(message.data, np.uint8)
    needed = (height - 1) * step + width * channels  # the last row may lack its padding
    if len(data) < needed:
        raise ImageError(
            f"a {width}x{height} {message.encoding} image of step {step} needs {needed} bytes, "
            f"got {len(data)}: it is truncated; check the driver and the transport"
        )
    strides = (step, channels, 1)
    shape = (height, width, channels)
    return np.lib.stride_tricks.as_strided(data, shape, strides, writeable=False), layout


def encode_bgr8(image: np.ndarray, message: Image) -> Image:
    """Fill a message with a BGR image (H,W,3) uint8; its header is left alone."""
    message.height, message.width = image.shape[:2]
    message.encoding = "bgr8"
    message.step = image.shape[1] * 3
    message.data.frombytes(np.ascontiguousarray(image).data)  # 600 times faster than a list
    return message


def _decompress(message: CompressedImage) -> np.ndarray:
    """JPEG, PNG or whatever else OpenCV reads, as (H,W,3) BGR."""
    data = np.frombuffer(message.data, np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if image is None:
        raise ImageError(
            f"a compressed image of format {message.format!r} and {len(data)} bytes cannot be "
            "decoded: it is truncated or no JPEG or PNG"
        )
    return image


def _convert(message: Image) -> np.ndarray:
    """Other encodings (Bayer, YUV, 16 bits ...) by a library, as (H,W,3) BGR."""
    failures = []
    for convert in (_by_cv_bridge, _by_rosbags):
        try:
            return convert(message)
        except ModuleNotFoundError:
            continue
        except Exception as error:  # each library has errors of its own
            failures.append(str(error))
    if failures:
        raise ImageError(
            f"a {message.width}x{message.height} image of encoding {message.encoding!r} cannot "
            f"be converted to bgr8: {'; '.join(failures)}"
        )
    raise ImageError(
        f"image encoding {message.encoding!r} is not one of {', '.join(_DIRECT)}; install "
        "cv_bridge (ROS) or rosbags-image (pip), which convert others, or publish one of these"
    )


def _by_cv_bridge(message: Image) -> np.ndarray:
    from cv_bridge import CvBridge

    return CvBridge().imgmsg_to_cv2(message, "bgr8")


def _by_rosbags(message: Image) -> np.ndarray:
    from rosbags.image import message_to_cvimage

    return message_to_cvimage(message, "bgr8")
