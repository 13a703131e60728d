"""The estimator over several images at once gives what it gives for each."""

from __future__ import annotations

import hashlib

import cv2
import numpy as np
import pytest
import torch
import torchvision

from pinet_ros.detection.detections import Detections, Dropped, select_for_lifting
from pinet_ros.detection.nanodet import NanoDet
from pinet_ros.detection.torchvision_detector import TorchvisionDetector
from pinet_ros.errors import PinetError
from pinet_ros.estimator import (
    EstimatorConfig,
    PoseEstimator,
)
from pinet_ros.geometry.camera import Camera
from pinet_ros.geometry.turning import turn_camera, turn_points
from pinet_ros.imaging.frame import Frame
from pinet_ros.lifting.blazepose_weights import weights_file
from pinet_ros.lifting.mppe.mppe_lifter import ThreeDMPPE
from pinet_ros.people import People
from pinet_ros.skeleton import MUPOTS_17
from pinet_ros.util.device import select_device

pytestmark = pytest.mark.slow

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
    estimator = PoseEstimator(EstimatorConfig(runtime=runtime, mirror=mirror), "cpu")
    images, cameras = views

    together = [each.people for each in estimator(images, cameras)]

    alone = [estimator(image, camera).people for image, camera in zip(*views, strict=True)]
    assert [len(people) for people in together] == [len(people) for people in alone]
    assert sorted(map(bool, alone)) == [False, False, True, True, True, True]
    for each, expected in zip(together, alone, strict=True):
        for name in ARRAYS:
            found, wanted = getattr(each, name), getattr(expected, name)
            atol = 1e-3 if name == "joints_image" else 3e-4  # pixels
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=atol, err_msg=name)


def test_no_images_have_no_people():
    assert PoseEstimator(device="cpu")([], []) == []


def test_images_in_which_nobody_is_found_have_no_people(views):
    estimator = PoseEstimator(device="cpu")
    images, cameras = ([each[n] for n in (1, 5)] for each in views)
    assert [len(each.people) for each in estimator(images, cameras)] == [0, 0]


class GivenBoxes:
    """A detector that finds the same boxes (N,4) in any image."""

    def __init__(self, *boxes):
        scores = np.linspace(0.9, 0.5, len(boxes), dtype=np.float32)
        self.found = Detections(np.array(boxes, np.float32), scores)

    def __call__(self, frames):
        return [self.found for _ in frames]


class Witness:
    """A lifter that keeps the boxes that it gets, and finds nobody in them."""

    def __init__(self):
        self.boxes = []

    def __call__(self, frames, detections, cameras):
        self.boxes += [found.boxes.tolist() for found in detections]
        return [People.empty(MUPOTS_17) for _ in frames]


SMALL, LARGE, MEDIUM = [0, 0, 50, 90], [100, 0, 300, 400], [300, 0, 400, 300]


@pytest.mark.parametrize("max_people", [2, 3])
def test_bad_boxes_and_the_smallest_of_too_many_people_are_not_lifted_but_counted(max_people):
    nowhere, flat, right = [np.nan] * 4, [50, 50, 50, 90], [450, 0, 600, 300]
    detector, lifter = GivenBoxes(SMALL, nowhere, MEDIUM, flat, LARGE, right), Witness()
    config = EstimatorConfig(max_people=max_people)
    estimator = PoseEstimator(config, "cpu", detector=detector, lifter=lifter)
    small = np.zeros((400, 420, 3), np.uint8)  # the right box is outside of it
    wide = np.zeros((400, 700, 3), np.uint8)
    cameras = [Camera.from_focal(500, *image.shape[1::-1]) for image in (small, wide)]

    estimate = estimator(small, cameras[0])
    assert lifter.boxes == [[SMALL, MEDIUM, LARGE] if max_people == 3 else [MEDIUM, LARGE]]
    assert estimate.dropped == Dropped(bad_boxes=3, surplus_people=3 - max_people)

    estimates = estimator([small, wide], cameras)
    assert [len(found) for found in lifter.boxes[1:]] == [max_people] * 2
    assert [each.dropped for each in estimates] == [
        Dropped(bad_boxes=3, surplus_people=3 - max_people),
        Dropped(bad_boxes=2, surplus_people=4 - max_people),
    ]


