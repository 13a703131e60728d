"""What hides whom, on a rendering that is made up pixel by pixel."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from pinet_ros.geometry.camera import Camera
from pinet_training.rendering.photograph import Lens
from pinet_training.rendering.renderer import Rendering
from pinet_training.rendering.truth import (
    NOTHING_HIDES,
    OBJECT_HIDES,
    OUTSIDE,
    PERSON_HIDES,
    person_truth,
)
from pinet_training.rendering.viewpoint import Viewpoint

WIDTH, HEIGHT, FOCAL = 64, 48, 50.0


@pytest.fixture
def viewpoint() -> Viewpoint:
    """A camera at the origin of the world that looks along +y: x right, y down, z forward."""
    camera = Camera.from_focal(FOCAL, WIDTH, HEIGHT)
    rotation = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    return Viewpoint(camera, rotation, np.zeros(3), np.array([0, 3.0, 0]), 0.0, 0.0)


def _world(viewpoint: Viewpoint, u: float, v: float, depth: float) -> np.ndarray:
    """17 joints at one pixel and depth."""
    x, y = (np.array([u, v]) - viewpoint.camera.matrix[:2, 2]) / FOCAL * depth
    return np.tile(viewpoint.rotation.T @ [x, y, depth], (17, 1))


def _rendering(scale: int = 2) -> Rendering:
    """Person 0 on the left half at 2 m, an object (2) below at 1 m, person 1 at 4 m elsewhere."""
    instances = np.ones((HEIGHT, WIDTH), np.int16)
    depth = np.full((HEIGHT, WIDTH), 4.0, np.float32)
    instances[:, :32], depth[:, :32] = 0, 2.0
    instances[40:], depth[40:] = 2, 1.0
    instances[:4], depth[:4] = -1, np.inf
    larger = [array.repeat(scale, axis=0).repeat(scale, axis=1) for array in (instances, depth)]
    return Rendering(
        color=np.zeros((HEIGHT, WIDTH, 3), np.float32),
        coverage=(instances >= 0).astype(np.float32),
        instances=larger[0],
        depth=larger[1],
    )


def _truth(viewpoint, *joints, rendering=None):
    lens = Lens.of(viewpoint.camera)
    return person_truth(np.stack(joints), viewpoint, lens, rendering or _rendering())


def test_a_joint_within_its_own_body_is_visible(viewpoint):
    truth = _truth(viewpoint, _world(viewpoint, 10, 20, 2.1), _world(viewpoint, 50, 20, 4.1))
    assert truth["person_hidden_by"].tolist() == [[NOTHING_HIDES] * 17] * 2
    assert truth["person_visible"].all()


def test_a_joint_behind_another_person_or_an_object_is_hidden(viewpoint):
    truth = _truth(viewpoint, _world(viewpoint, 10, 44, 2.1), _world(viewpoint, 10, 20, 4.1))
    assert truth["person_hidden_by"].tolist() == [[OBJECT_HIDES] * 17, [PERSON_HIDES] * 17]
    assert not truth["person_visible"].any()


def test_a_joint_before_another_person_is_not_hidden(viewpoint):
    # at the border of the own body, where the rendering shows the other
    truth = _truth(viewpoint, _world(viewpoint, 50, 20, 2.1), _world(viewpoint, 50, 2, 4.1))
    assert truth["person_visible"].all()


def test_a_bent_lens_shows_a_joint_elsewhere_than_the_pinhole_that_is_rendered(viewpoint):
    camera = Camera(WIDTH, HEIGHT, viewpoint.camera.matrix, np.array([-0.2, 0, 0, 0]))
    bent = replace(viewpoint, camera=camera)
    lens = Lens.of(camera)
    joints = _world(viewpoint, 4, 4, 4.0)  # the pixel of an unbent lens
    flat = (np.array([4, 4]) - camera.matrix[:2, 2]) / FOCAL
    place = flat * lens.matrix[[0, 1], [0, 1]] + lens.matrix[:2, 2]
    expected, _ = cv2.projectPoints(
        np.array([[*flat, 1.0]]), np.zeros(3), np.zeros(3), camera.matrix, camera.distortion
    )
    shown = expected[0, 0]
    assert np.linalg.norm(place - shown) > 1.2
    for window, hidden_by in ((place, PERSON_HIDES), (shown, NOTHING_HIDES)):
        rendering = _rendering(scale=8)
        rendering.instances[:], rendering.depth[:] = 0, 4.1
        u, v = np.rint(rendering.supersampled(window)).astype(int)
        around = slice(v - 4, v + 5), slice(u - 4, u + 5)
        rendering.instances[around], rendering.depth[around] = 1, 2.0
        truth = person_truth(np.stack([joints, joints]), bent, lens, rendering)
        assert truth["person_joints_image"][0] == pytest.approx(np.tile(shown, (17, 1)), abs=1e-4)
        assert truth["person_hidden_by"][0].tolist() == [hidden_by] * 17
        if hidden_by == PERSON_HIDES:  # and the box of who hides is where the joint is seen
            left, top, right, bottom = truth["person_box"][1]
            assert left - 1 <= shown[0] <= right
            assert top - 1 <= shown[1] <= bottom


def test_outside_of_the_image(viewpoint):
    joints = _world(viewpoint, 70, 20, 2.0)
    joints[3] = -viewpoint.rotation.T @ [0, 0, 2.0]  # behind the camera
    joints[5] = _world(viewpoint, 63.4, 20, 2.0)[0]
    truth = _truth(viewpoint, joints, _world(viewpoint, 50, 20, 4.1))
    expected = [OUTSIDE] * 17
    expected[5] = NOTHING_HIDES
    assert truth["person_hidden_by"][0].tolist() == expected
    assert truth["person_in_image"][0].tolist() == [k == 5 for k in range(17)]
    assert np.isnan(truth["person_joints_image"][0, 3]).all()


def test_joints_are_those_of_the_camera(viewpoint):
    truth = _truth(viewpoint, _world(viewpoint, 10, 20, 2.1), _world(viewpoint, 50, 7, 4.1))
    assert truth["person_joints"][:, 0, 2] == pytest.approx([2.1, 4.1])
    assert truth["person_joints_image"][:, 0] == pytest.approx(np.array([[10, 20], [50, 7]]))


def test_boxes_are_of_the_pixels_seen(viewpoint):
    person = _world(viewpoint, 10, 20, 2.1)
    truth = _truth(viewpoint, person, person)
    assert truth["person_box"].tolist() == [[0, 4, 32, 40], [32, 4, 64, 40]]


def test_whom_nothing_is_seen_of_has_no_box(viewpoint):
    rendering = _rendering()
    rendering.instances[rendering.instances == 1] = 0
    person = _world(viewpoint, 10, 20, 2.1)
    assert np.isnan(_truth(viewpoint, person, person, rendering=rendering)["person_box"][1]).all()


def test_the_others_come_from_near_to_far(viewpoint):
    people = [_world(viewpoint, 32, 24, depth) for depth in (2.0, 5.0, 3.0)]
    truth = _truth(viewpoint, *people)
    assert truth["person_order"].tolist() == [
        [0, 2, 1, -1, -1, -1, -1, -1],
        [1, 2, 0, -1, -1, -1, -1, -1],
        [2, 0, 1, -1, -1, -1, -1, -1],
    ]
