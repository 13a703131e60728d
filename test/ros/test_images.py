from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image

from pinet_ros.ros.images import ImageError, decode, encode_bgr8

CHANNELS = {"bgr8": 3, "rgb8": 3, "bgra8": 4, "rgba8": 4, "mono8": 1}


def image_message(encoding: str, *, width: int = 5, height: int = 4, padding: int = 0) -> Image:
    rows = np.arange(height * (width * CHANNELS.get(encoding, 2) + padding), dtype=np.uint8)
    message = Image(width=width, height=height, encoding=encoding, step=len(rows) // height)
    message.data.frombytes(rows.tobytes())
    return message


@pytest.mark.parametrize("encoding", CHANNELS)
@pytest.mark.parametrize("padding", [0, 3])
def test_decodes_without_a_copy(encoding, padding):
    message = image_message(encoding, padding=padding)
    image, layout = decode(message)
    assert layout == encoding.removesuffix("8")
    rows = np.array(message.data, np.uint8).reshape(4, -1)[:, : 5 * CHANNELS[encoding]]
    np.testing.assert_array_equal(image, rows.reshape(4, 5, CHANNELS[encoding]))
    assert np.shares_memory(image, np.frombuffer(message.data, np.uint8))


def test_the_last_row_may_lack_its_padding():
    message = image_message("bgr8", padding=3)
    del message.data[-3:]
    assert decode(message)[0].shape == (4, 5, 3)


def test_encoded_images_decode_to_themselves():
    image = np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8)
    message = encode_bgr8(image[:, ::-1], Image())
    np.testing.assert_array_equal(decode(message)[0], image[:, ::-1])


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_decompresses(suffix):
    image = cv2.GaussianBlur(
        np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8), (15, 15), 5
    )
    message = CompressedImage(format=suffix[1:])
    message.data.frombytes(cv2.imencode(suffix, image)[1].tobytes())
    decoded, layout = decode(message)
    assert layout == "bgr"
    assert np.abs(decoded.astype(int) - image).max() <= (0 if suffix == ".png" else 12)


def test_other_encodings_are_converted_by_a_library():
    pytest.importorskip("rosbags.image")
    message = Image(width=4, height=2, encoding="bgr16", step=24)
    values = np.arange(24, dtype=np.uint16) * 2000
    message.data.frombytes(values.tobytes())
    image, layout = decode(message)
    assert layout == "bgr"
    expected = values.reshape(2, 4, 3) / 257
    assert np.abs(image - expected).max() <= 1


def broken_messages():
    truncated = image_message("bgr8")
    del truncated.data[-1:]
    short_step = image_message("rgb8")
    short_step.step = 14
    jpeg = CompressedImage(format="jpeg")
    jpeg.data.frombytes(b"\xff\xd8 no jpeg")
    return {
        "truncated": (truncated, "needs 60 bytes, got 59"),
        "short step": (short_step, "a step of at least 15 bytes, got 14"),
        "empty": (Image(encoding="bgr8"), "0x0"),
        "unknown encoding": (image_message("8UC7"), "8UC7"),
        "broken jpeg": (jpeg, "cannot be decoded"),
        "empty jpeg": (CompressedImage(), "0 bytes"),
    }


@pytest.mark.parametrize("name", broken_messages())
def test_says_what_is_wrong(name):
    message, expected = broken_messages()[name]
    with pytest.raises(ImageError, match=expected):
        decode(message)


def test_names_the_encodings_it_knows_when_no_library_is_there(monkeypatch):
    for library in ("cv_bridge", "rosbags.image"):
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImageError, match=r"bgr8, rgb8, bgra8, rgba8, mono8.*cv_bridge"):
        decode(image_message("yuv422"))
