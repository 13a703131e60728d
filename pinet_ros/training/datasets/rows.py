"""Rows of People, and the boxes about 2D joints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from pinet_ros.people import People
from pinet_ros.skeleton import JointSet

_ARRAYS = tuple(field.name for field in fields(People) if field.name != "joint_set")


def select(people: People, rows: np.ndarray) -> People:
    """The people of some rows, by their indices or a mask (N,)."""
    return People(people.joint_set, **{name: getattr(people, name)[rows] for name in _ARRAYS})


def concatenate(people: Sequence[People]) -> People:
    """All of several people, who have one joint set, in the order given; one at least."""
    arrays = {name: np.concatenate([getattr(p, name) for p in people]) for name in _ARRAYS}
    return People(people[0].joint_set, **arrays)


def people_from(
    joint_set: JointSet,
    joints: np.ndarray,
    *,
    joints_image: np.ndarray | None = None,
    confidence: np.ndarray | None = None,
    boxes: np.ndarray | None = None,
    scores: np.ndarray | None = None,
    track_ids: np.ndarray | None = None,
) -> People:
    """People of whom some things are not known: NaN, and the box is the one about the 2D joints.

    Args:
        joint_set: J joints.
        joints: (N,J,3) metres; the other arguments are as in People.
    """
    count, joint_count = len(joints), len(joint_set)
    if joints_image is None:
        joints_image = np.full((count, joint_count, 2), np.nan)
    return People(
        joint_set,
        joints=joints,
        joints_image=joints_image,
        confidence=np.full((count, joint_count), np.nan) if confidence is None else confidence,
        boxes=boxes_around(joints_image) if boxes is None else boxes,
        scores=np.full(count, np.nan) if scores is None else scores,
        track_ids=track_ids,
    )


def boxes_around(joints_image: np.ndarray) -> np.ndarray:
    """Smallest boxes (N,4), x_min y_min x_max y_max, about the known joints of (N,J,2) pixels."""
    # fmin and fmax leave NaN out, and give it where there is nothing else
    return np.concatenate([np.fmin.reduce(joints_image, 1), np.fmax.reduce(joints_image, 1)], 1)