def test_only_so_many_people_are_lifted_as_are_wanted_the_largest(photo):
    camera, device = Camera.from_focal(1500, *photo.shape[1::-1]), select_device("cpu")
    everyone = PoseEstimator(device=device)(photo, camera).people
    estimate = PoseEstimator(EstimatorConfig(max_people=2), device)(photo, camera)

    x0, y0, x1, y1 = everyone.boxes.clip(0, [1088, 1920, 1088, 1920]).T
    largest = np.sort(np.argsort((x1 - x0) * (y1 - y0))[-2:])
    np.testing.assert_array_equal(estimate.people.boxes, everyone.boxes[largest])
    assert estimate.dropped == Dropped(surplus_people=len(everyone) - 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lifter": "mppe"}, "needs two files: set posenet and rootnet to"),
        ({"lifter": "mppe", "posenet": "p.pth.tar"}, "set posenet and rootnet to"),
        (
            {"lifter": "mppe", "posenet": "p", "rootnet": "r", "lifter_weights": "w"},
            "lifter_weights is a file of a BlazePose lifter; give the files of mppe as posenet",
        ),
        ({"rootnet": "r.pth.tar"}, "of the lifter mppe, not of blazepose_full; use mppe"),
    ],
)
def test_files_that_lack_or_would_not_be_used_are_refused(options, message):
    with pytest.raises(PinetError, match=message):
        EstimatorConfig(**options)


def test_a_detector_of_torchvision_is_as_good_as_any(photo, tmp_path):
    name, device = "ssdlite320_mobilenet_v3_large", select_device("cpu")
    state = torchvision.models.get_model(name, weights=None, weights_backbone=None).state_dict()
    for key, values in state.items():
        if key.startswith("head.classification_head.") and values.shape == (6 * 91,):
            values[1::91] += 5  # of 6 anchors: what is seen is a person
    torch.save(state, tmp_path / "people.pth")
    weights = str(tmp_path / "people.pth")
    config = EstimatorConfig(
        detector=name, detector_weights=weights, score_threshold=0.1, max_people=3
    )

    estimate = PoseEstimator(config, device)(photo, Camera.from_focal(1500, *photo.shape[1::-1]))

    detector = TorchvisionDetector(name, weights=weights, score_threshold=0.1)
    (found,) = detector([Frame.from_array(photo)])
    assert estimate.dropped == Dropped(surplus_people=len(found.scores) - 3)
    assert len(found.scores) > 3


def test_3dmppe_lifts_whom_the_detector_finds(mppe_snapshots, photo):
    device, camera = select_device("cpu"), Camera.from_focal(1500, *photo.shape[1::-1])
    posenet, rootnet = map(str, mppe_snapshots)
    files = {"posenet": posenet, "rootnet": rootnet, "runtime": "torch"}
    estimator = PoseEstimator(EstimatorConfig(lifter="mppe", **files, max_people=2), device)
    estimator.warm_up()

    people = estimator(photo, camera).people

    frame = Frame.from_array(photo)
    (found,) = NanoDet(runtime="torch")([frame])
    largest, _ = select_for_lifting(found, frame, 2)
    (expected,) = ThreeDMPPE(**files)([frame], [largest], [camera])
    assert len(people) == len(expected) == 2
    for name in ARRAYS:
        np.testing.assert_allclose(
            getattr(people, name), getattr(expected, name), rtol=1e-5, err_msg=name
        )


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_camera_that_is_not_upright_sees_the_same_people(degrees, photo):
    upright = Camera.from_field_of_view(40, *photo.shape[1::-1])
    expected = PoseEstimator(device="cpu")(photo, upright).people
    mounted = np.ascontiguousarray(np.rot90(photo, degrees // 90))
    camera = turn_camera(upright, 360 - degrees)
    estimator = PoseEstimator(EstimatorConfig(image_rotation=degrees), "cpu")

    found = estimator(mounted, camera).people

    assert len(found) == len(expected) >= 2
    np.testing.assert_allclose(turn_points(found.joints, degrees), expected.joints, atol=1e-4)
    projected = camera.project(found.joints)
    np.testing.assert_allclose(found.joints_image, projected, atol=0.5)
    inside = found.boxes.clip(0, [camera.width, camera.height] * 2)
    areas = (inside[:, 2] - inside[:, 0]) * (inside[:, 3] - inside[:, 1])
    x0, y0, x1, y1 = expected.boxes.clip(0, [upright.width, upright.height] * 2).T
    np.testing.assert_allclose(areas, (x1 - x0) * (y1 - y0), rtol=1e-4)
    blind = PoseEstimator(device="cpu")(mounted, camera).people
    assert blind.scores.sum() < 0.9 * found.scores.sum() or degrees == 180


def test_the_people_say_which_estimator_found_them(photo):
    camera = Camera.from_field_of_view(40, *photo.shape[1::-1])
    for name in ("blazepose_full", "blazepose_lite"):
        people = PoseEstimator(EstimatorConfig(lifter=name), "cpu")(photo, camera).people
        digest = hashlib.sha256(weights_file(name).read_bytes()).hexdigest()
        assert people.estimator == f"{name}/{digest[:8]}"
