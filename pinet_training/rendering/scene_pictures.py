"""The pictures of one split of a rendered data set, by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pinet_ros.errors import DatasetError
from pinet_ros.geometry.camera import Camera
from pinet_training.rendering.shards import RenderedScenes, Shard, require_whole


@dataclass(frozen=True, eq=False)
class Pictures:
    """Images and cameras of scenes.

    Attributes:
        scenes: the shard of each, and its index there.
    """

    scenes: Sequence[tuple[Shard, int]]

    def __len__(self) -> int:
        return len(self.scenes)

    def image(self, number: int) -> np.ndarray:
        """Read an image (H,W,3) uint8 BGR."""
        shard, scene = self.scenes[number]
        return shard.image(scene)

    def name(self, number: int) -> str:
        """Name of an image's shard and file, such as 00012/034.jpg."""
        shard, scene = self.scenes[number]
        return f"{shard.folder.name}/{shard.truth['scene_image'][scene]}"

    def camera(self, number: int) -> Camera:
        """Return the camera of an image."""
        shard, scene = self.scenes[number]
        return shard.camera(scene)


def read_pictures(folder: Path, split: str) -> Pictures:
    """Find the pictures of a split.

    Args:
        folder: of the data set.
        split: train or test.

    Raises:
        DatasetError: the data set is damaged, or has no scenes of the split.
    """
    rendered = RenderedScenes(folder)
    shards = [rendered.read(number) for number in rendered.shards()]
    require_whole(shards)
    scenes = [
        (shard, int(scene))
        for shard in shards
        for scene in np.flatnonzero(shard.truth["scene_split"] == split)
    ]
    if not scenes:
        raise DatasetError(f"{folder} has no scenes of the {split} split; render more")
    return Pictures(scenes)
