"""Detections of people in rendered scenes, stored per shard, for the training of lifters.

A lifter meets the boxes that a detector really gives: cut off, shifted, around two people at once,
or around nobody. FOLDER/detections/DETECTOR/00000.npz has the detections of a shard:

boxes   (D,4)  x_min y_min x_max y_max, pixels
scores  (D,)   0 to 1
scene   (D,)   index of the scene in the shard
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from pinet_ros.cli.predictions.records import read_arrays
from pinet_ros.detection.detections import Detector
from pinet_ros.detection.load_detector import load_detector
from pinet_ros.detection.nanodet_weights import NANODET, nanodet_file
from pinet_ros.errors import DatasetError
from pinet_ros.imaging.frame import Frame
from pinet_ros.models.cache import sha256_of
from pinet_ros.util.device import select_device
from pinet_ros.util.files import write_whole
from pinet_training.rendering.shards import RenderedScenes, Shard, require_whole
from pinet_training.runs.processes import available_cores, run_in_processes
from pinet_training.runs.settings import hold_settings

DETECTOR = NANODET
SCORE_THRESHOLD = 0.3  # below the estimator's: the boxes that a training should meet

_ARRAYS: dict[str, tuple[int | None, ...]] = {"boxes": (None, 4), "scores": (None,)}


@dataclass(frozen=True, eq=False)
class SceneDetections:
    """The D detections in the scenes of a shard; attributes as in the file."""

    boxes: np.ndarray
    scores: np.ndarray
    scene: np.ndarray

    @classmethod
    def of(cls, scenes: RenderedScenes, number: int) -> SceneDetections:
        """Read the detections of a shard.

        Raises:
            DatasetError: they are missing or damaged.
        """
        path = _path(scenes, number)
        if not path.is_file():
            raise DatasetError(
                f"shard {number} of {scenes.folder} has no detections; run `pinet scenes detect "
                f"{scenes.folder}` first"
            )
        try:
            file = read_arrays(path, ("scene", *_ARRAYS))
            arrays = {name: file.array(name, *shape) for name, shape in _ARRAYS.items()}
            count = len(arrays["boxes"])
            return cls(**arrays, scene=file.whole_numbers("scene", count, low=0, high=10_000))
        except DatasetError as error:
            raise DatasetError(f"{error}; remove {path} to detect the people again") from error


def detect(folder: Path, *, device: str = "auto", workers: int | None = None) -> int:
    """Detect the people in all scenes of a rendered data set; a stopped run is resumed.

    Args:
        folder: of the data set.
        device: auto, cpu, cuda or cuda:N.
        workers: processes on the CPU, each with one thread; None for one per core.

    Returns:
        Number of shards that have detections now.

    Raises:
        DatasetError: the data set is damaged, or has detections of another detector.
        PinetError: the detector cannot be loaded, or a worker process was killed.
    """
    scenes = RenderedScenes(folder)
    numbers = scenes.shards()
    file = nanodet_file()
    files = {file.name: sha256_of(file)}
    settings = {"score_threshold": SCORE_THRESHOLD, "detector": files, "data_set": scenes.settings}
    started = any(_path(scenes, number).is_file() for number in numbers)
    hold_settings(_folder(scenes) / "settings.json", settings, replace=not started)
    missing = [number for number in numbers if not _path(scenes, number).is_file()]
    shards = [scenes.read(number) for number in missing]
    require_whole(shards)
    todo = [(shard, _path(scenes, number)) for shard, number in zip(shards, missing, strict=True)]
    on_cpu = select_device(device).type == "cpu"
    run_in_processes(
        _detect_shard,
        todo,
        workers=(workers or available_cores()) if on_cpu else 1,
        set_up=_set_up,
        shared=(device,),
        unit="shard",
        names=missing,
    )
    return len(numbers)


def _folder(scenes: RenderedScenes) -> Path:
    return scenes.folder / "detections" / DETECTOR


def _path(scenes: RenderedScenes, number: int) -> Path:
    return _folder(scenes) / f"{number:05d}.npz"


def _set_up(name: str) -> tuple[Detector, torch.device]:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    device = select_device(name)
    detector = load_detector(
        DETECTOR, device, weights="", score_threshold=SCORE_THRESHOLD, runtime="auto"
    )
    return detector, device


def _detect_shard(state: tuple[Detector, torch.device], shard: Shard, path: Path) -> None:
    detector, device = state
    images = map(shard.image, range(len(shard)))
    frames = (Frame.from_array(image, channels="bgr", device=device) for image in images)
    found = [detector([frame])[0] for frame in frames]
    _write(path, [each.boxes for each in found], [each.scores for each in found])


def _write(path: Path, boxes: Sequence[np.ndarray], scores: Sequence[np.ndarray]) -> None:
    arrays = {
        "boxes": np.concatenate(boxes),
        "scores": np.concatenate(scores),
        "scene": np.repeat(np.arange(len(boxes)), [len(each) for each in boxes]),
    }
    write_whole(path, lambda stream: np.savez(stream, **arrays))
