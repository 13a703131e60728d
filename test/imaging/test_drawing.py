from __future__ import annotations

import cv2
import numpy as np
import pytest

from demo.still import save_still
from pinet_ros.geometry.camera import Camera
from pinet_ros.imaging.drawing import (
    draw_people,
    draw_text,
    to_bgr,
)
from pinet_ros.people import People, person_color
from pinet_ros.skeleton import MUPOTS_17

CAMERA = Camera(640, 480, [[500, 0, 320], [0, 500, 240], [0, 0, 1]], [-0.1, 0.02, 0, 0, 0])
NO_BOX = [np.nan] * 4


def standing(*roots, boxes=None, **tracking):
    """People of random pose about roots in metres."""
    count = len(roots)
    shape = np.random.default_rng(0).uniform(-0.5, 0.5, size=(count, 17, 3))
    joints = shape + np.reshape(roots, (count, 1, 3))
    return People(
        MUPOTS_17,
        joints=joints,
        joints_image=np.full((count, 17, 2), np.nan),
        confidence=np.ones((count, 17)),
        boxes=[NO_BOX] * count if boxes is None else boxes,
        scores=np.ones(count),
        **tracking,
    )


def black():
    return np.zeros((480, 640, 3), np.uint8)


def at(image, point):
    x, y = np.round(point).astype(int)
    return image[y, x]


def test_joints_are_drawn_where_they_project():
    people = standing([0, 0, 3])
    image = black()
    draw_people(image, people, CAMERA)
    expected, _ = cv2.projectPoints(
        people.joints[0].astype(float), np.zeros(3), np.zeros(3), CAMERA.matrix, CAMERA.distortion
    )
    color = [255 * c for c in reversed(person_color(0))]
    for point in expected[:, 0]:
        assert np.abs(at(image, point) - color).max() <= 1
    start, end = expected[list(MUPOTS_17.bones[0]), 0]
    assert at(image, (start + end) / 2).any()


def test_without_a_camera_the_image_joints_are_drawn():
    people = standing([0, 0, 3])
    people.joints_image[0] = np.random.default_rng(1).uniform([40, 40], [600, 440], size=(17, 2))
    image = black()
    draw_people(image, people)
    assert all(at(image, point).any() for point in people.joints_image[0])


def test_unknown_and_unseen_joints_are_not_drawn():
    people = standing([0, 0, 3])
    whole, partly, unseen = black(), black(), black()
    draw_people(whole, people, CAMERA)
    people.joints[0, 4] = np.nan  # right wrist
    people.joints[0, 10, 2] = -1  # right ankle, behind the camera
    draw_people(partly, people, CAMERA)
    assert 0 < np.count_nonzero(partly) < np.count_nonzero(whole)
    people.joints[:] = np.nan
    draw_people(unseen, people, CAMERA)
    assert not unseen.any()


@pytest.mark.parametrize("root", [[50, 0, 1], [0, 0, 0.51], [1e30, -1e30, 1], [-3, 0, 2]])
def test_joints_far_outside_the_image_do_no_harm(root):
    people = standing(root, [0, 0, 3])
    image = black()
    draw_people(image, people, CAMERA)
    assert all(at(image, point).any() for point in CAMERA.project(people.joints[1]))


def test_a_box_is_drawn_with_its_label_inside_the_image():
    boxes = [[100, 150, 300, 400], [-50, -20, 90, 700], NO_BOX]
    people = standing([0, 0, 3], [0, 0, 3], [0, 0, 3], boxes=boxes)
    people.joints[:] = np.nan
    image = black()
    draw_people(image, people)
    for x, y in ((100, 300), (300, 300), (200, 400)):  # edges of the first box
        assert image[y, x].any()
    assert image[130:150, 100:150].any()  # its label above it
    assert image[479, 40].any()  # the second box, cut to the image
    assert image[5, 5].any()  # and its label
    image[:] = 0
    draw_people(image, People.empty(MUPOTS_17))
    assert not image.any()


@pytest.mark.parametrize(
    ("color", "ink"), [((84, 1, 68), 255), ((255, 38, 38), 255), ((37, 231, 253), 0)]
)
def test_text_can_be_read_on_any_color(color, ink):
    image = np.full((480, 640, 3), 77, np.uint8)
    draw_text(image, "0.42", (100, 200), color, 1)
    patch = image[190:200, 100:140]
    assert (patch == color).all(axis=2).any()
    assert (patch == ink).all(axis=2).any()
    assert (image[202:] == 77).all()


def test_people_are_numbered_by_track_or_by_row():
    tracked = standing([0, 0, 3], [0, 0, 3], track_ids=[9, 7])
    assert [tracked.number(row) for row in (0, 1)] == [9, 7]
    partly = standing([0, 0, 3], [0, 0, 3], track_ids=[1, -1])  # row 1 is not the person 1
    assert [partly.number(row) for row in (0, 1)] == [0, 1]


def test_colors_are_those_of_the_number_and_differ():
    colors = np.array([person_color(n) for n in range(12)])
    assert person_color(5) == tuple(colors[5])
    assert ((colors >= 0) & (colors <= 1)).all()
    apart = np.abs(colors[:, None] - colors).max(axis=2) + np.eye(12)
    assert apart.min() > 0.1


def test_the_distance_is_to_the_middle_of_the_known_joints():
    people = standing([0, 0, 3], [1, 1, 5])
    people.joints[0, 3:] = np.nan
    people.joints[1] = np.nan
    assert people.distance(0) == pytest.approx(np.linalg.norm(people.joints[0, :3].mean(axis=0)))
    assert np.isnan(people.distance(1))


@pytest.mark.parametrize(
    ("layout", "pixel"),
    [
        ("rgb", [30, 20, 10]),
        ("bgr", [10, 20, 30]),
        ("rgba", [30, 20, 10, 9]),
        ("bgra", [10, 20, 30, 9]),
    ],
)
def test_any_layout_becomes_a_bgr_copy(layout, pixel):
    image = np.tile(np.array(pixel, np.uint8), (48, 80, 1))[:, :64]  # rows with padding
    image.flags.writeable = False
    found = to_bgr(image, layout)
    np.testing.assert_array_equal(found, np.tile([10, 20, 30], (48, 64, 1)))
    draw_people(found, standing([0, 0, 3]), CAMERA)


@pytest.mark.parametrize("shape", [(48, 64), (48, 64, 1)])
def test_a_grey_image_becomes_bgr(shape):
    assert (to_bgr(np.full(shape, 7, np.uint8), "mono") == np.full((48, 64, 3), 7)).all()


@pytest.mark.parametrize(("suffix", "count"), [(".png", 0), (".png", 3), (".jpg", 1)])
def test_a_still_shows_image_and_people(tmp_path, suffix, count):
    image = np.full((480, 640, 3), [255, 0, 0], np.uint8)
    people = standing(*([i, 0, 3 + i] for i in range(count))) if count else People.empty(MUPOTS_17)
    people.joints[1:2, 5] = np.nan
    people.joints[2:] = np.nan
    path = tmp_path / f"still{suffix}"
    save_still(path, image, people)
    blue, green, red = np.moveaxis(cv2.imread(str(path)), 2, 0)
    assert ((blue > 240) & (green < 20) & (red < 20)).mean() > 0.1  # the image
    drawn = (red > 220) & (green < 90) & (blue < 90)  # the first person's color
    assert (drawn.sum() > 100) == (count > 0)
