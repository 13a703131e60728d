"""3DMPPE as a lifter against a plain computation, one person at a time."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from plain_mppe import CELLS, clouds, write_snapshot

from pinet_ros.cli.benchmarks.plain_lifter import plain_lift
from pinet_ros.detection.detections import Detections
from pinet_ros.errors import ModelError, PinetError
from pinet_ros.geometry.camera import Camera
from pinet_ros.imaging.frame import Frame
from pinet_ros.lifting.mppe.mppe_lifter import ThreeDMPPE
from pinet_ros.skeleton import MUPOTS_17

pytestmark = pytest.mark.slow

LENS = [-0.3, 0.1, 0.001, -0.002, 0.02]  # plumb_bob
CAMERAS = (
    Camera.from_intrinsics(640, 480, 600, 500, 310, 250),
    Camera.from_intrinsics(400, 300, 450, 460, 190, 160, LENS),
)
BOXES = (
    [[100, 40, 221, 361], [350, 100, 511, 201]],
    [[300, 107, 420, 340], [-30, 203, 65, 400]],  # cut off at the right, and by a corner
)
MUCO_MIRROR = [0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 14, 15, 16, 18, 17, 20, 19]


@pytest.fixture(scope="module")
def images():
    """Pictures of both cameras' sizes, RGB."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        pictures = [clouds(1, camera.height, camera.width)[0] for camera in CAMERAS]
    return [
        (127 + 55 * picture).clip(0, 255).byte().permute(1, 2, 0).contiguous().numpy()
        for picture in pictures
    ]


@pytest.fixture(scope="module")
def lifter(mppe_snapshots):
    return ThreeDMPPE(*mppe_snapshots, runtime="torch")


def found(boxes):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    return Detections(boxes, np.linspace(0.9, 0.5, len(boxes), dtype=np.float32))


def plain(networks, image, box, camera, mirror=()):
    """One person's joints (J,3) in metres and (J,2) in pixels; averaged with the mirrored crop."""
    x0, y0 = np.maximum(box[:2], 0)
    x1, y1 = np.minimum(box[2:], image.shape[1::-1]) - 1.0
    square = [(x0 + x1) / 2, (y0 + y1) / 2, 1.25 * max(x1 - x0, y1 - y0)]
    joints, pixels = plain_lift(image, np.array([square]), camera, *networks, mirror=mirror)
    return joints[0], pixels[0]


def require_plain(people, networks, image, boxes, camera, mirror=()):
    assert people.joint_set == MUPOTS_17
    np.testing.assert_array_equal(people.boxes, np.array(boxes, np.float32))
    assert np.isnan(people.confidence).all()
    for row, box in enumerate(boxes):
        joints, pixels = plain(networks, image, np.array(box, float), camera, mirror)
        np.testing.assert_allclose(people.joints[row], joints[:17], atol=1e-3)
        np.testing.assert_allclose(people.joints_image[row], pixels[:17], atol=0.1)
    assert np.ptp(people.joints[..., 2]) > 0.1


def test_people_of_several_images_are_what_a_plain_computation_gives_for_each(
    mppe_networks, lifter, images
):
    frames = [Frame.from_array(image, channels="rgb") for image in images]
    frames.insert(1, frames[0])  # in which nobody is found
    detections = [found(BOXES[0]), found([]), found(BOXES[1])]

    first, nobody, second = lifter(frames, detections, [CAMERAS[0], *CAMERAS])

    require_plain(first, mppe_networks, images[0], BOXES[0], CAMERAS[0])
    require_plain(second, mppe_networks, images[1], BOXES[1], CAMERAS[1])
    assert nobody.joints.shape == (0, 17, 3)
    np.testing.assert_allclose(first.scores, [0.9, 0.5])


def test_the_mean_with_the_mirrored_picture_has_left_and_right_swapped(
    mppe_networks, lifter, images, monkeypatch
):
    monkeypatch.setattr(lifter, "mirror", True)
    frames = [Frame.from_array(image, channels="rgb") for image in images]
    boxes = [BOXES[0][:1], BOXES[1][:1]]

    people = lifter(frames, [found(each) for each in boxes], CAMERAS)

    for each, *expected in zip(people, images, boxes, CAMERAS, strict=True):
        require_plain(each, mppe_networks, *expected, MUCO_MIRROR)


def test_by_onnx_runtime_people_are_the_same(
    mppe_networks, mppe_snapshots, images, tmp_path, monkeypatch
):
    pytest.importorskip("onnxruntime", reason="pip install onnx onnxruntime")
    monkeypatch.setenv("PINET_CACHE", str(tmp_path))
    lifter = ThreeDMPPE(*mppe_snapshots, runtime="onnx")
    bgr = np.ascontiguousarray(images[0][..., ::-1])

    people = lifter([Frame.from_array(bgr, channels="bgr")], [found(BOXES[0])], [CAMERAS[0]])[0]

    require_plain(people, mppe_networks, images[0], BOXES[0], CAMERAS[0])


