from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from pinet_ros.detection.detections import Detections
from pinet_ros.errors import PinetError
from pinet_ros.estimator import EstimatorConfig
from pinet_ros.geometry.camera import Camera
from pinet_ros.imaging.frame import Frame
from pinet_ros.lifting.blazepose import BlazePose, Landmarks, to_camera
from pinet_ros.lifting.blazepose_weights import BLAZEPOSE
from pinet_ros.people import People
from pinet_ros.skeleton import BLAZEPOSE_33, MUPOTS_17
from pinet_ros.util.device import select_device

RENDERED = np.load(Path(__file__).parent / "data" / "rendered_people.npz")
LIMBS = [11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28]  # shoulders to ankles

# The people of the photo by eye: boxes, and where some of their joints are. The woman is seen
# from behind, the man from the front.
BOXES = np.array([[45, 635, 365, 1470], [405, 400, 750, 1125]], np.float32)
WOMAN = {"left_shoulder": (90, 820), "right_shoulder": (265, 825), "right_ankle": (275, 1420)}
MAN = {"right_shoulder": (492, 540), "left_shoulder": (640, 535), "left_wrist": (725, 740)}


def landmarks_of(image, world, visibility):
    count = len(image)
    return Landmarks(image, world, visibility, np.ones(count), np.full((count, 18), np.nan))


def placed(image, world, visibility, camera):
    """One person's landmarks in the camera frame, joint by joint."""
    flat = [camera.undistort(point) for point in image.astype(float)]
    ray = np.append(camera.undistort(image[[23, 24]].astype(float).mean(axis=0)), 1)
    ray /= np.linalg.norm(ray)
    axis = np.cross([0, 0, 1], ray)
    turn = Rotation.from_rotvec(axis / np.linalg.norm(axis) * np.arccos(ray[2]))
    turned = turn.apply(world)
    rows, values = [], []
    for joint in LIMBS:
        weight = max(visibility[joint], 0.05)
        (u, v), (x, y, z) = flat[joint], turned[joint]
        rows += [[weight, 0, -weight * u], [0, weight, -weight * v]]
        values += [weight * (u * z - x), weight * (v * z - y)]
    return turned + np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)[0]


def test_landmarks_are_turned_by_their_ray_and_moved_to_fit_the_image():
    camera = Camera(
        640, 480, [[600, 0, 310], [0, 605, 250], [0, 0, 1]], [-0.25, 0.1, 1e-3, -1e-3, 0]
    )
    image = RENDERED["landmarks_image"]
    world, visibility = RENDERED["landmarks_world"], RENDERED["visibility"]
    found = to_camera(landmarks_of(image, world, visibility), camera)
    for person in range(len(image)):
        expected = placed(image[person], world[person], visibility[person], camera)
        np.testing.assert_allclose(found[person], expected, atol=1e-6)


def test_rendered_people_are_placed_as_by_the_separate_program():
    names = "intrinsics", "landmarks_image", "landmarks_world", "visibility", "initial_joints"
    for person in zip(*(RENDERED[name] for name in names), strict=True):
        (fx, fy, cx, cy), image, world, visibility, expected = person
        landmarks = landmarks_of(image[None], world[None], visibility[None])
        joints = to_camera(landmarks, Camera(640, 480, [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]))
        people = People(
            BLAZEPOSE_33, joints, image[None], visibility[None], np.zeros((1, 4)), np.ones(1)
        )
        np.testing.assert_allclose(people.to_joint_set(MUPOTS_17).joints[0], expected, atol=5e-6)


def test_no_landmarks_have_no_place():
    nobody = landmarks_of(np.zeros((0, 33, 2)), np.zeros((0, 33, 3)), np.zeros((0, 33)))
    assert to_camera(nobody, Camera.from_focal(500, 640, 480)).shape == (0, 33, 3)


@pytest.fixture(scope="module")
def frame(photo):
    return Frame.from_array(photo)


@pytest.fixture(scope="module")
def blazepose():
    return BlazePose(device=select_device("cpu"))


@pytest.fixture(scope="module")
def camera(calibration):
    return calibration.camera(1088, 1920)


def detected(boxes):
    return Detections(boxes=boxes, scores=np.linspace(0.9, 0.8, len(boxes), dtype=np.float32))


@pytest.fixture(scope="module")
def people(blazepose, frame, camera):
    return blazepose([frame], [detected(BOXES)], [camera])[0]


