"""The contract of ExactTime, on message_filters where it is installed, else on our stand-in."""

from __future__ import annotations

import pytest
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from pinet_ros.ros.exact_time import ExactTime, StampError


def message(sec: int, name: str = "") -> Image:
    header = Header(frame_id=name)
    header.stamp.sec = sec
    return Image(header=header)


@pytest.fixture
def sets():
    return []


def stamps(sets):
    return [each[0].header.stamp.sec for each in sets]


def test_messages_of_one_stamp_are_put_together_in_any_order(sets):
    pairs = ExactTime(2, 5, sets.append)
    for sec in (1, 2, 3):
        pairs.add(0, message(sec, "image"))
    for sec in (2, 3):
        pairs.add(1, message(sec, "people"))
    pairs.add(1, message(4, "people"))
    pairs.add(0, message(4, "image"))
    assert stamps(sets) == [2, 3, 4]
    assert [[m.header.frame_id for m in each] for each in sets] == [["image", "people"]] * 3
    assert all(len({m.header.stamp.sec for m in each}) == 1 for each in sets)


def test_there_may_be_more_than_two_inputs(sets):
    trios = ExactTime(3, 5, sets.append)
    for source in (2, 0):
        for sec in (1, 2):
            trios.add(source, message(sec))
    trios.add(1, message(2))
    assert stamps(sets) == [2]
    assert len(sets[0]) == 3


def test_only_so_many_wait(sets):
    pairs = ExactTime(2, 3, sets.append)
    for sec in range(1, 7):
        pairs.add(0, message(sec))
    for sec in range(1, 7):
        pairs.add(1, message(sec))
    assert stamps(sets) == [4, 5, 6]


@pytest.mark.parametrize("late", [0, 1, 3])
def test_nothing_is_lost_when_a_bag_starts_again(sets, late):
    """Images that never found people wait when the stamps go back; people come late."""
    size = 6
    pairs = ExactTime(2, size, sets.append)
    expected = []
    waiting = []
    for _ in range(3):
        for sec in range(100, 150):
            pairs.add(0, message(sec))
            if sec % 3:  # the estimator dropped the others
                waiting.append(sec)
                expected.append(sec)
            while len(waiting) > late:
                pairs.add(1, message(waiting.pop(0)))
    for sec in waiting:
        pairs.add(1, message(sec))
    assert stamps(sets) == expected


@pytest.mark.parametrize(("first", "second"), [(0, 0), (5, 5)])
def test_stamps_that_do_not_tell_messages_apart_are_refused(sets, first, second):
    pairs = ExactTime(2, 5, sets.append)
    if first:
        pairs.add(0, message(first))
    with pytest.raises(StampError, match="Image messages have"):
        pairs.add(0, message(second))
    if first:
        pairs.add(1, message(first))
    assert len(sets) == bool(first)
