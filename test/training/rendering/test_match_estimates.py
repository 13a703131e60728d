from __future__ import annotations

import itertools

import numpy as np
import pytest

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.rendering.estimate_matching import match_estimates

BOUND = 0.25
TORSO = MUPOTS_17.indices("head_top", "thorax", "pelvis", "spine", "head")


def _relative_distance(person, estimate):
    """Mean distance of the limbs' joints over the larger side of the person's extent."""
    limbs = [j for j in range(17) if j not in TORSO and np.isfinite(person[j]).all()]
    size = max(np.nanmax(person[:, axis]) - np.nanmin(person[:, axis]) for axis in range(2))
    return np.mean([np.hypot(*(person[j] - estimate[j])) for j in limbs]) / size


def _best_by_trial(distances):
    """The assignment of people to estimates that saves most under the bound, all being tried."""
    people, estimates = distances.shape
    best, saved = {}, -1.0
    for chosen in itertools.product([None, *range(estimates)], repeat=people):
        pairs = [(p, e) for p, e in enumerate(chosen) if e is not None]
        if len({e for _, e in pairs}) < len(pairs):
            continue
        if any(distances[pair] >= BOUND for pair in pairs):
            continue
        value = sum(BOUND - distances[pair] for pair in pairs)
        if value > saved + 1e-12:
            best, saved = {e: p for p, e in pairs}, value
    return best


@pytest.mark.parametrize("seed", range(25))
def test_the_assignment_is_the_best_of_all(seed):
    rng = np.random.default_rng(seed)
    people = rng.uniform(0, 200, (rng.integers(1, 4), 17, 2)) + rng.uniform(0, 60, (1, 1, 2))
    people[0, rng.integers(17)] = np.nan  # behind the camera
    strangers = rng.uniform(0, 300, (2, 17, 2))
    sources = np.nan_to_num(people[rng.integers(len(people), size=rng.integers(1, 5))], nan=50)
    spread = rng.uniform(1, 45, (len(sources), 1, 1))
    estimates = np.concatenate([sources + spread * rng.normal(size=sources.shape), strangers])
    estimates = estimates[rng.permutation(len(estimates))]

    persons, duplicates = match_estimates(people, estimates)

    distances = np.array([[_relative_distance(p, e) for e in estimates] for p in people])
    best = _best_by_trial(distances)
    for estimate, person in enumerate(persons):
        if estimate in best:
            assert (person, duplicates[estimate]) == (best[estimate], False)
        elif distances[:, estimate].min() < BOUND:
            assert (person, duplicates[estimate]) == (distances[:, estimate].argmin(), True)
            assert person in best.values()
        else:
            assert (person, duplicates[estimate]) == (-1, False)


def test_duplicates_and_wrong_detections_are_told_apart():
    rng = np.random.default_rng(0)
    first, second = rng.uniform(0, 100, (2, 17, 2)) + np.array([[[0, 0]], [[300, 0]]])
    estimates = np.stack([first + 9, second + 2, first + 4, first + np.array([0, 200])])

    persons, duplicates = match_estimates(np.stack([first, second]), estimates)

    assert persons.tolist() == [0, 1, 0, -1]
    assert duplicates.tolist() == [True, False, False, False]


def test_a_wrong_detection_far_away_does_not_spoil_a_good_match():
    shape = np.random.default_rng(0).uniform(0, 100, (17, 2))
    people = np.stack([shape, shape + np.array([14, 0])])
    # nearest to both; the other one lies beyond the bound of either
    estimates = np.stack([shape + np.array([4, 0]), shape - np.array([1000, 0])])

    persons, _ = match_estimates(people, estimates)

    assert persons.tolist() == [0, -1]


def test_somebody_without_a_place_in_the_image_is_not_found():
    shape = np.random.default_rng(0).uniform(0, 100, (17, 2))

    persons, duplicates = match_estimates(np.full((1, 17, 2), np.nan), shape[None])

    assert (persons.tolist(), duplicates.tolist()) == ([-1], [False])


@pytest.mark.parametrize(("people", "estimates"), [(0, 2), (2, 0), (0, 0)])
def test_without_people_or_estimates_nobody_is_matched(people, estimates):
    persons, duplicates = match_estimates(np.ones((people, 17, 2)), np.ones((estimates, 17, 2)))

    assert persons.tolist() == [-1] * estimates
    assert duplicates.tolist() == [False] * estimates
