"""Contact sheet of a rendered data set: many scenes with their true skeletons in one image."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from pinet_ros.util.files import write_whole
from pinet_training.rendering.shards import RenderedScenes, Shard
from pinet_training.rendering.truth_drawing import drawn_scene

_COLUMNS = 6


def write_contact_sheet(rendered: RenderedScenes, path: Path, count: int = 36) -> None:
    """Write images from all over the data set, at half size, with the true skeletons drawn in.

    A white ring marks a joint that is inside the image but occluded.

    Args:
        rendered: the data set.
        path: of the .jpg or .png file to write.
        count: number of scenes; all of them if the data set has fewer.

    Raises:
        DatasetError: the data set cannot be read.
        OSError: the file cannot be written.
    """
    places = [(n, scene) for n in rendered.shards() for scene in range(len(rendered.read(n)))]
    chosen = np.linspace(0, len(places) - 1, min(count, len(places))).round().astype(int)
    tiles = [_tile(rendered.read(places[i][0]), places[i][1]) for i in chosen]
    blank = np.zeros_like(tiles[0])
    tiles += [blank] * (-len(tiles) % _COLUMNS)
    rows = [np.hstack(tiles[i : i + _COLUMNS]) for i in range(0, len(tiles), _COLUMNS)]
    _, encoded = cv2.imencode(Path(path).suffix, np.vstack(rows))
    write_whole(Path(path), lambda stream: stream.write(encoded.tobytes()))


def _tile(shard: Shard, scene: int) -> np.ndarray:
    """The image of a scene at half size, with what is true of it."""
    image = drawn_scene(shard, scene)
    return cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
