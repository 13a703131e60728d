"""The floor as a source of distances, on people of any size who stand on a known floor."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pinet_ros.errors import PinetError
from pinet_ros.people import People
from pinet_ros.positioning.floor import (
    ANKLE_HEIGHT,
    Floor,
    FloorConfig,
    FloorError,
    distances_by_floor,
    require_upright,
)
from pinet_ros.positioning.placement import place
from pinet_ros.skeleton import MUPOTS_17

ANKLES = list(MUPOTS_17.indices("right_ankle", "left_ankle"))
DOWN, SIDE, AHEAD = np.eye(3)[[1, 0, 2]]


def mounted(pitch, roll):
    """Rotation from a level camera's frame to that of one that looks down and is rolled."""
    # the camera turns about its own axes, so what it sees turns the other way
    return Rotation.from_euler("xz", [pitch, -roll]).as_matrix()


def standing(height=1.5, distance=3.0, pitch=0.3, roll=0.1, deviation=0.1):
    """A person on the floor, as a camera sees it that is mounted so, and the floor."""
    rng = np.random.default_rng(0)
    joints = rng.uniform(-0.4, 0.4, (17, 3))
    joints[:, 1] = rng.uniform(-1.5, -0.4, 17)
    joints[MUPOTS_17.root] = (0, -0.9, 0)
    joints[ANKLES] = [(-0.1, -ANKLE_HEIGHT, 0.0), (0.1, -ANKLE_HEIGHT - 0.3, 0.0)]
    joints = joints + height * DOWN + distance * AHEAD
    people = People.from_joints(
        MUPOTS_17,
        (joints @ mounted(pitch, roll).T)[None],
        deviations=np.full((1, 17), deviation),
        distance_deviations=np.full(1, 0.12),
        root_deviations=np.full(1, 0.03),
    )
    return people, Floor.of_camera(height, pitch, roll)


def scaled(people, factor):
    return replace(people, joints=people.joints * factor)


@pytest.mark.parametrize(("pitch", "roll"), [(0, 0), (0.6, 0), (-0.2, 0.3), (1.2, -0.5), (0, 3)])
def test_up_of_a_mounted_camera(pitch, roll):
    floor = Floor.of_camera(1.2, pitch, roll)
    np.testing.assert_allclose(floor.up, mounted(pitch, roll) @ -DOWN, atol=1e-12)


def test_pitch_looks_down_and_roll_sinks_the_right_side():
    assert Floor.of_camera(1, pitch=0.2).up @ AHEAD < 0  # what is ahead is farther down
    assert Floor.of_camera(1, roll=0.2).up @ SIDE < 0  # and so is what is on the right


@pytest.mark.parametrize("factor", [0.7, 1.0, 1.4])
def test_the_factor_puts_the_lower_ankle_onto_the_floor(factor):
    people, floor = standing()
    source = distances_by_floor(scaled(people, factor), floor)
    assert source.logarithms[0] == pytest.approx(-math.log(factor), abs=0.005)
    assert 0.01 < source.deviations[0] < 0.1


def test_steeper_views_and_better_ankles_tell_more():
    far = distances_by_floor(*standing(height=0.6, distance=6.0)).deviations[0]
    near = distances_by_floor(*standing(height=2.5, distance=2.0)).deviations[0]
    assert far > 3 * near
    sure = distances_by_floor(*standing(deviation=0.05)).deviations[0]
    unsure = distances_by_floor(*standing(deviation=0.4)).deviations[0]
    assert unsure > 1.5 * sure


def test_a_wrong_angle_is_within_its_deviation():
    people, floor = standing(height=1.0, distance=4.0, pitch=0.0, roll=0.0, deviation=0.0)
    off = Floor.of_camera(1.0, math.radians(1))
    source = distances_by_floor(people, off)
    assert source.logarithms[0] == pytest.approx(-source.deviations[0], rel=0.25)
    exact = replace(floor, up_deviation=0.0, height_deviation=0.0)
    assert distances_by_floor(people, exact).deviations[0] < source.deviations[0]


