"""The squares that 3DMPPE looks at, and the distance that goes with them."""

from __future__ import annotations

import numpy as np
import pytest

from pinet_ros.geometry.camera import Camera
from pinet_ros.lifting.mppe.boxes import distance_measure, to_squares

WIDTH, HEIGHT = 640, 480


@pytest.mark.parametrize(
    ("box", "middle", "side"),
    [
        ([100, 50, 201, 251], [150, 150], 250),  # pixels 100 to 200 and 50 to 250
        ([100, 50, 301, 151], [200, 100], 250),  # a wide one
        ([0, 0, 640, 480], [319.5, 239.5], 639 * 1.25),
        ([-80, 100, 41, 151], [20, 125], 50 * 1.25),  # pixels 0 to 40 are in the image
        ([600, 420, 900, 700], [619.5, 449.5], 59 * 1.25),
        ([10, 10, 10.5, 10.5], [9.75, 9.75], 1.25),  # less than a pixel
    ],
    ids=str,
)
def test_boxes_are_clipped_made_square_and_enlarged(box, middle, side):
    middles, sides = to_squares(np.array([box], np.float32), WIDTH, HEIGHT)
    np.testing.assert_allclose(middles, [middle])
    np.testing.assert_allclose(sides, [side])


def test_nobody_has_no_squares():
    middles, sides = to_squares(np.zeros((0, 4), np.float32), WIDTH, HEIGHT)
    assert (middles.shape, sides.shape) == ((0, 2), (0,))


def test_the_distance_is_that_of_a_body_of_two_metres():
    camera = Camera.from_intrinsics(WIDTH, HEIGHT, 900, 400, 320, 240)
    sides = np.array([100.0, 300.0])
    in_millimetres = np.sqrt(2000 * 2000 * 900 * 400 / sides**2)
    np.testing.assert_allclose(distance_measure(sides, camera), in_millimetres / 1000)
