from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from pinet_ros.imaging.pictures import PictureError, decode_picture, read_image, write_image

IMAGE = cv2.GaussianBlur(
    np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8), (9, 9), 3
)


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """A JPEG with the EXIF orientation of a camera that was held in another way."""
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 0)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def huge_png() -> bytes:
    """A whole PNG of 40,000 x 40,000 gray pixels, more than OpenCV reads."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b"")


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff", ".webp", ".jpg"])
def test_what_is_written_is_read(tmp_path, suffix):
    write_image(tmp_path / f"a{suffix}", IMAGE)
    tolerance = {".jpg": 12, ".webp": 30}.get(suffix, 0)
    assert np.abs(read_image(tmp_path / f"a{suffix}").astype(int) - IMAGE).max() <= tolerance


def test_gray_pictures_become_bgr(tmp_path):
    write_image(tmp_path / "gray.png", IMAGE[..., 0])
    assert read_image(tmp_path / "gray.png").shape == (48, 64, 3)


def test_names_need_not_be_unicode(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    write_image(path, IMAGE)
    np.testing.assert_array_equal(read_image(path), IMAGE)
    path.write_bytes(b"")
    with pytest.raises(PictureError, match=r"caf\\udce9.png cannot be read: it is empty"):
        read_image(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_half_a_picture_is_refused(tmp_path, suffix, kept):
    path = tmp_path / f"half{suffix}"
    write_image(path, IMAGE)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(PictureError, match=f"half{suffix} cannot be read: it is"):
        read_image(path)


def test_a_preview_does_not_hide_that_a_jpeg_is_truncated():
    jpeg = cv2.imencode(".jpg", IMAGE)[1].tobytes()
    preview = cv2.imencode(".jpg", IMAGE[::4, ::4])[1].tobytes()
    segment = b"\xff\xe2" + struct.pack(">H", len(preview) + 2) + preview
    whole = jpeg[:2] + segment + jpeg[2:]
    assert decode_picture(whole, upright=True).shape == IMAGE.shape
    with pytest.raises(PictureError, match="truncated"):
        decode_picture(whole[:-200], upright=True)


@pytest.mark.parametrize("seed", range(5))
def test_bytes_behind_a_jpeg_do_no_harm(seed):
    trailer = np.random.default_rng(seed).bytes(300_000)  # as of a phone's moving picture
    followed = cv2.imencode(".jpg", IMAGE)[1].tobytes() + trailer + b"\xff\xda"
    assert decode_picture(followed, upright=True).shape == IMAGE.shape


def test_only_files_are_turned_upright(tmp_path):
    turned = with_orientation(cv2.imencode(".jpg", IMAGE)[1].tobytes(), 6)
    assert decode_picture(turned, upright=False).shape == (48, 64, 3)
    (tmp_path / "phone.jpg").write_bytes(turned)
    assert read_image(tmp_path / "phone.jpg").shape == (64, 48, 3)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.png", None, "missing.png does not exist"),
        ("text.jpg", b"some words", "not an image that OpenCV can read"),
        ("huge.png", huge_png(), "huge.png cannot be read"),
    ],
)
def test_what_is_no_picture_is_refused_by_name(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(PictureError, match=message):
        read_image(tmp_path / name)


def test_a_folder_is_no_picture(tmp_path):
    with pytest.raises(PictureError, match="is a folder"):
        read_image(tmp_path)


def test_an_unknown_format_is_not_written(tmp_path):
    with pytest.raises(PictureError, match=r"must end in \.png or \.jpg"):
        write_image(tmp_path / "people.xyz", IMAGE)
