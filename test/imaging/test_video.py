from __future__ import annotations

import cv2
import numpy as np
import pytest

from pinet_ros.imaging.video import SourceError, open_source, read_image

GREYS = (40, 120, 200)


def plain(gray):
    return np.full((48, 64, 3), gray, np.uint8)


def grays_of(source):
    """Mean gray of each remaining image."""
    found = []
    while (image := source.read()) is not None:
        assert image.shape == (48, 64, 3)
        assert image.dtype == np.uint8
        found.append(float(image.mean()))
    return found


@pytest.fixture
def folder(tmp_path):
    """Three pictures of different formats, written in another order than that of their names."""
    for name, gray in (("c.PNG", 200), ("a.png", 40), ("b.jpg", 120)):
        assert cv2.imwrite(str(tmp_path / name.lower()), plain(gray))
    (tmp_path / "c.png").rename(tmp_path / "c.PNG")
    (tmp_path / "notes.txt").write_text("no image")
    return tmp_path


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 12.5, (64, 48))
    assert writer.isOpened()
    for gray in GREYS:
        writer.write(plain(gray))
    writer.release()
    return path


@pytest.mark.parametrize(("kind", "rate"), [("folder", 10), ("video", 12.5)])
def test_images_come_in_order_and_again_after_rewinding(request, kind, rate):
    source = open_source(str(request.getfixturevalue(kind)))
    assert source.rate == rate
    assert grays_of(source) == pytest.approx(GREYS, abs=3)
    assert source.read() is None
    source.rewind()
    assert grays_of(source) == pytest.approx(GREYS, abs=3)


def test_images_are_bgr(tmp_path):
    image = plain(0)
    image[..., 0] = 255
    cv2.imwrite(str(tmp_path / "blue.png"), image)
    np.testing.assert_array_equal(read_image(tmp_path / "blue.png"), image)
    gray = tmp_path / "gray.png"
    cv2.imwrite(str(gray), image[..., 0])
    assert read_image(gray).shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nothing.mp4", None, "nothing.mp4' does not exist"),
        ("text.txt", b"some words\n" * 100, "cannot be opened"),
        ("text.mp4", b"some words\n" * 100, "cannot be opened"),
        ("empty.mp4", b"", "cannot be opened"),
    ],
)
def test_what_is_no_video_is_refused(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message):
        open_source(str(tmp_path / name))


def test_a_video_cut_off_ends_early_or_is_refused(video):
    video.write_bytes(video.read_bytes()[:300])
    with pytest.raises(SourceError, match="cannot be opened"):
        open_source(str(video))


def test_a_webcam_that_is_not_there_is_refused():
    with pytest.raises(SourceError, match="video 99 cannot be opened"):
        open_source("99")


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(SourceError, match="has no images"):
        open_source(str(tmp_path))


def test_a_broken_image_is_refused_by_name(folder):
    (folder / "b.jpg").write_bytes(b"no image")
    source = open_source(str(folder))
    assert source.read() is not None
    with pytest.raises(SourceError, match=r"b\.jpg is not an image"):
        source.read()
    with pytest.raises(SourceError, match=r"missing\.png does not exist"):
        read_image(folder / "missing.png")