def test_people_of_a_photo_are_placed_plausibly(people, camera):
    assert people.joint_set == MUPOTS_17
    assert len(people) == 2
    assert people.known.all()
    np.testing.assert_array_equal(people.boxes, BOXES)
    np.testing.assert_allclose(people.scores, [0.9, 0.8])
    assert ((people.confidence >= 0) & (people.confidence <= 1)).all()
    joints = people.joints.astype(float)
    top, hip, knee, ankle, pelvis = MUPOTS_17.indices(
        "head_top", "right_hip", "right_knee", "right_ankle", "pelvis"
    )
    for one, other, low, high in (hip, knee, 0.3, 0.55), (knee, ankle, 0.3, 0.55):
        length = np.linalg.norm(joints[:, one] - joints[:, other], axis=1)
        assert ((length > low) & (length < high)).all()
    assert (joints[:, ankle, 1] - joints[:, top, 1] > 1.2).all()  # y points down
    woman, man = joints[:, pelvis, 2]
    assert 2 < woman < man < 6


def test_people_are_seen_where_they_were_found(blazepose, people, frame, camera):
    """The depths are the landmarks', and each joint lies on the viewing ray of its pixel."""
    np.testing.assert_allclose(camera.project(people.joints), people.joints_image, atol=0.01)
    landmarks = blazepose.landmarks([frame], [BOXES])[0]
    placed = People(
        BLAZEPOSE_33,
        to_camera(landmarks, camera),
        landmarks.image,
        landmarks.visibility,
        BOXES,
        np.ones(2),
    ).to_joint_set(MUPOTS_17)
    np.testing.assert_allclose(people.joints[..., 2], placed.joints[..., 2], atol=1e-5)
    np.testing.assert_allclose(people.joints_image, placed.joints_image, atol=0.01)
    # what the pixels move the joints by is small against a person
    assert np.linalg.norm(people.joints - placed.joints, axis=2).max() < 0.15


def test_joints_behind_the_camera_stay(blazepose, frame, monkeypatch):
    """Somebody whose depths are below zero here and there is passed on as it was placed."""
    landmarks = blazepose.landmarks([frame], [BOXES])[0]
    landmarks.world[:, [31, 32, 29, 30, 27, 28], 2] -= 20
    camera = Camera.from_focal(1500, 1088, 1920)
    monkeypatch.setattr(blazepose, "landmarks", lambda *_: [landmarks])
    people = blazepose([frame], [detected(BOXES)], [camera])[0]
    behind = people.joints[..., 2] <= 0
    assert behind.any()
    placed = to_camera(landmarks, camera)[:, [28, 27]]
    ankles = MUPOTS_17.indices("right_ankle", "left_ankle")
    np.testing.assert_allclose(people.joints[:, ankles], placed, atol=1e-5)


@pytest.mark.parametrize(("row", "seen"), [(0, WOMAN), (1, MAN)], ids=["woman", "man"])
def test_joints_are_where_one_sees_them(people, row, seen):
    found = people.joints_image[row, MUPOTS_17.indices(*seen)]
    assert np.linalg.norm(found - list(seen.values()), axis=1).max() < 45


def test_a_batch_gives_what_single_people_give(blazepose, frame):
    together = blazepose.landmarks([frame], [BOXES])[0]
    for row, box in enumerate(BOXES):
        alone = blazepose.landmarks([frame], [box[None]])[0]
        np.testing.assert_allclose(together.image[row], alone.image[0], atol=0.01)
        np.testing.assert_allclose(together.world[row], alone.world[0], atol=1e-4)
        np.testing.assert_allclose(together.visibility[row], alone.visibility[0], atol=1e-4)
        np.testing.assert_allclose(together.presence[row], alone.presence[0], atol=1e-4)


def test_both_runtimes_give_the_same_landmarks(frame):
    for name in BLAZEPOSE:
        by_onnx, by_torch = (
            BlazePose(name, runtime=runtime).landmarks([frame], [BOXES])[0]
            for runtime in ("onnx", "torch")
        )
        np.testing.assert_allclose(by_onnx.image, by_torch.image, atol=0.05)
        np.testing.assert_allclose(by_onnx.world, by_torch.world, atol=1e-4)
        np.testing.assert_allclose(by_onnx.visibility, by_torch.visibility, atol=1e-3)
        np.testing.assert_allclose(by_onnx.presence, by_torch.presence, atol=1e-3)


