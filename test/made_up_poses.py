"""People with whole poses without rendering: dots on gray pictures, before a distorting lens."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np

from pinet_ros.geometry.camera import Camera
from pinet_ros.skeleton import BLAZEPOSE_33, MUPOTS_17, convert
from pinet_training.lifter.pose_samples import NOBODY, PoseSamples
from pinet_training.rendering.scene_detections import DETECTOR
from pinet_training.rendering.shards import RenderedScenes

TESTS = Path(__file__).parent
SIZE = (640, 480)
CAMERA = Camera.from_intrinsics(
    *SIZE, 560, 562, 322, 236, np.array([-0.2, 0.05, 1e-3, -1e-3, 0, 0, 0, 0])
)
GRAY, LEFT, RIGHT = (90, 90, 90), (20, 20, 230), (230, 60, 20)  # BGR
_BODIES = np.load(TESTS / "lifting" / "data" / "rendered_people.npz")["landmarks_world"]


def landmarks(count, seed=0, depths=(4.5, 6.5)):
    """Landmarks (count,33,3) of bodies before the camera, metres, whole in the image."""
    rng = np.random.default_rng(seed)
    bodies = _BODIES[rng.integers(len(_BODIES), size=count)]
    bodies = bodies - bodies[:, list(BLAZEPOSE_33.pelvis)].mean(axis=1, keepdims=True)
    far = rng.uniform(*depths, count)
    aside = rng.uniform(-0.25, 0.25, (count, 2)) * far[:, None] * [1, 0.3]
    return bodies + np.column_stack([aside, far])[:, None]


def to_joints(points):
    """The joints of MUPOTS_17 (N,17,3) that the estimator makes of landmarks (N,33,3)."""
    nothing = np.zeros((len(points), 33, 2)), np.zeros((len(points), 33))
    return convert(BLAZEPOSE_33, MUPOTS_17, points, *nothing)[0]


def picture(joints):
    """A gray picture with a dot on each joint (17,3), red for left, blue for right."""
    image = np.full((*SIZE[::-1], 3), GRAY, np.uint8)
    for name, pixel in zip(MUPOTS_17.joints, CAMERA.project(joints), strict=True):
        side = name.split("_")[0]
        if side in ("left", "right"):
            color = LEFT if side == "left" else RIGHT
            cv2.circle(image, pixel.round().astype(int).tolist(), 4, color, -1)
    return image


def box_around(joints):
    """(N,4) boxes around joints (N,17,3) in the image."""
    pixels = CAMERA.project(joints)
    return np.concatenate([pixels.min(axis=1) - 8, pixels.max(axis=1) + 8], axis=1)


class Dots:
    """Pictures of one person each, and one more of nobody."""

    def __init__(self, joints):
        self.images = [*map(picture, joints), np.full((*SIZE[::-1], 3), GRAY, np.uint8)]

    def __len__(self):
        return len(self.images)

    def image(self, number):
        return self.images[number]

    def camera(self, _):
        return CAMERA


def samples(points):
    """The people with landmarks (N,33,3), each with a true box, and a box around nobody."""
    joints = to_joints(points)
    count = len(points)
    return PoseSamples(
        Dots(joints),
        picture=np.arange(count + 1),
        box=np.concatenate([box_around(joints), [[200.0, 100, 400, 400]]]),
        person=np.array([*range(count), NOBODY]),
        detected=np.zeros(count + 1, bool),
        joints=joints,
        visible=np.ones((count, 17), bool),
    )


def made_up_truth(people, seed=0):
    """The truth of made-up scenes, of the tests of rendering."""
    path = TESTS / "training" / "rendering" / "conftest.py"
    spec = importlib.util.spec_from_file_location("conftest_of_rendering", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.made_up_truth(people, seed)


def write_scenes(folder, people, splits, detections=True):
    """A data set of one shard with so many people in each scene, and the detector's boxes.

    The detector finds everybody in a box that is a little off, and one box with nobody in a corner
    of each picture.
    """
    settings = {"seed": 5, "size": list(SIZE), "scenes_per_shard": len(people)}
    scenes = RenderedScenes.begin(folder, settings)
    truth = made_up_truth(people)
    joints = to_joints(landmarks(sum(people), seed=3))
    truth |= {
        "scene_split": np.array(splits),
        "scene_intrinsics": np.tile([560.0, 562, 322, 236], (len(people), 1)),
        "scene_distortion": np.tile(CAMERA.distortion[:8], (len(people), 1)),
        "person_joints": joints,
        "person_joints_image": CAMERA.project(joints),
        "person_in_image": np.ones((len(joints), 17), bool),
        "person_visible": np.arange(17) != MUPOTS_17.index("left_wrist"),
        "person_hidden_by": np.zeros((len(joints), 17)),
        "person_box": box_around(joints),
    }
    of_scene = np.repeat(np.arange(len(people)), people)
    truth["person_visible"] = np.tile(truth["person_visible"], (len(joints), 1))
    images = []
    for scene in range(len(people)):
        seen = [picture(each) for each in joints[of_scene == scene]]
        gray = np.full((*SIZE[::-1], 3), GRAY, np.uint8)
        images.append((max(seen, key=np.std, default=gray), 95))
    scenes.write(0, images, truth)
    if detections:
        corners = np.tile([2.0, 2, 50, 60], (len(people), 1))
        boxes = np.concatenate([truth["person_box"] + 3, corners])
        write_detections(folder, boxes, np.concatenate([of_scene, np.arange(len(people))]))
    return scenes


def write_detections(folder, boxes, scenes):
    """Detections (D,4) in scenes (D,) of a data set's only shard."""
    path = folder / "detections" / DETECTOR / "00000.npz"
    path.parent.mkdir(parents=True)
    np.savez(path, boxes=boxes, scores=np.full(len(boxes), 0.5), scene=scenes)
