from __future__ import annotations

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest
from std_msgs.msg import Header
from test_messages import random_people
from visualization_msgs.msg import Marker, MarkerArray

from pinet_ros.people import People
from pinet_ros.ros.markers import PeopleMarkers
from pinet_ros.skeleton import MUPOTS_17

HEADER = Header(frame_id="front")


def by_name(array: MarkerArray) -> dict[tuple[str, int], Marker]:
    return {(marker.ns, marker.id): marker for marker in array.markers}


def test_each_person_has_bones_joints_and_a_label():
    people = random_people(2)  # ids 7 and 8
    markers = by_name(PeopleMarkers(0.5).update(people, HEADER))
    assert set(markers) == {(ns, i) for ns in ("bones", "joints", "label") for i in (7, 8)}
    bones = markers["bones", 8]
    assert bones.type == Marker.LINE_LIST
    first = MUPOTS_17.bones[0]
    drawn = [(p.x, p.y, p.z) for p in bones.points[:2]]
    np.testing.assert_array_equal(np.float32(drawn), people.joints[1, list(first)])
    assert len(markers["joints", 8].points) == 17
    for marker in markers.values():
        assert marker.header == HEADER
        assert marker.action == Marker.ADD
        assert marker.pose.orientation.w == 1.0
        assert marker.color.a == 1.0
        assert marker.lifetime.nanosec == 500_000_000
    assert markers["bones", 7].color != markers["bones", 8].color


def test_a_person_keeps_the_color_of_the_id_in_another_row():
    people = random_people(3)
    drawing = PeopleMarkers(0.5)
    before = by_name(drawing.update(people, HEADER))["bones", 9].color
    order = np.array([2, 0, 1])
    moved = People(
        people.joint_set,
        *(
            getattr(people, name)[order]
            for name in ("joints", "joints_image", "confidence", "boxes", "scores", "track_ids")
        ),
    )
    assert by_name(drawing.update(moved, HEADER))["bones", 9].color == before


def test_without_tracking_people_are_numbered_within_the_frame():
    people = random_people(2)
    people.track_ids[:] = -1
    markers = by_name(PeopleMarkers(0.5).update(people, HEADER))
    assert {number for _, number in markers} == {0, 1}


def test_who_is_gone_is_deleted_once():
    drawing = PeopleMarkers(0.5)
    drawing.update(random_people(2), HEADER)
    markers = by_name(drawing.update(random_people(1), HEADER))
    gone = {key for key, marker in markers.items() if marker.action == Marker.DELETE}
    assert gone == {("bones", 8), ("joints", 8), ("label", 8)}
    empty = drawing.update(People.empty(MUPOTS_17), HEADER)
    assert {marker.action for marker in empty.markers} == {Marker.DELETE}
    assert drawing.update(People.empty(MUPOTS_17), HEADER).markers == []


def test_unknown_joints_are_left_out_and_no_marker_is_empty():
    people = random_people(3)
    elbow = MUPOTS_17.index("left_elbow")
    people.joints[0, elbow] = np.nan
    people.joints[1] = np.nan
    people.joints[2, 1:] = np.nan  # a joint without a bone
    markers = by_name(PeopleMarkers(0.5).update(people, HEADER))
    assert len(markers["joints", 7].points) == 16
    bones_there = [bone for bone in MUPOTS_17.bones if elbow not in bone]
    assert len(markers["bones", 7].points) == 2 * len(bones_there)
    assert {key for key in markers if key[1] == 8} == set()
    assert {key for key in markers if key[1] == 9} == {("joints", 9), ("label", 9)}


def test_clear_removes_everything():
    drawing = PeopleMarkers(0.5)
    drawing.update(random_people(1), HEADER)
    assert [marker.action for marker in drawing.clear().markers] == [Marker.DELETEALL]


@pytest.mark.parametrize(("interval", "expected"), [(0.02, 0.5), (0.4, 1.2), (1.0, 3.0)])
def test_markers_outlive_three_frames_at_any_rate(monkeypatch, interval, expected):
    times = itertools.count(100.0, interval)
    monkeypatch.setattr(time, "monotonic", lambda: next(times))
    drawing = PeopleMarkers()
    first = drawing.update(random_people(1), HEADER).markers[0].lifetime
    assert first.sec == 3  # the rate is not known yet
    for _ in range(15):
        lifetime = drawing.update(random_people(1), HEADER).markers[0].lifetime
    assert lifetime.sec + lifetime.nanosec * 1e-9 == pytest.approx(expected)


def test_people_with_the_same_id_have_markers_of_their_own():
    people = replace(random_people(3), track_ids=np.array([4, 4, 9]))
    markers = PeopleMarkers().update(people, HEADER).markers
    assert {marker.id for marker in markers} == {0, 1, 2}
    assert len({(marker.ns, marker.id) for marker in markers}) == len(markers)


def test_a_gap_does_not_let_markers_linger(monkeypatch):
    times = iter([*np.arange(100, 101, 0.1), *np.arange(200, 200.5, 0.1)])
    monkeypatch.setattr(time, "monotonic", lambda: next(times))
    drawing = PeopleMarkers()
    for _ in range(15):
        drawing.update(random_people(1), HEADER)
        assert drawing.lifetime <= 3
    assert drawing.lifetime == 0.5
    drawing.clear()
    assert drawing.lifetime == 3
