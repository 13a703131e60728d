"""Furniture for those who sit, and between people and the camera."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.places import Place
from pinet_training.rendering.posture import yaw_rotation
from pinet_training.rendering.props import furnish, furnish_sitter
from pinet_training.rendering.viewpoint import random_viewpoint

SEEDS = range(300)
UNDERSIDE = 0.09  # metres from the hip joints down to the skin that one sits on
LEGS = 0.17  # metres that the highest thigh of a sitter is above the hip joints


def sitter(rng):
    """Joints of somebody who sits, of which the pelvis counts alone, and the place."""
    place = Place(*rng.uniform([-2, 2], [2, 6]), yaw=rng.uniform(-np.pi, np.pi))
    joints = np.zeros((17, 3))
    joints[MUPOTS_17.index("pelvis")] = [*place.position, rng.uniform(0.3, 0.65)]
    return joints, place


def heights(mesh, spot):
    """How high a vertical line through (2,) meets the triangles of a mesh, metres."""
    a, b, c = (mesh.vertices[corner].astype(float) for corner in mesh.faces.T)
    p, q, r = ((v[:, :2] - spot) for v in (a, b, c))
    pairs = ((q, r), (r, p), (p, q))
    areas = np.stack([u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0] for u, v in pairs], axis=1)
    total = areas.sum(axis=1)
    level = np.abs(total) > 1e-9
    part = areas[level] / total[level, None]
    hit = (part >= -1e-9).all(axis=1)
    return np.einsum("nk,kn->n", part[hit], np.stack([v[level, 2][hit] for v in (a, b, c)]))


def test_whoever_sits_has_a_seat_under_the_pelvis():
    for seed in range(2500):  # few seats are narrow
        joints, place = sitter(np.random.default_rng(seed))
        seat, *_ = furnish_sitter(joints, place, np.random.default_rng(seed))
        under = joints[MUPOTS_17.index("pelvis"), 2] - UNDERSIDE
        met = heights(seat, place.position)
        assert len(met), seed
        assert under - 0.05 < met.max() < under + 0.01, seed


def test_a_back_is_behind_who_sits():
    for seed in SEEDS:
        joints, place = sitter(np.random.default_rng(seed))
        seat, *_ = furnish_sitter(joints, place, np.random.default_rng(seed))
        own = (seat.vertices - [*place.position, 0]) @ yaw_rotation(place.yaw)
        above = own[own[:, 2] > joints[MUPOTS_17.index("pelvis"), 2] + 0.15]  # backs and arms
        assert len(above) == 0 or above[:, 1].max() > 0.1


def test_legs_fit_under_the_table():
    tables = 0
    for seed in SEEDS:
        joints, place = sitter(np.random.default_rng(seed))
        _, *tables_of_one = furnish_sitter(joints, place, np.random.default_rng(seed))
        for table in tables_of_one:
            tables += 1
            own = (table.vertices - [*place.position, 0]) @ yaw_rotation(place.yaw)
            assert -0.45 < own[:, 1].max() < -0.15  # ahead, in reach of the hands
            assert own[:, 2].max() > joints[MUPOTS_17.index("pelvis"), 2] + LEGS + 0.04
    assert tables / len(SEEDS) == pytest.approx(0.35, abs=0.08)


def test_whoever_is_lower_than_any_seat_sits_on_the_ground():
    joints, place = sitter(np.random.default_rng(0))
    joints[MUPOTS_17.index("pelvis"), 2] = 0.2
    numbers = {len(furnish_sitter(joints, place, np.random.default_rng(s))) for s in range(20)}
    assert numbers == {0, 1}  # at most a table


def outline(mesh):
    """What of the ground is under a mesh: a convex polygon (N,1,2)."""
    return cv2.convexHull(mesh.vertices[:, :2].astype(np.float32))


def scenes(distance):
    """Places of two people so many metres from a camera and a little more, and what is about."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        viewpoint = replace(random_viewpoint(rng, 640, 480), position=np.array([0.0, 0, 1.5]))
        places = [Place(-0.8, distance, 0.0), Place(1.2, distance + 0.8, 1.0)]
        yield places, viewpoint, furnish(rng, places, viewpoint)


def test_furniture_keeps_clear_of_people_and_of_the_camera():
    for places, viewpoint, meshes in scenes(2.5):
        for polygon in map(outline, meshes):
            for place in places:
                spot = tuple(map(float, place.position))
                assert cv2.pointPolygonTest(polygon, spot, True) < -0.25
            camera = tuple(map(float, viewpoint.position[:2]))
            assert cv2.pointPolygonTest(polygon, camera, True) < -0.45


def test_half_of_what_stands_about_is_between_the_camera_and_somebody():
    between = []
    for places, viewpoint, meshes in scenes(5.0):
        for polygon in map(outline, meshes):
            lines = [np.linspace(viewpoint.position[:2], place.position, 60) for place in places]
            between.append(
                any(
                    cv2.pointPolygonTest(polygon, tuple(map(float, spot)), False) >= 0
                    for spot in np.concatenate(lines)
                )
            )
    assert len(between) > 200
    assert 0.4 < np.mean(between) < 0.75
