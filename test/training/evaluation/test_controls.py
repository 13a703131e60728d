"""Controls: whom each person is refined with, on scenes of made-up people."""

from __future__ import annotations

import numpy as np
import pytest
from stand_ins import refined

from pinet_ros.people import People
from pinet_ros.refinement.refiner import Refinement
from pinet_training.datasets.scenes import Scene, Scenes, ScenesError
from pinet_training.evaluation.controls import CONTROLS, refine_under_control


class Recorder:
    """Keeps what it is given, and moves everybody by a metre."""

    def __init__(self) -> None:
        self.seen: list[People] = []

    def __call__(self, people: People) -> Refinement:
        self.seen.append(people)
        return refined(people.with_joints(people.joints + 1))


@pytest.fixture
def poses() -> np.ndarray:
    """Of four people and three extra estimates."""
    return np.random.default_rng(0).normal(size=(7, 17, 3)).astype(np.float32)


@pytest.fixture
def boxes() -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 500, size=(7, 4)).astype(np.float32)


@pytest.fixture
def scenes(poses, boxes) -> Scenes:
    """Two people each; the first scene has duplicates of both and a wrong detection."""
    extras = [[4, 5, 6], []]
    persons = [[0, 1, -1], []]
    return Scenes(
        tuple(
            Scene(
                poses[people],
                poses[people],
                boxes[people],
                np.arange(2),
                "level",
                "test",
                extra=poses[extra],
                extra_boxes=boxes[extra],
                extra_persons=np.array(of_whom, int),
                deviations=np.full((2, 18), 0.1 + people[0], np.float32),
                extra_deviations=np.full((len(extra), 18), 0.1 + people[0], np.float32),
                up=np.eye(3, dtype=np.float32)[people[0] // 2],
            )
            for people, extra, of_whom in zip([[0, 1], [2, 3]], extras, persons, strict=True)
        )
    )


def _rows(people: People, poses: np.ndarray) -> list[int]:
    """Which of the poses the people are, -1 for somebody else."""
    same = (people.joints[:, None] == poses).all(axis=(2, 3))
    return np.where(same.any(axis=1), same.argmax(axis=1), -1).tolist()


@pytest.mark.parametrize("control", CONTROLS)
def test_each_person_is_refined_by_itself_and_given_back(control, scenes, poses):
    recorder = Recorder()

    refined = refine_under_control(scenes, recorder, control)

    assert [_rows(people, poses)[0] for people in recorder.seen] == [0, 1, 2, 3]
    np.testing.assert_array_equal(np.concatenate(refined), poses[:4] + 1)


@pytest.mark.parametrize("control", CONTROLS)
def test_a_scene_stays_as_upright_and_people_as_sure_as_they_were(control, scenes):
    recorder = Recorder()

    refine_under_control(scenes, recorder, control)

    for row, people in enumerate(recorder.seen):
        np.testing.assert_array_equal(people.up, np.eye(3)[row // 2])
        assert people.distance_deviations[0] == np.float32(0.1 + 2 * (row // 2))
        assert np.isfinite(people.distance_deviations).all()


@pytest.mark.parametrize("control", CONTROLS)
def test_boxes_go_with_their_people(control, scenes, poses, boxes):
    recorder = Recorder()

    refine_under_control(scenes, recorder, control)

    for people in recorder.seen:
        for row, box in zip(_rows(people, poses), people.boxes, strict=True):
            np.testing.assert_array_equal(box, boxes[row] if row >= 0 else people.boxes[0])


def test_alone_there_is_nobody_else(scenes):
    recorder = Recorder()

    refine_under_control(scenes, recorder, "alone")

    assert [len(people) for people in recorder.seen] == [1, 1, 1, 1]


def test_a_duplicate_is_added_to_all_of_the_scene(scenes, poses):
    recorder = Recorder()

    refine_under_control(scenes, recorder, "duplicate")

    company = [_rows(people, poses) for people in recorder.seen]
    assert company == [[0, -1, 1, 4, 5, 6], [1, -1, 0, 4, 5, 6], [2, -1, 3], [3, -1, 2]]
    for people in recorder.seen:
        assert 0 < np.abs(people.joints[1] - people.joints[0]).mean() < 0.5
    np.testing.assert_array_equal(scenes.scenes[0].estimates, poses[:2])  # left as they were


def test_each_estimate_of_somebody_else_is_replaced_by_a_stranger(scenes, poses):
    recorder = Recorder()

    refine_under_control(scenes, recorder, "wrong_neighbours")

    company = [_rows(people, poses) for people in recorder.seen]
    # the person's own duplicate and the wrong detection stay, the other and its duplicate do not
    assert [rows[:3] for rows in company[:2]] == [[0, 4, 6], [1, 5, 6]]
    for rows in company[:2]:
        assert len(rows) == 5
        assert set(rows[3:]) <= {2, 3}
    for person, rows in zip((2, 3), company[2:], strict=True):
        assert rows[0] == person
        assert rows[1:] in ([0], [1])


def test_strangers_need_another_scene(scenes):
    with pytest.raises(ScenesError, match="two or more scenes, got 1"):
        refine_under_control(Scenes(scenes.scenes[:1]), Recorder(), "alone")
