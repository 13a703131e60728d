from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from pinet_ros.imaging.frame import Frame
from pinet_ros.imaging.regions import crop_squares

LAYOUTS = ("rgb", "bgr", "rgba", "bgra")
CENTERS = np.array([[40.3, 22.8], [2.0, 3.5], [63.0, 50.0], [-80.0, 20.0], [31.5, 23.5]])
SIDES = np.array([30.7, 21.0, 40.0, 25.0, 160.0])


@pytest.fixture
def image():
    """Noise (48,64,3) RGB."""
    return np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def reordered(image, layout):
    """An RGB image in another layout, its alpha channel noise."""
    alpha = np.random.default_rng(1).integers(0, 256, image.shape[:2], dtype=np.uint8)
    channels = dict(zip("rgba", [*np.moveaxis(image, 2, 0), alpha], strict=True))
    return np.stack([channels[c] for c in layout], axis=2)


def squares(frame, size=16):
    centers, sides = torch.tensor(CENTERS).float(), torch.tensor(SIDES).float()
    return crop_squares(frame, centers.to(frame.device), sides.to(frame.device), size)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_all_layouts_give_the_same_samples(image, layout):
    plain = Frame.from_array(image, channels="rgb")
    frame = Frame.from_array(reordered(image, layout), channels=layout)
    assert torch.equal(squares(frame), squares(plain))
    assert torch.equal(frame.letterbox(32, "bgr")[0], plain.letterbox(32, "rgb")[0].flip(1))


@pytest.mark.parametrize("shape", [(48, 64), (48, 64, 1)])
def test_a_grey_image_is_the_same_in_all_channels(image, shape):
    gray = image[..., 0].reshape(shape)
    frame = Frame.from_array(gray, channels="mono")
    same = Frame.from_array(image[..., [0, 0, 0]], channels="rgb")
    assert torch.equal(squares(frame), squares(same))
    assert torch.equal(frame.letterbox(32, "bgr")[0], same.letterbox(32, "bgr")[0])


@pytest.mark.parametrize(
    ("height", "width", "inside", "left", "top"),
    [
        (48, 64, (24, 32), 0, 4),  # landscape
        (90, 40, (32, 14), 9, 0),  # portrait
        (20, 20, (32, 32), 0, 0),  # enlarged
    ],
)
def test_a_letterbox_keeps_the_aspect_and_is_black_around(height, width, inside, left, top):
    image = np.full((height, width, 3), [10, 20, 30], np.uint8)
    square, letterbox = Frame.from_array(image, channels="rgb").letterbox(32, "rgb")
    expected = np.zeros((32, 32, 3))
    expected[top : top + inside[0], left : left + inside[1]] = [10, 20, 30]
    np.testing.assert_array_equal(square[0].permute(1, 2, 0), expected)
    assert letterbox.scale == 32 / max(height, width)
    assert (letterbox.left, letterbox.top) == (left, top)


def test_a_letterboxed_spot_is_found_back_in_the_image():
    image = np.zeros((480, 640, 3), np.uint8)
    cv2.circle(image, (500, 130), 9, (255, 255, 255), -1)
    square, letterbox = Frame.from_array(image, channels="rgb").letterbox(416, "rgb")
    mass = square[0, 0] / square[0, 0].sum()
    steps = torch.arange(416) + 0.5  # pixel centres, as boxes count
    spot = torch.stack([mass.sum(0) @ steps, mass.sum(1) @ steps])
    np.testing.assert_allclose(letterbox.to_image(spot), [500.5, 130.5], atol=0.1)


def test_a_letterbox_shrinks_by_averaging(image):
    square, _ = Frame.from_array(image, channels="rgb").letterbox(16, "rgb")
    # a quarter of the size: a triangle over 8 pixels, cut off at the edges
    weights = np.maximum(0, 1 - np.abs(np.arange(64) - (4 * np.arange(16) + 1.5)[:, None]) / 4)
    rows, columns = weights[:12, :48], weights
    rows, columns = (w / w.sum(axis=1, keepdims=True) for w in (rows, columns))
    expected = np.einsum("ir,jc,rck->kij", rows, columns, image.astype(float))
    np.testing.assert_allclose(square[0, :, 2:14], expected, atol=1.1)  # rounded twice


def test_padded_rows_are_understood(image):
    padded = np.zeros((48, 80, 3), np.uint8)
    padded[:, :64] = image
    frame = Frame.from_array(padded[:, :64], channels="rgb")
    plain = Frame.from_array(image, channels="rgb")
    assert (frame.width, frame.height) == (64, 48)
    assert torch.equal(squares(frame), squares(plain))
    assert torch.equal(frame.letterbox(32, "rgb")[0], plain.letterbox(32, "rgb")[0])


def test_on_the_cpu_the_images_memory_is_shared(image):
    frame = Frame.from_array(image, channels="rgb")
    image[5, 7] = [1, 2, 3]
    assert frame.pixels[0, :, 5, 7].tolist() == [1, 2, 3]


def test_a_message_buffer_that_is_read_only_needs_no_copy(image):
    array = np.frombuffer(image.tobytes(), np.uint8).reshape(image.shape)
    frame = Frame.from_array(array, channels="rgb")
    assert frame.pixels.data_ptr() == array.ctypes.data


@pytest.mark.parametrize(
    ("array", "layout", "message"),
    [
        (np.zeros((4, 4, 3), np.float32), "rgb", r"\(4, 4, 3\) float32"),
        (np.zeros((4, 4, 4), np.uint8), "rgb", r"\(H,W,3\) uint8, got \(4, 4, 4\)"),
        (np.zeros((4, 4, 3), np.uint8), "bgra", r"\(H,W,4\) uint8, got \(4, 4, 3\)"),
        (np.zeros((4, 4), np.uint8), "rgb", r"\(H,W,3\) uint8, got \(4, 4, 1\)"),
        (np.zeros((4, 4, 3), np.uint8), "mono", r"\(H,W,1\) uint8"),
        (np.zeros((1, 4, 4, 3), np.uint8), "rgb", r"\(1, 4, 4, 3\)"),
        (np.zeros((4, 4, 3), np.uint8), "yuv", "'yuv'"),
    ],
)
def test_what_is_no_image_is_refused(array, layout, message):
    with pytest.raises(ValueError, match=message):
        Frame.from_array(array, channels=layout)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_gives_the_same_samples(image):
    plain = Frame.from_array(image, channels="rgb")
    frame = Frame.from_array(image, channels="rgb", device="cuda")
    assert frame.device.type == "cuda"
    # on the CPU OpenCV rounds values, and before version 5 positions to 1/32 pixel
    np.testing.assert_allclose(squares(frame).cpu(), squares(plain), atol=8)
    small, same = frame.letterbox(32, "rgb"), plain.letterbox(32, "rgb")
    np.testing.assert_allclose(small[0].cpu(), same[0], atol=1.1)  # the CPU rounds to integers
    assert small[1] == same[1]
