"""Which detections are lifted."""

from __future__ import annotations

import numpy as np
import pytest

from pinet_ros.detection.detections import Detections, Dropped, select_for_lifting
from pinet_ros.imaging.frame import Frame

FRAME = Frame.from_array(np.zeros((480, 640, 3), np.uint8))


def detections(*boxes):
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4), np.linspace(0.9, 0.5, len(boxes))
    )


GOOD = [10, 20, 110, 220]


@pytest.mark.parametrize(
    "bad",
    [
        [np.nan, 20, 110, 220],
        [10, 20, np.inf, 220],
        [-np.inf, 20, 110, 220],
        [10, 20, 10, 220],  # no width
        [10, 220, 110, 20],  # upside down
        [-100, 20, 0, 220],  # left of the image
        [640, 20, 700, 220],
        [10, -300, 110, -1],
        [10, 480, 110, 600],
    ],
    ids=str,
)
def test_boxes_without_a_part_in_the_image_are_dropped_and_counted(bad):
    kept, dropped = select_for_lifting(detections(bad, GOOD, bad), FRAME, 10)
    np.testing.assert_array_equal(kept.boxes, [GOOD])
    np.testing.assert_allclose(kept.scores, [0.7])
    assert dropped == Dropped(bad_boxes=2, surplus_people=0)


def test_good_boxes_are_passed_on_as_they_are():
    boxes = [[-50, -60, 700, 500], [0, 0, 1, 1], [639.5, 479.5, 900, 900]]
    kept, dropped = select_for_lifting(detections(*boxes), FRAME, 3)
    np.testing.assert_array_equal(kept.boxes, boxes)
    np.testing.assert_allclose(kept.scores, [0.9, 0.7, 0.5])
    assert dropped == Dropped()


def test_of_too_many_the_largest_in_the_image_are_kept_in_their_order():
    small, large, medium = [0, 0, 50, 100], [100, 0, 300, 400], [300, 0, 400, 200]
    beyond = [-2000, 0, 20, 480]  # only 20 pixels of its width are in the image
    nowhere = [700, 0, 2000, 2000]
    kept, dropped = select_for_lifting(detections(small, medium, beyond, nowhere, large), FRAME, 2)
    np.testing.assert_array_equal(kept.boxes, [medium, large])
    assert dropped == Dropped(bad_boxes=1, surplus_people=2)


def test_of_equal_ones_the_most_certain_are_kept():
    boxes = [[x, 0, x + 100, 100] for x in (300, 100, 200)]
    kept, _ = select_for_lifting(detections(*boxes), FRAME, 2)
    np.testing.assert_array_equal(kept.boxes, boxes[:2])


def test_nobody_is_nobody():
    kept, dropped = select_for_lifting(detections(), FRAME, 5)
    assert kept.boxes.shape == (0, 4)
    assert dropped == Dropped()