@pytest.mark.parametrize("side", [1, -1])
def test_the_second_look_at_a_tilted_body_sets_in_without_a_step(frame, monkeypatch, side):
    """It counts from 10 degrees on, and alone from 20."""
    angles = side * np.radians(np.arange(5, 25, 0.25))
    lifter = BlazePose("blazepose_lite", runtime="torch")

    def read(_, regions):
        points = torch.zeros(len(regions), 33, 6)
        if regions.angles is not None:
            return points + 1, torch.ones(len(regions), 19)
        points[:, [7, 8], :2] = torch.tensor(
            100 * np.stack([np.sin(angles), -np.cos(angles)], axis=1)
        ).float()[:, None]
        return points, torch.zeros(len(regions), 19)

    monkeypatch.setattr(lifter, "_read", read)
    boxes = np.tile(BOXES[0], (len(angles), 1))
    found = lifter.landmarks([frame], [boxes])[0].presence
    assert (found[np.abs(angles) < np.radians(10)] == 0).all()
    assert (found[np.abs(angles) > np.radians(20)] == 1).all()
    assert np.diff(found).max() < 0.05
    assert (np.diff(found) >= 0).all()


def test_mirror_averages_with_the_mirrored_image(blazepose, frame, photo, monkeypatch):
    x0, y0, x1, y1 = BOXES[1]
    last = photo.shape[1] - 1
    shift = 1.2 * (y1 - y0) / 256  # puts the crop's last pixel where its first was
    mirrored_box = np.array([[last - x1 + shift, y0, last - x0 + shift, y1]])
    plain = blazepose.landmarks([frame], [BOXES[1:]])[0]
    mirrored_frame = Frame.from_array(np.ascontiguousarray(photo[:, ::-1]))
    (mirrored,) = blazepose.landmarks([mirrored_frame], [mirrored_box])
    monkeypatch.setattr(blazepose, "mirror", True)
    both = blazepose.landmarks([frame], [BOXES[1:]])[0]
    swap = BLAZEPOSE_33.mirror
    image = (plain.image + mirrored.image[:, swap] * [-1, 1] + [last, 0]) / 2
    world = (plain.world + mirrored.world[:, swap] * [-1, 1, 1]) / 2
    np.testing.assert_allclose(both.image, image, atol=0.3)
    np.testing.assert_allclose(both.world, world, atol=1e-3)
    visibility = (plain.visibility + mirrored.visibility[:, swap]) / 2
    np.testing.assert_allclose(both.visibility, visibility, atol=1e-2)


@pytest.mark.parametrize("degrees", [-40, 40])
def test_a_rolled_camera_sees_the_same_people(blazepose, frame, photo, degrees):
    """Both people before the camera turned about its axis, found where they are then."""
    upright = blazepose.landmarks([frame], [BOXES])[0]
    height, width = photo.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 0.6)  # clockwise
    rolled = Frame.from_array(cv2.warpAffine(photo, turn, (width, height)))
    expected = upright.image @ turn[:, :2].T + turn[:, 2]
    low, high = expected.min(axis=1), expected.max(axis=1)
    size = (high - low).max(axis=1, keepdims=True)
    boxes = np.hstack([low - 0.05 * size, high + 0.05 * size]).astype(np.float32)
    found = blazepose.landmarks([rolled], [boxes])[0]
    # in regions that are not turned the image is 4 to 28 % off, and the pose 180 to 380 mm
    off = np.linalg.norm(found.image - expected, axis=2).mean(axis=1)
    assert (off < 0.08 * size[:, 0]).all()
    axes = np.eye(3)
    axes[:2, :2] = turn[:, :2] / 0.6
    off = np.linalg.norm(found.world - upright.world @ axes.T, axis=2).mean(axis=1)
    assert (off < 0.14).all()
    assert (found.presence > 0.9).all()


def test_a_region_without_a_person_is_dropped(blazepose, frame, camera):
    ceiling = np.array([[300, 0, 700, 300]], np.float32)
    people = blazepose([frame], [detected(np.concatenate([ceiling, BOXES]))], [camera])[0]
    np.testing.assert_array_equal(people.boxes, BOXES)


def test_no_detections_are_nobody(blazepose, frame, camera):
    people = blazepose([frame], [detected(np.zeros((0, 4), np.float32))], [camera])[0]
    assert len(people) == 0
    assert people.joint_set == MUPOTS_17


def test_the_heavy_network_is_gone():
    with pytest.raises(PinetError, match="one of blazepose_lite, blazepose_full, mppe, got 'blaz"):
        EstimatorConfig(lifter="blazepose_heavy")
