from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from pinet_ros.detection.nanodet import NanoDet
from pinet_ros.imaging.frame import Frame
from pinet_ros.util.device import select_device

# The two people in front in the photo, by eye.
FRONT = np.array([[45, 635, 365, 1470], [405, 400, 750, 1125]])


def overlap(a, b):
    """Intersection over union."""
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    inter = np.prod(np.maximum(sides, 0))
    return inter / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - inter)


def best_overlaps(found):
    return [max(overlap(box, person) for box in found.boxes) for person in FRONT]


@pytest.fixture(scope="module")
def nanodet():
    return NanoDet(device=select_device("cpu"))


def test_finds_the_people_in_front(nanodet, photo):
    found = nanodet([Frame.from_array(photo)])[0]
    assert found.boxes.dtype == found.scores.dtype == np.float32
    assert min(best_overlaps(found)) > 0.85
    assert len(found) <= 4  # with the woman at the back, and perhaps the skeleton beside her
    assert (np.diff(found.scores) <= 0).all()
    assert (found.scores > nanodet.score_threshold).all()


def test_both_runtimes_give_the_same_boxes(clip):
    by_onnx, by_torch = (NanoDet(runtime=runtime) for runtime in ("onnx", "torch"))
    video = cv2.VideoCapture(str(clip))
    for index in range(0, 100, 25):
        video.set(cv2.CAP_PROP_POS_FRAMES, index)
        _, image = video.read()
        found, expected = (detect([Frame.from_array(image)])[0] for detect in (by_onnx, by_torch))
        assert len(expected) >= 2
        np.testing.assert_allclose(found.boxes, expected.boxes, atol=0.05)
        np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)


def test_a_square_picture_is_detected_as_by_the_bare_network(nanodet, photo):
    picture = cv2.resize(photo[330:1418], (416, 416), interpolation=cv2.INTER_AREA)
    standardised = (picture - [103.53, 116.28, 123.675]) / [57.375, 57.12, 58.395]  # B, G, R
    with torch.inference_mode():
        scores, boxes = nanodet.network(torch.tensor(standardised).permute(2, 0, 1)[None].float())
    strongest = scores[0].argmax()
    found = nanodet([Frame.from_array(picture)])[0]
    np.testing.assert_allclose(found.boxes[0], boxes[0, strongest], rtol=1e-4)
    np.testing.assert_allclose(found.scores[0], scores[0, strongest], rtol=1e-4)


def test_boxes_are_those_of_the_image_in_any_format(nanodet, photo):
    people, offset = photo[330:1530], np.array([300, 0, 300, 0])
    wide = np.zeros((1200, 1800, 3), np.uint8)
    wide[:, 300:1388] = people
    found = nanodet([Frame.from_array(np.ascontiguousarray(wide[..., ::-1]), channels="rgb")])[0]
    moved = found.boxes - offset + [0, 330, 0, 330]
    assert min(max(overlap(box, person) for box in moved) for person in FRONT) > 0.85


@pytest.mark.parametrize("shape", [(480, 640, 3), (640, 480, 3)])
def test_nobody_is_in_a_black_image(nanodet, shape):
    found = nanodet([Frame.from_array(np.zeros(shape, np.uint8))])[0]
    assert found.boxes.shape == (0, 4)
    assert found.scores.shape == (0,)


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        ({"score_threshold": 0.95}, lambda boxes, scores: scores > 0.95),
        ({"min_height": 500}, lambda boxes, scores: boxes[:, 3] - boxes[:, 1] >= 500),
    ],
    ids=lambda x: next(iter(x)) if isinstance(x, dict) else "",
)
def test_options_take_from_what_is_found(nanodet, photo, monkeypatch, changed, kept):
    frame = Frame.from_array(photo)
    everyone = nanodet([frame])[0]
    for name, value in changed.items():
        monkeypatch.setattr(nanodet, name, value)
    expected = everyone.boxes[kept(everyone.boxes, everyone.scores)]
    assert 0 < len(expected) < len(everyone)
    np.testing.assert_array_equal(nanodet([frame])[0].boxes, expected)
