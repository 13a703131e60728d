"""Which boxes a training of BlazePose looks at, and how often."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.lifter.drawn_boxes import DrawnBoxes, trunk_tilts
from pinet_training.lifter.pose_samples import NOBODY

PELVIS, THORAX = MUPOTS_17.indices("pelvis", "thorax")


def people(tilts, position=(0.0, 0.0, 4.0)):
    """Joints (P,17,3) of people whose trunks have these tilts, degrees."""
    ray = np.asarray(position) / np.linalg.norm(position)
    across = np.cross(ray, [1.0, 0.0, 0.0])
    across /= np.linalg.norm(across)
    angles = np.radians(tilts)[:, None]
    joints = np.tile(np.asarray(position, float), (len(tilts), 17, 1))
    joints[:, THORAX] += 0.5 * (np.cos(angles) * across + np.sin(angles) * ray)
    return joints


@dataclass
class Samples:
    """Boxes, one row each; the last person is NOBODY's."""

    joints: np.ndarray
    visible: np.ndarray
    person: np.ndarray
    detected: np.ndarray

    def boxes_of_people(self):
        return [np.flatnonzero(self.person == n) for n in range(len(self.joints))]


def samples(tilts, visible=1.0, boxes=(True,), nobody=()):
    count = len(tilts)
    return Samples(
        people(tilts),
        np.broadcast_to(np.reshape(visible, (-1, 1)), (count, 17)),
        np.append(np.repeat(np.arange(count), len(boxes)), [NOBODY] * len(nobody)).astype(int),
        np.append(np.tile(boxes, count), nobody).astype(bool),
    )


def drawn(these, nobody=0.0, count=20_000):
    rows = DrawnBoxes(these, nobody).draw(count, np.random.default_rng(0))
    return rows, these.person[rows]


@pytest.mark.parametrize("position", [(0.0, 0.0, 4.0), (1.5, -0.5, 3.0)])
def test_tilts_are_those_against_the_viewing_ray(position):
    tilts = [-80, -45, 0, 30, 89]
    np.testing.assert_allclose(np.degrees(trunk_tilts(people(tilts, position))), tilts, atol=1e-6)


def test_rare_tilts_are_shown_more_often_but_not_as_often_as_common_ones():
    tilts = np.concatenate([np.full(900, -5.0), np.full(90, -45.0), np.full(10, 35.0)])
    _, persons = drawn(samples(tilts))
    common, rare, rarest = (
        np.isin(persons, np.flatnonzero(tilts == t)).mean() for t in (-5.0, -45.0, 35.0)
    )
    # 0.9, 0.09 and 0.01 to the power of 0.25
    expected = np.array([0.9, 0.09, 0.01]) ** 0.25
    assert (common, rare, rarest) == pytest.approx(expected / expected.sum(), abs=0.02)


def test_tilts_that_hardly_occur_are_not_shown_without_end():
    tilts = np.append(np.zeros(9999), 60.0)
    _, persons = drawn(samples(tilts))
    assert (persons == 9999).mean() < 100 / 10_000


def test_people_of_whom_more_is_seen_are_drawn_more_often():
    _, persons = drawn(samples(np.zeros(200), visible=np.repeat([0.0, 1.0], 100)))
    assert (persons >= 100).mean() == pytest.approx(1.15 / 1.3, abs=0.01)


def test_most_people_are_seen_in_the_detectors_boxes():
    these = samples(np.zeros(50), boxes=(False, True, True))
    rows, _ = drawn(these)
    assert these.detected[rows].mean() == pytest.approx(0.7, abs=0.02)
    for boxes in ((True, True), (False,)):
        rows, _ = drawn(samples(np.zeros(50), boxes=boxes), count=100)
        assert len(rows) == 100


def test_nobody_is_drawn_as_often_as_told_and_the_detectors_mistakes_mostly():
    these = samples(np.zeros(50), nobody=[True] * 2 + [False] * 98)
    rows, persons = drawn(these, nobody=0.2)
    assert (persons == NOBODY).mean() == pytest.approx(0.2, abs=0.01)
    assert these.detected[rows[persons == NOBODY]].mean() == pytest.approx(0.51, abs=0.03)
    rows, persons = drawn(samples(np.zeros(50)), nobody=0.2)
    assert (persons != NOBODY).all()


def test_the_same_numbers_draw_the_same_boxes():
    boxes = DrawnBoxes(samples(np.linspace(-80, 80, 100)), 0.0)
    first, second = (boxes.draw(50, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
