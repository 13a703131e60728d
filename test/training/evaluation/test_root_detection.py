from __future__ import annotations

import numpy as np
import pytest

from pinet_training.evaluation.root_detection import (
    RootDetections,
    average_precision,
    find_roots,
)

ROOTS = np.array([[0.0, 0, 3], [1, 0, 4], [2, 0, 5]])


def _find(predicted, scores, truth=ROOTS, valid=None):
    valid = np.ones(len(truth), bool) if valid is None else np.array(valid)
    return find_roots(np.array(predicted, float), np.array(scores, float), truth, valid)


def _area_by_loop(scores, hits, people):
    """Area under the curve, each recall with the best precision at that recall or more."""
    points = []
    for threshold in sorted(set(scores), reverse=True):
        taken = [hit for score, hit in zip(scores, hits, strict=True) if score >= threshold]
        points.append((sum(taken) / people, sum(taken) / len(taken)))
    area, reached = 0.0, 0.0
    for number, (recall, _) in enumerate(points):
        area += (recall - reached) * max(precision for _, precision in points[number:])
        reached = recall
    return 100 * area


def test_all_found_in_any_order_is_a_hundred():
    assert average_precision(_find(ROOTS[[2, 0, 1]], [0.1, 0.9, 0.5])) == pytest.approx(100)


@pytest.mark.parametrize(("distance", "hit"), [(0.24, True), (0.26, False)])
def test_the_reach_is_25_centimetres(distance, hit):
    assert _find([ROOTS[0] + [0, 0, distance]], [1]).hits.tolist() == [hit]


def test_the_higher_score_takes_the_person_and_the_second_is_wrong():
    detections = _find([ROOTS[0] + 0.01, ROOTS[0] + 0.1], [0.3, 0.8], ROOTS[:1])

    assert detections.hits.tolist() == [False, True]
    assert average_precision(detections) == pytest.approx(100)
    assert average_precision(_find([ROOTS[0], ROOTS[0] + 9], [0.3, 0.8], ROOTS[:1])) == 50


def test_the_nearest_person_is_taken_and_then_the_next():
    near = np.array([[0, 0, 3.0], [0, 0, 3.1]])

    assert _find([[0, 0, 3.08], [0, 0, 3.09]], [0.5, 0.9], near).hits.tolist() == [True, True]


def test_a_missed_person_lowers_the_recall():
    assert average_precision(_find(ROOTS[:2], [0.9, 0.8])) == pytest.approx(100 * 2 / 3)


def test_extra_wrong_detections_lower_the_precision_behind_them():
    wrong = np.full((1, 3), 50.0)
    last = _find([*ROOTS, *wrong], [0.9, 0.8, 0.7, 0.1])
    first = _find([*ROOTS, *wrong], [0.5, 0.4, 0.3, 0.9])

    assert average_precision(last) == pytest.approx(100)
    # precisions 0, 1/2, 2/3, 3/4: the best behind each recall is 3/4
    assert average_precision(first) == pytest.approx(75)


def test_without_scores_all_are_one_point_of_the_curve():
    detections = _find([*ROOTS[:2], ROOTS[0] + 9, ROOTS[0] - 9], [np.nan] * 4)

    assert average_precision(detections) == pytest.approx(100 * (2 / 4) * (2 / 3))


def test_the_area_by_loop():
    rng = np.random.default_rng(0)
    for _ in range(20):
        scores = rng.integers(0, 12, size=30) / 10  # some are equal
        hits = rng.uniform(size=30) < 0.5
        area = average_precision(RootDetections(scores, hits, 25))
        assert area == pytest.approx(_area_by_loop(scores.tolist(), hits.tolist(), 25))


def test_images_are_joined_before_the_curve_is_drawn():
    images = [_find([ROOTS[0] + 9], [0.9], ROOTS[:1]), _find([ROOTS[1]], [0.2], ROOTS[1:2])]

    assert average_precision(RootDetections.join(images)) == pytest.approx(100 * 0.5 * 0.5)


def test_who_finds_a_person_that_is_not_valid_is_neither_right_nor_wrong():
    detections = _find(ROOTS[:2], [0.9, 0.8], ROOTS[:2], valid=[False, True])

    assert detections.people == 1
    assert detections.hits.tolist() == [True]
    assert average_precision(detections) == pytest.approx(100)


def test_a_prediction_without_a_root_is_wrong():
    assert _find([[np.nan] * 3], [0.9]).hits.tolist() == [False]


def test_nobody_found_and_nobody_to_be_found():
    assert average_precision(_find(np.zeros((0, 3)), [])) == 0
    assert average_precision(_find(ROOTS, [1, 1, 1], np.zeros((0, 3)))) is None
