from __future__ import annotations

import itertools

import numpy as np
import pytest

from pinet_ros.imaging.schedule import Schedule


def played(schedule: Schedule, times, work: float = 0.0, jumps=()) -> list[float]:
    """When images with these own times are played, if each takes some work."""
    now, when = 100.0, []
    for number, seconds in enumerate(times):
        now += schedule.delay(seconds, now)
        when.append(now)
        now += work
        if number in jumps:
            now -= 50
    return when


def test_images_come_at_their_own_times_from_the_first_on():
    own = [0.0, 0.1, 0.2, 0.7, 0.75]
    when = played(Schedule(10.0), own)
    np.testing.assert_allclose(np.subtract(when, when[0]), own)


def test_a_fixed_rate_overrides_the_own_times():
    when = played(Schedule(10.0, 2.0), [0.0, 0.1, 0.2, 0.7, 0.75])
    np.testing.assert_allclose(np.diff(when), 0.5)


def test_work_between_images_makes_none_late():
    when = played(Schedule(10.0), np.arange(20) / 10, work=0.07)
    np.testing.assert_allclose(np.diff(when), 0.1)


def test_what_is_far_behind_is_not_caught_up_with():
    when = played(Schedule(10.0), np.arange(40) / 10, work=0.5)
    np.testing.assert_allclose(np.diff(when), 0.5)


def test_a_source_that_starts_again_goes_on_at_its_mean_rate():
    when = played(Schedule(10.0), [0.0, 0.3, 0.6, 0.0, 0.3])
    np.testing.assert_allclose(np.diff(when), [0.3, 0.3, 0.1, 0.3])


def test_a_clock_that_jumps_back_stops_nothing():
    when = played(Schedule(10.0), np.arange(6) / 10, jumps=[2])
    intervals = [after - before for before, after in itertools.pairwise(when)]
    assert intervals[2] == pytest.approx(-49.9)
    np.testing.assert_allclose(np.delete(intervals, 2), 0.1)


def test_the_end_comes_an_interval_after_the_last_image():
    schedule = Schedule(4.0)
    schedule.delay(0.0, 100.0)
    assert schedule.delay(None, 100.0) == pytest.approx(0.25)
