"""Video of a rendered sequence, with what is true of it drawn in."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from pinet_ros.errors import DatasetError
from pinet_training.rendering.shards import RenderedScenes
from pinet_training.rendering.truth_drawing import draw_boxes, drawn_scene


def write_sequence_video(rendered: RenderedScenes, path: Path) -> None:
    """Write the first sequence of a data set with true skeletons, boxes and the people's numbers.

    Args:
        rendered: the data set, of sequences.
        path: of the .mp4 file to write.

    Raises:
        DatasetError: the data set cannot be read, or the video cannot be written.
    """
    shard = rendered.read(rendered.shards()[0])
    sequences = shard.truth["scene_sequence"]
    frames = np.flatnonzero(sequences == sequences[0])
    rate = 1 / float(shard.truth["scene_time"][frames[1]])
    code = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(path), code, rate, rendered.size)
    if not writer.isOpened():
        raise DatasetError(f"the video {path} cannot be written; check the folder")
    try:
        for frame in frames.tolist():
            image = drawn_scene(shard, frame)
            draw_boxes(image, shard, frame)
            writer.write(image)
    finally:
        writer.release()
