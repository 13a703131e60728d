from __future__ import annotations

import numpy as np
import pytest

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.evaluation.image_matching import match_by_image

LIMBS = slice(1, 14)
REST = MUPOTS_17.indices("head_top", "pelvis", "spine", "head")


@pytest.fixture
def truth():
    """Three people who stand apart."""
    rng = np.random.default_rng(0)
    return rng.uniform(0, 100, size=(3, 17, 2)) + np.array(
        [[[100, 200]], [[500, 250]], [[900, 1]]]
    )


def test_permuted_people_find_each_other(truth):
    assert match_by_image(truth, truth[[2, 0, 1]]).tolist() == [1, 2, 0]


def test_a_missing_person_and_a_wrong_detection_are_nobodys(truth):
    predicted = np.stack([truth[0] + 3000, truth[2]])

    assert match_by_image(truth, predicted).tolist() == [-1, -1, 1]


def test_nobody_on_either_side(truth):
    assert match_by_image(truth, np.zeros((0, 17, 2))).tolist() == [-1, -1, -1]
    assert match_by_image(np.zeros((0, 17, 2)), truth).tolist() == []


@pytest.mark.parametrize(("offset", "found"), [(39.9, 0), (40, -1)])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_joint_matches_within_40_pixels_of_each_axis(offset, found, axis):
    truth, predicted = np.full((1, 17, 2), 500.0), np.full((1, 17, 2), 500.0)
    predicted[0, :, axis] += offset
    predicted[0, :, 1 - axis] += 39

    assert match_by_image(truth, predicted).tolist() == [found]


def test_the_most_joints_win_not_the_nearest(truth):
    few_exact, many_near = truth[0].copy(), truth[0] + 30
    few_exact[5:] += 500

    assert match_by_image(truth[:1], np.stack([few_exact, many_near])).tolist() == [1]


def test_people_choose_in_their_order_and_take_what_is_left(truth):
    crowd = np.stack([truth[0] + 20, truth[0]])

    assert match_by_image(crowd, truth[:1]).tolist() == [0, -1]
    assert match_by_image(crowd, np.stack([truth[0] + 45, truth[0] - 15])).tolist() == [0, 1]


def test_only_the_thorax_and_the_limbs_are_compared(truth):
    predicted = truth[:1] + 1000
    predicted[:, REST] = truth[:1, REST]
    assert match_by_image(truth[:1], predicted).tolist() == [-1]

    predicted[:, 13] = truth[:1, 13]
    assert match_by_image(truth[:1], predicted).tolist() == [0]


@pytest.mark.parametrize("missing", [0, np.nan])
def test_joints_that_were_not_found_do_not_match(missing):
    truth = np.full((1, 17, 2), 10.0)  # so near the corner that (0,0) would match
    nobody, one_joint = np.full((17, 2), missing), np.full((17, 2), missing)
    one_joint[7] = 12

    assert match_by_image(truth, nobody[None]).tolist() == [-1]
    assert match_by_image(truth, np.stack([nobody, one_joint])).tolist() == [1]
