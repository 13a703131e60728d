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


def yuyv_of(image: np.ndarray) -> np.ndarray:
    """(H,W,2): brightness and, in turn, the two colors of a BGR image."""
    yuv = cv2.cvtColor(image, cv2.COLOR_BGR2YUV)
    return np.stack(
        [yuv[..., 0], np.where(np.arange(image.shape[1]) % 2, yuv[..., 2], yuv[..., 1])], 2
    )


def nv12_of(image: np.ndarray, *, swapped: bool = False) -> np.ndarray:
    """(1.5 H,W): brightness, and below it both colors of each block of 2 x 2 pixels."""
    yuv = cv2.cvtColor(image, cv2.COLOR_BGR2YUV)
    colors = cv2.resize(yuv[..., 1:], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    colors = colors[..., ::-1] if swapped else colors
    return np.concatenate([yuv[..., 0], colors.reshape(len(colors), -1)])


def padded_message(encoding: str, rows: np.ndarray, image: np.ndarray, padding: int) -> Image:
    """Rows of bytes, each followed by padding as drivers align them."""
    rows = np.pad(rows.reshape(len(rows), -1).view(np.uint8), ((0, 0), (0, padding)), "maximum")
    height, width = image.shape[:2]
    message = Image(width=width, height=height, encoding=encoding, step=rows.shape[1])
    message.data.frombytes(np.ascontiguousarray(rows).tobytes())
    return message


SMOOTH = cv2.resize(
    np.random.default_rng(0).integers(30, 220, (4, 5, 3), np.uint8),
    (64, 48),
    interpolation=cv2.INTER_CUBIC,
)


def encoded(encoding: str) -> np.ndarray:
    """SMOOTH in an encoding: (rows, ...) of bytes."""
    return {
        "yuv422_yuy2": lambda: yuyv_of(SMOOTH),
        "yuv422": lambda: yuyv_of(SMOOTH)[..., ::-1].copy(),
        "nv12": lambda: nv12_of(SMOOTH),
        "nv21": lambda: nv12_of(SMOOTH, swapped=True),
        "bgr16": lambda: SMOOTH.astype(np.uint16) * 257,
        "mono16": lambda: cv2.cvtColor(SMOOTH, cv2.COLOR_BGR2GRAY).astype(np.uint16) * 257,
        "8UC3": lambda: SMOOTH,
    }[encoding]()


@pytest.mark.parametrize("padding", [0, 32])
@pytest.mark.parametrize(
    "encoding", ["yuv422_yuy2", "yuv422", "nv12", "nv21", "bgr16", "mono16", "8UC3"]
)
def test_every_encoding_gives_the_same_picture_with_padding_or_without(encoding, padding):
    pytest.importorskip("rosbags.image")
    image, layout = decode(padded_message(encoding, encoded(encoding), SMOOTH, padding))
    assert layout == "bgr"
    gray = cv2.cvtColor(SMOOTH, cv2.COLOR_BGR2GRAY)[..., None].repeat(3, axis=2)
    expected = gray if encoding == "mono16" else SMOOTH
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).mean() < (
        12 if "yuv" in encoding or "nv" in encoding else 1
    )  # of the range of YUV


@pytest.mark.parametrize(
    "encoding", ["yuv422_yuy2", "yuv422", "nv12", "nv21", "bgr16", "mono16", "8UC3"]
)
def test_every_encoding_is_checked_for_its_length_and_step(encoding):
    message = padded_message(encoding, encoded(encoding), SMOOTH, 0)
    del message.data[-10:]
    with pytest.raises(ImageError, match="it is truncated"):
        decode(message)
    message.step -= 3
    with pytest.raises(ImageError, match="needs a step of at least"):
        decode(message)


def test_a_compressed_image_is_not_turned_by_its_exif_orientation():
    image = np.zeros((40, 60, 3), np.uint8)
    jpeg = cv2.imencode(".jpg", image)[1].tobytes()
    exif = bytes.fromhex(
        "ffe1 0022 4578 6966 0000 4949 2a00 08000000 0100 1201 0300 01000000 0600 0000 00000000"
    )
    message = CompressedImage(format="jpeg")
    message.data.frombytes(jpeg[:2] + exif + jpeg[2:])
    assert decode(message)[0].shape == (40, 60, 3)


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
        "odd yuv422": (Image(width=3, height=2, encoding="uyvy"), "an even width, got 3x2"),
        "odd nv12": (Image(width=4, height=3, encoding="nv12"), "width and height, got 4x3"),
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
        decode(image_message("mono16"))


def test_an_unknown_encoding_is_named_with_those_that_are_known():
    with pytest.raises(ImageError, match=r"'nv24' is not supported; publish one of bgr8.*nv12"):
        decode(image_message("nv24"))