def test_nobody_is_nobody(lifter, images):
    frame = Frame.from_array(images[1], channels="rgb")
    assert lifter([frame], [found([])], [CAMERAS[1]])[0].joints.shape == (0, 17, 3)
    assert [len(people) for people in lifter([frame] * 2, [found([])] * 2, CAMERAS)] == [0, 0]


def test_the_distance_goes_with_the_root_of_the_product_of_both_focal_lengths(lifter, images):
    frame = Frame.from_array(images[0], channels="rgb")
    depths = []
    for fx, fy in ((600, 500), (1200, 500), (1200, 2000)):
        camera = Camera.from_intrinsics(640, 480, fx, fy, 320, 240)
        depths.append(lifter([frame], [found(BOXES[0][1])], [camera])[0].joints[..., 2])
    moved = [depth - depths[0] for depth in depths[1:]]  # the root's way: a pose keeps its depth
    for each in moved:
        np.testing.assert_allclose(each, each[:, :1].repeat(17, axis=1), atol=1e-4)
    assert moved[0].min() > 1
    np.testing.assert_allclose(moved[1] / moved[0], (8**0.5 - 1) / (2**0.5 - 1), rtol=1e-4)


def test_a_root_at_the_camera_s_lens_is_no_person(lifter, images):
    frame = Frame.from_array(images[0], channels="rgb")
    camera = Camera.from_focal(30, 640, 480)  # for which 2 m fill the boxes at 15 and 30 cm
    people = lifter([frame], [found(BOXES[0])], [camera])[0]
    np.testing.assert_array_equal(people.boxes, BOXES[0][1:])


def of_joints(count, posenet):
    """PoseNet with only the first joints of another."""
    fewer = copy.deepcopy(posenet)
    last = fewer.head.final_layer
    last.weight, last.bias = (
        torch.nn.Parameter(values[: count * CELLS]) for values in (last.weight, last.bias)
    )
    return fewer


@pytest.mark.parametrize(
    ("joints", "mirror", "mupots"),
    [
        (17, (), range(16)),
        (18, (0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13, 17),
         (10, 17, 14, 15, 16, 11, 12, 13, 1, 2, 3, 4, 5, 6, 0, 7)),
    ],
)  # fmt: skip
def test_networks_of_other_joints_are_taken_for_what_their_joints_are(
    joints, mirror, mupots, mppe_networks, mppe_snapshots, images, tmp_path
):
    posenet = of_joints(joints, mppe_networks[0])
    path = write_snapshot(tmp_path / "posenet.pth.tar", posenet)
    lifter = ThreeDMPPE(path, mppe_snapshots[1], mirror=bool(mirror), runtime="torch")
    box = BOXES[0][0]

    people = lifter([Frame.from_array(images[0], channels="rgb")], [found(box)], [CAMERAS[0]])[0]

    both = (posenet, mppe_networks[1])
    expected, _ = plain(both, images[0], np.array(box, float), CAMERAS[0], mirror)
    assert people.joint_set == MUPOTS_17
    np.testing.assert_allclose(people.joints[0, :16], expected[list(mupots)], atol=1e-3)


def test_a_network_of_unknown_joints_is_refused(mppe_networks, mppe_snapshots, tmp_path):
    path = write_snapshot(tmp_path / "posenet.pth.tar", of_joints(1, mppe_networks[0]))
    wanted = r"posenet.pth.tar has 1 joints, but the supported numbers are 17 \(mupots_17\), 18"
    with pytest.raises(ModelError, match=wanted):
        ThreeDMPPE(path, mppe_snapshots[1], runtime="torch")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_half_precision_on_a_gpu_gives_almost_the_same(mppe_snapshots, images):
    full, half = (
        ThreeDMPPE(*mppe_snapshots, device="cuda", precision=name) for name in ("full", "auto")
    )
    frame = Frame.from_array(images[0], channels="rgb", device="cuda")
    for count in (1, 2, 3):
        boxes = found((BOXES[0] * 2)[:count])
        (expected,) = full([frame], [boxes], CAMERAS[:1])
        (found_in_half,) = half([frame], [boxes], CAMERAS[:1])
        assert len(expected) == count
        np.testing.assert_allclose(found_in_half.joints, expected.joints, atol=0.05)


@pytest.mark.parametrize(
    ("precision", "message"),
    [
        ("half", "precision 'half' is for CUDA, but the device is cpu; use precision: auto"),
        ("int8", "precision must be one of auto, half, full, got 'int8'"),
    ],
)
def test_a_precision_that_is_not_to_be_had_is_refused(precision, message, mppe_snapshots):
    with pytest.raises(PinetError, match=message):
        ThreeDMPPE(*mppe_snapshots, precision=precision)