def test_feet_at_the_camera_s_height_and_above_tell_nothing():
    people, _ = standing(height=0.3, distance=3.0, pitch=0.0, roll=0.0)
    floor = Floor.of_camera(0.3, 0.0, 0.0)
    raised = people.joints - np.float32(DOWN) * np.linspace(0, 1, 201)[:, None, None]
    many = People.from_joints(MUPOTS_17, np.float32(raised))
    source = distances_by_floor(many, floor)
    assert np.isfinite(source.logarithms).all()
    assert (source.deviations[-100:] > 3).all()
    assert (np.diff(source.deviations) > 0).all()


def test_a_placed_person_looks_the_same_and_is_surer():
    people, floor = standing()
    near = scaled(people, 0.8)
    placed = place(near, floor)
    before, after = (p.joints[..., :2] / p.joints[..., 2:] for p in (near, placed))
    np.testing.assert_allclose(after, before, rtol=1e-5)
    true = np.linalg.norm(people.pelvis)
    assert abs(np.linalg.norm(placed.pelvis) - true) < 0.06 * true
    assert placed.distance_deviations[0] < 0.7 * near.distance_deviations[0]
    factor = placed.joints[0, 0, 2] / near.joints[0, 0, 2]
    np.testing.assert_allclose(placed.deviations, near.deviations * factor, rtol=1e-5)
    np.testing.assert_allclose(placed.root_deviations, near.root_deviations * factor, rtol=1e-5)


def test_somebody_on_a_table_is_placed_by_both_and_is_known_to_be_unsure():
    people, floor = standing(height=2.2, distance=3.0)
    raised = replace(people, joints=people.joints + np.float32(0.9 * floor.up))
    by_floor = np.exp(distances_by_floor(raised, floor).logarithms[0])
    assert by_floor > 1.7
    placed = place(raised, floor)
    assert np.linalg.norm(placed.pelvis) < 1.25 * np.linalg.norm(raised.pelvis)
    assert placed.distance_deviations[0] > 2 * raised.distance_deviations[0]


def test_small_changes_of_a_pose_make_small_changes_of_the_place():
    people, floor = standing()
    steps = np.linspace(-0.6, 0.6, 601)  # one foot is lifted, and the other
    joints = np.repeat(people.joints, 601, axis=0)
    joints[:, ANKLES[0]] += np.float32(floor.up * steps[:, None])
    many = People.from_joints(MUPOTS_17, joints, distance_deviations=np.full(601, 0.12))
    moved = np.linalg.norm(np.diff(place(many, floor).pelvis, axis=0), axis=1)
    assert moved.max() < 0.02  # 2 mm of the ankle between neighbours


def test_an_error_of_the_size_is_not_made_larger():
    """Also of children, whose size and floor contradict each other."""
    people, floor = standing(height=1.5, distance=3.0, deviation=0.05)
    factors = np.exp(np.linspace(-0.6, 0.6, 601))
    joints = people.joints * np.float32(factors)[:, None, None]
    many = People.from_joints(MUPOTS_17, joints, distance_deviations=np.full(601, 0.12))
    placed = np.log(np.linalg.norm(place(many, floor).pelvis, axis=1))
    slopes = np.diff(placed) / np.diff(np.log(factors))
    assert np.abs(slopes).max() < 2
    assert np.abs(slopes[250:350]).max() < 0.4  # of usual sizes the floor decides


def test_people_learn_which_way_is_up_and_move_only_if_the_height_is_known():
    people, floor = standing()
    tilted = replace(floor, height=math.nan)

    np.testing.assert_allclose(place(people, floor).up, floor.up, rtol=1e-6)
    told = place(people, tilted)

    np.testing.assert_allclose(told.up, floor.up, rtol=1e-6)
    for name in ("joints", "deviations", "distance_deviations", "root_deviations"):
        np.testing.assert_array_equal(getattr(told, name), getattr(people, name))


def test_nobody_is_placed_nowhere():
    _, floor = standing()
    assert len(place(People.empty(MUPOTS_17), floor)) == 0


