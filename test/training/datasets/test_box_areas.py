"""Areas that boxes have in common."""

from __future__ import annotations

import numpy as np

from pinet_training.datasets.box_areas import areas, intersections, overlaps


def test_areas_are_those_counted_in_pixels():
    rng = np.random.default_rng(0)
    boxes = rng.integers(0, 30, (2, 12, 4)).astype(float)
    boxes[..., 2:] = boxes[..., :2] + rng.integers(0, 15, (2, 12, 2))
    grid = np.stack(np.meshgrid(np.arange(60), np.arange(60)), axis=-1) + 0.5
    masks = ((grid > boxes[:, :, None, None, :2]) & (grid < boxes[:, :, None, None, 2:])).all(-1)
    shared = (masks[0][:, None] & masks[1]).sum((2, 3))
    united = (masks[0][:, None] | masks[1]).sum((2, 3))
    np.testing.assert_array_equal(areas(boxes), masks.sum((2, 3)))
    np.testing.assert_array_equal(intersections(*boxes), shared)
    np.testing.assert_allclose(overlaps(*boxes), shared / np.maximum(united, 1))


def test_nothing_is_in_common_with_an_unknown_box():
    boxes = np.array([[0.0, 0, 4, 4], [np.nan] * 4])
    assert overlaps(boxes, boxes).tolist() == [[1, 0], [0, 0]]
    assert overlaps(boxes, np.zeros((0, 4))).shape == (2, 0)
