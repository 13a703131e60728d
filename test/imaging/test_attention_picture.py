from __future__ import annotations

import matplotlib
import numpy as np
import pytest

from pinet_ros.geometry.camera import Camera
from pinet_ros.imaging.attention_picture import attention_picture, weight_color
from pinet_ros.people import People
from pinet_ros.skeleton import MUPOTS_17

IMAGE = np.full((480, 640, 3), 255, np.uint8)
IMAGE.flags.writeable = False
GREY = (128, 128, 128)
NAN = np.nan
INNER = range(2, 17)  # the joints of `squares` that neither box nor text reaches


def squares(*corners) -> People:
    """People whose joints fill squares of 150 pixels, the first two at opposite corners."""
    grid = np.stack(np.meshgrid([15, 55, 95, 135], [15, 55, 95, 135]), axis=-1).reshape(-1, 2)
    joints = np.concatenate([[[0, 0], [150, 150]], grid[:15]])
    count = len(corners)
    return People(
        MUPOTS_17,
        joints=np.zeros((count, 17, 3)),
        joints_image=np.reshape(corners, (count, 1, 2)) + joints,
        confidence=np.ones((count, 17)),
        boxes=np.full((count, 4), NAN),
        scores=np.ones(count),
    )


def expected_color(weight: float) -> np.ndarray:
    """Blue, green and red of viridis as Matplotlib has it."""
    return 255 * np.array(matplotlib.colormaps["viridis"](weight))[2::-1]


def assert_colored(panel: np.ndarray, points: np.ndarray, color) -> None:
    x, y = points.round().astype(int).T
    assert np.abs(panel[y, x].astype(float) - color).max() <= 4


def test_colors_are_even_from_dark_to_bright():
    for weight in np.linspace(0, 1, 11):
        np.testing.assert_allclose(weight_color(weight), expected_color(weight), atol=4)
    luminance = [np.dot(weight_color(w), [0.114, 0.587, 0.299]) for w in np.linspace(0, 1, 11)]
    assert (np.diff(luminance) > 10).all()
    assert weight_color(NAN) == GREY


def test_each_panel_has_the_colors_of_its_row_where_the_skeletons_are():
    people = squares((50, 50), (300, 50), (20, 260), (250, 280))
    rows = [[0.8, 0.15, 0, 0.05], [0.35, 0.65, 0, 0], [NAN] * 4, [0.1, 0.3, 0, 0.6]]
    attention = np.array(rows, np.float32)
    picture = attention_picture(IMAGE, people, attention)
    assert picture.shape[1] == 1280  # two panels side by side, and none for the third person
    for person, (top, left) in {0: (0, 0), 1: (0, 640), 3: (480, 0)}.items():
        panel = picture[top : top + 480, left : left + 640]
        for other in (0, 1, 3):
            inner = people.joints_image[other, INNER]
            assert_colored(panel, inner, expected_color(attention[person, other]))
        assert_colored(panel, people.joints_image[2, INNER], GREY)  # no weight, not the weight 0
    assert (picture[480:960, 640:] == 0).all()
    assert (IMAGE == 255).all()


def test_the_person_of_interest_stands_in_a_box():
    people = squares((50, 50), (300, 50))
    black = np.zeros_like(IMAGE)
    picture = attention_picture(black, people, np.full((2, 2), 0.5, np.float32))
    for person, left in enumerate((0, 640)):
        panel = picture[:480, left : left + 640]
        edges = [people.joints_image[n, 1] - [0, 40] for n in (0, 1)]  # right, between joints
        for other, (x, y) in enumerate(np.round(edges).astype(int)):
            assert (panel[y, x] == 255).all() == (other == person)


def test_the_weight_is_written_where_the_person_is():
    people = squares((50, 50))
    people.joints_image[:, 2:] = NAN
    texts = []
    for weight in (0.0, 1.0):
        picture = attention_picture(IMAGE, people, np.full((1, 1), weight, np.float32))
        patch = picture[38:48, 52:80].astype(int)
        assert_colored(patch, np.zeros((1, 2)), expected_color(weight))
        texts.append(np.abs(patch - patch[0, 0]).max(axis=2) > 60)
    assert texts[0].any()
    assert (texts[0] != texts[1]).any()


def test_a_camera_projects_the_joints():
    camera = Camera(640, 480, [[500, 0, 320], [0, 500, 240], [0, 0, 1]], np.zeros(5))
    people = squares((100, 100))
    rays = np.concatenate([people.joints_image[0], np.ones((17, 1))], axis=1)
    joints = 3 * rays @ np.linalg.inv(camera.matrix).T
    people = People(**{**vars(people), "joints": joints[None]})
    pixels = people.joints_image[0, INNER]
    people.joints_image[:] = NAN
    picture = attention_picture(IMAGE, people, np.ones((1, 1), np.float32), camera)
    assert_colored(picture, pixels, expected_color(1.0))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_without_refined_people_there_is_one_grey_panel(count):
    people = squares(*[(50 + 250 * n, 50) for n in range(count)])
    picture = attention_picture(IMAGE, people, np.full((count, count), NAN, np.float32))
    assert picture.shape[1] == 640
    for points in people.joints_image:
        assert_colored(picture, points[INNER], GREY)


@pytest.mark.parametrize("shape", [(1080, 1920), (1920, 1088), (48, 64)])
@pytest.mark.parametrize("count", [1, 5, 20])
def test_the_picture_is_not_wider_than_a_screen(shape, count):
    image = np.zeros((*shape, 3), np.uint8)
    people = squares(*[(0, 0)] * count)
    picture = attention_picture(image, people, np.full((count, count), 1 / count, np.float32))
    assert min(shape[1], 1600) <= picture.shape[1] <= 1600


def test_below_is_the_scale_of_the_colors():
    picture = attention_picture(IMAGE, squares((50, 50)), np.ones((1, 1), np.float32))
    bar = picture[-2]
    for share in (0.2, 0.5, 0.8):
        np.testing.assert_allclose(bar[round(share * 639)], expected_color(share), atol=4)


@pytest.mark.parametrize("far", [1e9, -1e9, NAN])
def test_joints_far_outside_or_unknown_do_no_harm(far):
    people = squares((50, 50), (300, 50))
    people.joints_image[0, 16] = far
    picture = attention_picture(IMAGE, people, np.full((2, 2), 0.5, np.float32))
    assert_colored(picture[:, 640:], people.joints_image[1, 2:16], expected_color(0.5))
    assert_colored(picture, people.joints_image[0, 2:16], expected_color(0.5))
