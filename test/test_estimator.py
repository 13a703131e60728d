"""The estimator over several images at once gives what it gives for each."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pinet_ros.camera import Camera
from pinet_ros.device import select_device
from pinet_ros.estimator import PoseEstimator
from pinet_ros.models import fetch

ARRAYS = ("joints", "joints_image", "confidence", "boxes", "scores")


@pytest.fixture(scope="module")
def views(photo):
    """Pictures of several sizes, of which the second and the last show nobody, and cameras."""
    parts = [photo[top : top + 816] for top in (0, 500, 700)]
    images = [cv2.resize(part, (640, 480), interpolation=cv2.INTER_AREA) for part in parts]
    black = np.zeros((300, 400, 3), np.uint8)
    images = [images[0], black, images[1], photo, images[2], black]
    return images, [Camera.from_field_of_view(60, *image.shape[1::-1]) for image in images]


@pytest.mark.parametrize("runtime", ["torch", "onnx"])
@pytest.mark.parametrize("mirror", [False, True])
def test_a_batch_gives_what_each_image_gives(runtime, mirror, views):
    if runtime == "onnx":
        pytest.importorskip("onnxruntime", reason="pip install onnx onnxruntime")
    fetch.fetch()
    estimator = PoseEstimator.load(device=select_device("cpu"), runtime=runtime, mirror=mirror)
    images, cameras = views

    together = estimator.estimate_batch(images, "bgr", cameras)

    alone = [estimator(image, "bgr", camera) for image, camera in zip(*views, strict=True)]
    assert [len(people) for people in together] == [len(people) for people in alone]
    assert sorted(map(bool, alone)) == [False, False, True, True, True, True]
    for each, expected in zip(together, alone, strict=True):
        for name in ARRAYS:
            found, wanted = getattr(each, name), getattr(expected, name)
            np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5, err_msg=name)


def test_no_images_have_no_people():
    fetch.fetch()
    assert PoseEstimator.load(device=select_device("cpu")).estimate_batch([], "bgr", []) == []


def test_images_in_which_nobody_is_found_have_no_people(views):
    fetch.fetch()
    estimator = PoseEstimator.load(device=select_device("cpu"))
    images, cameras = ([each[n] for n in (1, 5)] for each in views)
    assert [len(people) for people in estimator.estimate_batch(images, "bgr", cameras)] == [0, 0]
