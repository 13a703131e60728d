"""People in rendered scenes: what a detector learns from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pinet_training.rendering.scene_pictures import Pictures, read_pictures
from pinet_training.rendering.shards import Shard

_VISIBLE = 0.2  # share of the joints from which somebody counts as a person to detect


@dataclass(frozen=True, eq=False)
class SceneOfPeople:
    """Who is in one picture.

    Attributes:
        people: (G,4) boxes of the people to detect, x_min y_min x_max y_max, pixels.
        ignored: (I,4) boxes of people of whom so little is seen that either answer is right.
    """

    people: np.ndarray
    ignored: np.ndarray


@dataclass(frozen=True, eq=False)
class DetectorScenes:
    """Pictures of people, and of nobody.

    Attributes:
        pictures: the images.
        scenes: who is in each of them.
    """

    pictures: Pictures
    scenes: list[SceneOfPeople]

    def __len__(self) -> int:
        return len(self.scenes)


def read_detector_scenes(folder: Path, split: str) -> DetectorScenes:
    """Read the people of a rendered data set.

    Args:
        folder: of the data set.
        split: train or test.

    Raises:
        DatasetError: the data set is damaged, or has no scenes of the split.
    """
    pictures = read_pictures(folder, split)
    return DetectorScenes(pictures, [_people_in(*scene) for scene in pictures.scenes])


def _people_in(shard: Shard, scene: int) -> SceneOfPeople:
    rows = np.flatnonzero(shard.truth["person_scene"] == scene)
    boxes = shard.truth["person_box"][rows].astype(float).reshape(-1, 4)
    visible = shard.truth["person_visible"][rows].mean(axis=1)
    seen = np.isfinite(boxes).all(axis=1)  # NaN for people of whom nothing is seen
    clear = visible >= _VISIBLE
    return SceneOfPeople(people=boxes[seen & clear], ignored=boxes[seen & ~clear])
