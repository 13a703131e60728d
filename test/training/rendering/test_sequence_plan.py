"""Plans of sequences: who is where when, and where the camera is."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from made_up_walks import motions

from pinet_training.rendering.repertoire import Repertoire
from pinet_training.rendering.sequence_plan import Plan, random_plan

RATE, SECONDS = 10.0, 20
PLANS = 10


@pytest.fixture(scope="module")
def plans() -> list[Plan]:
    repertoire = Repertoire.of(motions(), RATE)
    times = np.arange(SECONDS * RATE) / RATE
    legs = np.array([0.8, 0.9])
    return [
        random_plan(np.random.default_rng(seed), repertoire, legs, times, 640, 480)
        for seed in range(PLANS)
    ]


def test_everybody_is_there_in_every_frame(plans):
    for plan in plans:
        assert len(plan.viewpoints) == SECONDS * RATE
        assert 1 <= len(plan.ways) == len(plan.bodies) <= 6
        assert plan.positions().shape == (SECONDS * RATE, len(plan.ways))
        assert plan.in_image().any(axis=1).mean() >= 0.8


def _changes(seen: np.ndarray) -> list[bool]:
    """Whether somebody was in the image, then not, and so on."""
    return [bool(seen[0]), *seen[1:][seen[1:] != seen[:-1]].tolist()]


def test_people_leave_the_image_and_return(plans):
    changes = [_changes(seen) for plan in plans for seen in plan.in_image().T]
    returned = [c for c in changes if [True, False, True] in (c[:3], c[1:4])]
    assert len(returned) > len(changes) / 4


def test_people_pass_each_other_as_the_camera_sees_it(plans):
    crossings = 0
    for plan in plans:
        positions, seen = plan.positions(), plan.in_image()
        middles = np.stack([positions.real, positions.imag, np.ones(positions.shape)], axis=-1)
        frames = zip(plan.viewpoints, middles, strict=True)
        places = np.array([viewpoint.project(middle)[:, 0] for viewpoint, middle in frames])
        for one, other in combinations(range(len(plan.ways)), 2):
            both = seen[:, one] & seen[:, other]
            order = places[both, one] > places[both, other]
            crossings += np.count_nonzero(order[1:] != order[:-1])
    assert crossings > 2 * PLANS


def test_nobody_walks_through_anybody(plans):
    for plan in plans:
        positions = plan.positions()
        for one, other in combinations(range(len(plan.ways)), 2):
            gaps = np.abs(positions[:, one] - positions[:, other])
            assert gaps.min() > 0.3
            assert np.mean(gaps < 0.5) < 0.05


def test_a_part_of_the_cameras_stands_still_and_the_others_move_smoothly(plans):
    still = 0
    for plan in plans:
        rotations = np.array([viewpoint.rotation for viewpoint in plan.viewpoints])
        positions = np.array([viewpoint.position for viewpoint in plan.viewpoints])
        np.testing.assert_allclose(
            rotations @ np.swapaxes(rotations, -1, -2),
            np.tile(np.eye(3), (len(rotations), 1, 1)),
            atol=1e-9,
        )
        if (rotations == rotations[0]).all():
            assert (positions == positions[0]).all()
            still += 1
            continue
        cosines = (np.einsum("nij,nij->n", rotations[1:], rotations[:-1]) - 1) / 2
        assert np.arccos(np.clip(cosines, -1, 1)).max() * RATE < 0.7  # radians per second
        assert np.linalg.norm(np.diff(positions, axis=0), axis=1).max() * RATE < 0.8
        assert positions[:, 2].min() > 0.3
    assert 0.15 * PLANS <= still <= 0.85 * PLANS


def test_pitch_and_roll_are_those_of_the_rotation(plans):
    for plan in plans:
        for viewpoint in plan.viewpoints[::50]:
            right, down, ahead = viewpoint.rotation
            assert np.sin(viewpoint.pitch) == pytest.approx(-ahead[2])
            level = np.cross(ahead, [0, 0, 1])
            level /= np.linalg.norm(level)
            assert right @ level == pytest.approx(np.cos(viewpoint.roll))
            assert down @ level == pytest.approx(np.sin(viewpoint.roll))


def test_a_seed_gives_the_same_plan(plans):
    repertoire = Repertoire.of(motions(), RATE)
    times = np.arange(SECONDS * RATE) / RATE
    again = random_plan(
        np.random.default_rng(0), repertoire, np.array([0.8, 0.9]), times, 640, 480
    )
    np.testing.assert_array_equal(again.positions(), plans[0].positions())
