"""A small data set in MuPoTS-3D's form with what an estimator may do to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from pinet_ros.cli.predictions.predictions import Predictions
from pinet_ros.geometry.camera import Camera
from pinet_ros.people import People
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.datasets.annotated_image import AnnotatedImage
from pinet_training.datasets.annotations import Annotations

FRAMES = {"TS1": 4, "TS2": 6}
PEOPLE = {"TS1": 2, "TS2": 3}


def people_of(joints: np.ndarray, camera: Camera, scores: np.ndarray | float = 1.0) -> People:
    """People (N,17,3) in metres as a camera sees them."""
    count = len(joints)
    return People(
        MUPOTS_17,
        joints=joints,
        joints_image=camera.project(joints),
        confidence=np.ones((count, 17)),
        boxes=np.full((count, 4), np.nan),
        scores=np.broadcast_to(scores, count),
    )


@dataclass
class Stage:
    """True poses and predicted ones of each image, to be changed before they are evaluated.

    Attributes:
        truth: (N,17,3) of each key, metres; they stand in a row, 1.5 m apart.
        valid: (N,) bool of each key.
        predicted: (M,17,3) of each key, at first one for each true person, in their order.
        scores: (M,) of each key; 1 where there are none.
    """

    camera: Camera
    truth: dict[str, np.ndarray]
    valid: dict[str, np.ndarray]
    predicted: dict[str, np.ndarray]
    scores: dict[str, np.ndarray] = field(default_factory=dict)

    def annotations(self, universal: dict[str, np.ndarray] | None = None) -> Annotations:
        return Annotations(
            Path("MuPoTS-3D"),
            tuple(
                AnnotatedImage(
                    key=key,
                    file_name=key.replace("_", "/", 1) + ".jpg",
                    sequence=key.split("_")[0],
                    width=None,
                    height=None,
                    camera=self.camera,
                    people=people_of(joints, self.camera),
                    valid=self.valid[key],
                    universal=None if universal is None else universal[key],
                )
                for key, joints in self.truth.items()
            ),
        )

    def predictions(self) -> Predictions:
        return Predictions(
            Path("predictions.npz"),
            {
                key: people_of(joints, self.camera, self.scores.get(key, 1.0))
                for key, joints in self.predicted.items()
            },
        )


@pytest.fixture
def stage() -> Stage:
    rng = np.random.default_rng(0)
    truth, predicted = {}, {}
    for sequence, frames in FRAMES.items():
        for frame in range(frames):
            key = f"{sequence}_img_{frame:06d}"
            people = rng.uniform(-0.4, 0.4, size=(PEOPLE[sequence], 17, 3)) + np.array(
                [-1.5, 0, 4]
            )
            people[..., 0] += 1.5 * np.arange(len(people))[:, None]
            truth[key] = people.astype(np.float32)
            joints = rng.normal(scale=0.07, size=people.shape)
            roots = rng.normal(scale=[0.02, 0.02, 0.15], size=(len(people), 1, 3))
            predicted[key] = (people + joints + roots).astype(np.float32)
    valid = {key: np.ones(len(people), bool) for key, people in truth.items()}
    return Stage(Camera.from_focal(1500, 2048, 2048), truth, valid, predicted)
