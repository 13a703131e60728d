"""Postures: mirrored, turned, and with other limbs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pinet_training.rendering.posture import (
    LIMBS,
    Posture,
    ahead,
    axes_to_body,
    heading,
    yaw_rotation,
)

LEFT, RIGHT, FRONT, UP = np.array([[1.0, 0, 0], [-1, 0, 0], [0, -1, 0], [0, 0, 1]])


@pytest.fixture
def posture():
    rng = np.random.default_rng(0)
    limbs = rng.normal(size=(len(LIMBS), 3))
    limbs /= np.linalg.norm(limbs, axis=1, keepdims=True)
    return Posture(*Rotation.random(3, random_state=1).as_matrix(), limbs=limbs)


def rotations(posture):
    return np.stack([posture.pelvis, posture.chest, posture.head])


def test_limbs_are_six_of_each_side():
    assert len(LIMBS) == 12
    assert [name.replace("left", "right") for name in LIMBS[:6]] == list(LIMBS[6:])


def test_limbs_by_name_are_exchanged_alone_and_have_length_1(posture):
    other = posture.with_limbs({"left_shin": [0, 0, -2], "right_foot": [3, 0, 4]})
    np.testing.assert_allclose(other.limb("left_shin"), [0, 0, -1])
    np.testing.assert_allclose(other.limb("right_foot"), [0.6, 0, 0.8])
    for name in set(LIMBS) - {"left_shin", "right_foot"}:
        np.testing.assert_array_equal(other.limb(name), posture.limb(name))
    np.testing.assert_allclose(np.linalg.norm(posture.limbs, axis=1), 1)  # the first is as it was


def test_a_mirror_exchanges_left_and_right(posture):
    mirrored = posture.mirrored()
    for limb in ("forearm", "thigh"):
        x, y, z = posture.limb(f"left_{limb}")
        np.testing.assert_allclose(mirrored.limb(f"right_{limb}"), [-x, y, z])
    for before, after in zip(rotations(posture), rotations(mirrored), strict=True):
        assert np.linalg.det(after) == pytest.approx(1)
        # of what is seen, ahead and above are mirrored, and left becomes right
        np.testing.assert_allclose(after @ FRONT, before @ FRONT * [-1, 1, 1])
        np.testing.assert_allclose(after @ UP, before @ UP * [-1, 1, 1])
        np.testing.assert_allclose(after @ LEFT, before @ RIGHT * [-1, 1, 1])
    twice = mirrored.mirrored()
    np.testing.assert_allclose(twice.limbs, posture.limbs)
    np.testing.assert_allclose(rotations(twice), rotations(posture))


def test_a_turn_is_to_the_persons_left(posture):
    np.testing.assert_allclose(yaw_rotation(np.pi / 2) @ FRONT, LEFT, atol=1e-12)
    turn = Rotation.from_euler("z", 0.7)
    turned = posture.turned(0.7)
    np.testing.assert_allclose(turned.limbs, turn.apply(posture.limbs))
    np.testing.assert_allclose(rotations(turned), turn.as_matrix() @ rotations(posture))


@pytest.mark.parametrize("yaw", [-3.0, 0.0, 1.0, 3.1])
def test_a_heading_is_the_yaw_of_who_looks_ahead(yaw):
    np.testing.assert_allclose(ahead(yaw), (yaw_rotation(yaw) @ FRONT)[:2])
    assert heading(2.5 * ahead(yaw)) == pytest.approx(yaw)


@pytest.mark.parametrize("yaw", [-3.0, 0.0, 1.0, 3.1])
def test_facing_the_front_undoes_any_turn(posture, yaw):
    front = posture.facing_front()
    ahead = front.pelvis @ FRONT
    assert ahead[0] == pytest.approx(0, abs=1e-12)
    assert ahead[1] < 0
    again = posture.turned(yaw).facing_front()
    np.testing.assert_allclose(again.limbs, front.limbs, atol=1e-12)
    np.testing.assert_allclose(rotations(again), rotations(front), atol=1e-12)
    np.testing.assert_allclose(front.limbs[:, 2], posture.limbs[:, 2])


@pytest.mark.parametrize(
    ("left", "ahead", "up"),
    [
        ([1, 0, 0], [0, 0, 1], [0, 1, 0]),
        ([0, 1, 0], [1, 0, 0], [0, 0, 1]),
        ([1, 0, 0], [0, -1, 0], [0, 0, 1]),
        ([0, 0, -1], [1, 0, 0], [0, 1, 0]),
    ],
)
def test_axes_of_other_spaces(left, ahead, up):
    rotation = axes_to_body(np.add(left, [0.1, -0.2, 0.15]), 3 * np.array(up) + 0.3)
    for vector, expected in ((left, LEFT), (ahead, FRONT), (up, UP)):
        np.testing.assert_array_equal(rotation @ vector, expected)