def test_people_without_deviations_or_with_unknown_joints_are_placed_by_what_is_known():
    people, floor = standing()
    bare = People.from_joints(MUPOTS_17, people.joints * 0.8)
    assert place(bare, floor).pelvis[0, 2] > 1.1 * bare.pelvis[0, 2]
    for unknown, is_placed in ((ANKLES[1:], True), (ANKLES, False)):
        joints = people.joints * np.float32(0.8)
        joints[:, unknown] = np.nan
        placed = place(People.from_joints(MUPOTS_17, joints), floor)
        if is_placed:
            assert np.linalg.norm(placed.pelvis) > 1.1 * np.linalg.norm(bare.pelvis)
        else:
            np.testing.assert_allclose(placed.joints, joints)
        assert np.isnan(placed.joints[:, unknown]).all()


@pytest.mark.parametrize("height", [0.0, -1.0, math.inf])
def test_a_floor_above_the_camera_is_refused(height):
    with pytest.raises(FloorError, match="the camera must be above the floor, got a height of"):
        Floor.of_camera(height)


@pytest.mark.parametrize(("pitch", "roll"), [(math.nan, 0), (math.inf, 0), (0, math.nan)])
def test_angles_are_numbers(pitch, roll):
    with pytest.raises(FloorError, match="must be a number of radians, got"):
        Floor.of_camera(1.0, pitch, roll)


def test_deviations_are_numbers():
    with pytest.raises(FloorError, match="height_deviation must be 0 or more, got -1"):
        Floor(-DOWN, 1.0, height_deviation=-1)
    with pytest.raises(FloorError, match="up_deviation must be 0 or more, got nan"):
        Floor(-DOWN, 1.0, up_deviation=math.nan)


@pytest.mark.parametrize(("rotation", "roll"), [(0, 0), (90, 1.57), (180, 3.14), (270, -1.57)])
def test_people_on_the_floor_are_upright_in_the_turned_image(rotation, roll):
    for pitch in (-0.3, 0.0, 1.0, 1.57):
        for more in (-0.8, 0.0, 0.8):
            require_upright(Floor.of_camera(1.0, pitch, roll + more), rotation)
    with pytest.raises(FloorError, match=rf"image_rotation {rotation} has a camera_roll of about"):
        require_upright(Floor.of_camera(1.0, 0.2, roll + 2), rotation)


@pytest.mark.parametrize("up", [(0, 0, 0), (0, math.nan, 1), (0, 1)])
def test_up_is_a_direction(up):
    with pytest.raises(FloorError, match="must be a direction"):
        Floor(np.array(up, float), 1.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"floor": "flat"}, "floor must be one of none, tilt, fixed, got 'flat'"),
        ({"floor": "fixed"}, "a fixed floor needs camera_height"),
        ({"camera_height": -1.0}, r"camera_height must be 0\.0 to 100\.0, got -1\.0"),
        ({"camera_pitch": 0.1}, "camera_pitch is given but floor is none, so it has no effect"),
        ({"floor": "tilt", "camera_height": 1.2}, "camera_height is given but floor is tilt"),
        ({"camera_pitch": 2.0}, "camera_pitch must be"),
        ({"camera_roll": math.nan}, "camera_roll must be"),
    ],
)
def test_options_out_of_range_are_refused(values, message):
    with pytest.raises(PinetError, match=message):
        FloorConfig(**values)


def test_options_describe_a_floor():
    assert FloorConfig().of_camera() is None
    FloorConfig("fixed", 1.0, 1.5708, 3.1416)  # rounded
    floor = FloorConfig("fixed", 1.3, 0.2, -0.1).of_camera()
    np.testing.assert_allclose(floor.up, Floor.of_camera(1.3, 0.2, -0.1).up)
    assert floor.height == 1.3
    tilted = FloorConfig("tilt", camera_pitch=0.2, camera_roll=-0.1).of_camera()
    np.testing.assert_allclose(tilted.up, floor.up)
    assert np.isnan(tilted.height)
