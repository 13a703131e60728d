from __future__ import annotations

import os
import struct

import cv2
import numpy as np
import pytest
from mp4_times import with_intervals

from pinet_ros.imaging.pictures import PictureError
from pinet_ros.imaging.video import SourceError, open_source

GRAYS = (40, 120, 200)


def plain(gray):
    return np.full((48, 64, 3), gray, np.uint8)


def write_video(path, code, rate, grays):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), rate, (64, 48))
    assert writer.isOpened()
    for gray in grays:
        writer.write(plain(gray))
    writer.release()
    return path


def read_all(source):
    """Mean gray and time of each remaining image, and what could not be read."""
    found, errors = [], []
    while True:
        try:
            timed = source.read()
        except PictureError as error:
            errors.append(str(error))
            continue
        if timed is None:
            return found, errors
        assert timed.image.shape == (48, 64, 3)
        assert timed.image.dtype == np.uint8
        found.append((float(timed.image.mean()), timed.seconds))


def grays_of(source):
    return [gray for gray, _ in read_all(source)[0]]


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
    return write_video(tmp_path / "clip.avi", "MJPG", 12.5, GRAYS)


@pytest.mark.parametrize(("kind", "rate"), [("folder", 10), ("video", 12.5)])
def test_images_come_in_order_and_again_after_rewinding(request, kind, rate):
    source = open_source(str(request.getfixturevalue(kind)))
    assert source.rate == rate
    for _ in range(2):
        found, errors = read_all(source)
        assert [gray for gray, _ in found] == pytest.approx(GRAYS, abs=3)
        assert [seconds for _, seconds in found] == pytest.approx([0, 1 / rate, 2 / rate])
        assert not errors
        assert source.read() is None
        source.rewind()


def test_files_of_a_mac_and_folders_are_no_pictures(folder):
    (folder / "._a.png").write_bytes(b"\0\5\26\7 attributes of a Mac")
    (folder / "thumbs.jpg").mkdir()
    found, errors = read_all(open_source(str(folder)))
    assert [gray for gray, _ in found] == pytest.approx(GRAYS, abs=3)
    assert not errors


def test_a_bad_picture_is_named_and_the_next_one_follows(folder):
    (folder / "b.jpg").write_bytes(b"no image")
    found, (error,) = read_all(open_source(str(folder)))
    assert [gray for gray, _ in found] == pytest.approx([40, 200], abs=3)
    assert "b.jpg cannot be read" in error


def test_a_video_goes_on_behind_frames_that_cannot_be_decoded(tmp_path):
    grays = range(20, 240, 10)
    video = write_video(tmp_path / "clip.avi", "MJPG", 10, grays)
    content = bytearray(video.read_bytes())
    starts = [i for i in range(len(content)) if content[i : i + 3] == b"\xff\xd8\xff"]
    assert len(starts) == len(grays)
    content[starts[3] : starts[7] - 8] = bytes(starts[7] - 8 - starts[3])  # as a bad card leaves
    video.write_bytes(content)

    found, errors = read_all(open_source(str(video)))

    assert [gray for gray, _ in found] == pytest.approx([*grays[:3], *grays[7:]], abs=3)
    assert "cannot be decoded" in errors[0]
    assert "gave 18 of its 22 frames" in errors[-1]


def test_a_video_that_ends_too_early_says_so_once(video):
    write_video(video, "MJPG", 12.5, range(20, 240, 4))
    content = video.read_bytes()
    starts = [i for i in range(len(content)) if content[i : i + 3] == b"\xff\xd8\xff"]
    video.write_bytes(content[: starts[30]] + bytes(len(content) - starts[30]))
    source = open_source(str(video))
    found, (error,) = read_all(source)
    assert len(found) == 30
    assert "gave 30 of its 55 frames" in error
    assert source.read() is None


def test_a_video_of_variable_rate_has_its_own_times(tmp_path):
    video = write_video(tmp_path / "phone.mp4", "mp4v", 60, range(20, 120, 10))
    content = video.read_bytes()
    at = content.index(b"stts")
    count, ticks = struct.unpack_from(">II", content, at + 12)
    assert count == 10
    slow, fast = ticks * 7 // 4, ticks // 4  # together as long as before, as the file says
    video.write_bytes(with_intervals(content, [(5, slow), (5, fast)]))

    found, _ = read_all(open_source(str(video)))

    intervals = [*[7 / 4 / 60] * 5, *[1 / 4 / 60] * 4]
    expected = [0.0, *np.cumsum(intervals)]
    assert [seconds for _, seconds in found] == pytest.approx(expected, abs=2e-3)


def test_a_name_that_is_not_unicode_is_read_or_refused(folder, video):
    (folder / "b.jpg").rename(folder / os.fsdecode(b"caf\xe9.jpg"))
    assert len(grays_of(open_source(str(folder)))) == 3
    renamed = video.rename(folder / os.fsdecode(b"caf\xe9.avi"))
    with pytest.raises(SourceError, match=r"caf\\udce9.avi is not UTF-8.*rename it"):
        open_source(str(renamed))


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


def test_a_video_without_a_frame_is_an_error_and_no_end(video):
    content = video.read_bytes()
    start = content.index(b"\xff\xd8\xff")
    video.write_bytes(content[:start] + bytes(len(content) - start))
    with pytest.raises(SourceError, match="no frame that can be decoded"):
        open_source(str(video)).read()


@pytest.mark.parametrize("name", ["99", "/dev/video99"])
def test_a_webcam_that_is_not_there_is_refused(name):
    with pytest.raises(SourceError, match="webcam 99 cannot be opened"):
        open_source(name)


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(PictureError, match="has no images"):
        open_source(str(tmp_path))


class Camera:
    """Stands in for a webcam whose driver keeps the latest 4 images, in made-up time."""

    interval = 1 / 30

    def __init__(self, clock, fps=30.0) -> None:
        self._clock, self._fps, self._taken = clock, fps, 0

    def isOpened(self):  # noqa: N802
        return True

    def set(self, *_):
        return False  # this driver keeps its buffer

    def get(self, _):
        return self._fps

    def grab(self):
        newest = int(self._clock.now / self.interval)
        self._taken = max(self._taken + 1, newest - 3)
        self._clock.now = max(self._clock.now, self._taken * self.interval)
        return True

    def retrieve(self):
        return True, np.full((48, 64, 3), self._taken % 256, np.uint8)


class Clock:
    now = 10.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("pinet_ros.imaging.video.time.monotonic", clock)
    return clock


@pytest.mark.parametrize("pause", [0.0, 0.05, 1.0])
def test_a_webcam_gives_the_picture_of_now(monkeypatch, clock, pause):
    camera = Camera(clock)
    monkeypatch.setattr(cv2, "VideoCapture", lambda _: camera)
    source = open_source("0")
    for _ in range(5):
        clock.now += pause
        asked = clock.now
        assert source.read().image[0, 0, 0] == camera._taken % 256
        assert clock.now - camera._taken * Camera.interval < 1e-6  # taken at this moment
        assert clock.now - asked < 2 * Camera.interval


@pytest.mark.parametrize("fps", [-1.0, 0.0, float("nan"), 1e9])
def test_a_rate_that_no_webcam_has_is_not_believed(monkeypatch, clock, fps):
    monkeypatch.setattr(cv2, "VideoCapture", lambda _: Camera(clock, fps))
    assert open_source("/dev/video0").rate == 30


def test_a_name_that_is_too_long_is_refused():
    with pytest.raises(SourceError, match="cannot be opened"):
        open_source("x" * 5000)
