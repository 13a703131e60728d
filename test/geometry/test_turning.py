from __future__ import annotations

import numpy as np
import pytest

from pinet_ros.geometry.camera import Camera
from pinet_ros.geometry.turning import turn_camera, turn_image, turn_people_back, turn_points
from pinet_ros.people import People
from pinet_ros.skeleton import MUPOTS_17

CAMERAS = {
    "plumb_bob": Camera.from_intrinsics(64, 48, 50, 55, 30, 25, [-0.2, 0.05, 0.01, -0.02, 0.01]),
    "fisheye": Camera.from_info(
        width=64,
        height=48,
        k=[40, 0, 33, 0, 41, 22, 0, 0, 1],
        d=[0.02, 0.01, 0, 0],
        distortion_model="equidistant",
    ),
}


@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_point_is_where_the_turned_image_shows_it(camera, degrees):
    points = np.random.default_rng(0).uniform([-1, -0.8, 2], [1, 0.8, 4], (50, 3))
    pixels = camera.project(points)
    turned = turn_camera(camera, degrees)
    turned_pixels = turned.project(turn_points(points, degrees))
    for (u, v), (x, y) in zip(pixels, turned_pixels, strict=True):
        image = np.zeros((camera.height, camera.width, 1), np.uint8)
        row, column = round(v), round(u)
        if not (0 <= row < camera.height and 0 <= column < camera.width):
            continue
        image[row, column] = 255
        shown = turn_image(image, degrees)
        assert shown.shape[:2] == (turned.height, turned.width)
        (there_y, there_x, _), *_ = np.argwhere(shown)
        assert (round(x), round(y)) == (there_x, there_y)
    np.testing.assert_allclose(
        turned.undistort(turned_pixels), turn_points(camera.undistort(pixels), degrees), atol=1e-8
    )


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_people_found_in_the_turned_image_come_back(degrees):
    camera = CAMERAS["plumb_bob"]
    turned = turn_camera(camera, degrees)
    rng = np.random.default_rng(1)
    points = rng.uniform([-1, -0.8, 2], [1, 0.8, 4], (2, 17, 3))
    original = camera.project(points)
    seen = turned.project(turn_points(points, degrees))
    boxes = np.array([[0, 0, turned.width, turned.height], [3, 4, 10, 20]], float)
    deviations = {"distance_deviations": [0.1, 0.2], "root_deviations": [0.02, 0.03]}
    found = People.from_joints(
        MUPOTS_17,
        turn_points(points, degrees),
        joints_image=seen,
        boxes=boxes,
        up=turn_points(np.array([0.6, -0.8, 0]), degrees),
        **deviations,
    )
    back = turn_people_back(found, camera, degrees)
    np.testing.assert_allclose(back.joints, points, atol=1e-6)
    np.testing.assert_allclose(back.up, [0.6, -0.8, 0], atol=1e-6)
    np.testing.assert_allclose(back.joints_image, original, atol=1e-4)
    unturned = People.from_joints(MUPOTS_17, points, **deviations)
    np.testing.assert_allclose(back.position_covariances, unturned.position_covariances, atol=1e-6)
    np.testing.assert_allclose(back.boxes[0], [0, 0, camera.width, camera.height])
    sides = back.boxes[1, 2:] - back.boxes[1, :2]
    np.testing.assert_allclose(sides, [16, 7] if degrees % 180 else [7, 16])
