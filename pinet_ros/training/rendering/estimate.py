"""Estimation: an estimator over all pictures of a rendered data set, as scenes to train on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm import tqdm

from pinet_ros.device import select_device
from pinet_ros.estimator import PoseEstimator
from pinet_ros.files import write_whole
from pinet_ros.training.datasets.errors import DatasetError
from pinet_ros.training.datasets.scene_fields import NOBODY
from pinet_ros.training.processes import run_in_processes
from pinet_ros.training.rendering.adapted_truth import adapt_truth
from pinet_ros.training.rendering.gathering import gather, read_estimates, write_estimates
from pinet_ros.training.rendering.settings import hold_settings
from pinet_ros.training.rendering.shards import RenderedScenes, Shard


@dataclass(frozen=True)
class EstimatorSettings:
    """What decides the estimates; see PoseEstimator.load."""

    detector: str = "nanodet"
    lifter: str = "blazepose_full"
    score_threshold: float = 0.4
    mirror: bool = False


@dataclass(frozen=True)
class Estimation:
    """What was written, in numbers.

    Attributes:
        scenes, people: all of the data set.
        found: people who have an estimate.
        duplicates: further estimates of them.
        wrong: estimates of nobody.
    """

    scenes: int
    people: int
    found: int
    duplicates: int
    wrong: int


def estimate(
    folder: Path,
    output: Path,
    settings: EstimatorSettings | None = None,
    *,
    device: str = "auto",
    workers: int | None = None,
) -> Estimation:
    """Estimate the people of all pictures, and write them with the truth as a file of scenes.

    What is estimated is kept in FOLDER/estimates shard by shard, so that a run which was stopped
    is gone on with, and shards that are rendered later are added.

    Args:
        folder: of a rendered data set, see RenderedScenes.
        output: .npz file of scenes, see scene_fields, with all of the truth besides.
        settings: of the estimator.
        device: auto, cpu, cuda or cuda:N.
        workers: processes on the CPU, each with one thread; None for one on each core.

    Raises:
        DatasetError: the data set is damaged or empty, the kept estimates are damaged or of other
            settings, or the output is no .npz file.
        PinetError: the estimator cannot be loaded, or a worker was killed.
    """
    if Path(output).suffix != ".npz":
        raise DatasetError(f"scenes are written to an .npz file, got {output}")
    settings = settings or EstimatorSettings()
    scenes = RenderedScenes(folder)
    shards = {number: scenes.read(number) for number in scenes.shards()}
    if not shards:
        raise DatasetError(f"{folder} has no shards; render some first")
    kept = scenes.folder / "estimates" / f"{settings.detector}+{settings.lifter}"
    hold_settings(kept / "settings.json", asdict(settings))
    paths = {number: kept / f"{number:05d}.npz" for number in shards}
    todo = [(shards[number], path) for number, path in paths.items() if not path.is_file()]
    _estimate_shards(todo, settings, select_device(device), workers or os.cpu_count() or 1)
    estimates = [read_estimates(path, shards[n]) for n, path in paths.items()]
    fields = adapt_truth(gather(shards, estimates), scenes.size)
    write_whole(Path(output), lambda stream: np.savez_compressed(stream, **fields))
    return _count(fields)


def _count(fields: dict[str, np.ndarray]) -> Estimation:
    duplicates = int(fields["estimate_duplicate"].sum())
    wrong = int((fields["estimate_person"] == NOBODY).sum())
    return Estimation(
        scenes=len(fields["scene_image"]),
        people=len(fields["person_scene"]),
        found=len(fields["estimate_scene"]) - duplicates - wrong,
        duplicates=duplicates,
        wrong=wrong,
    )


def _estimate_shards(
    todo: Sequence[tuple[Shard, Path]],
    settings: EstimatorSettings,
    device: torch.device,
    workers: int,
) -> None:
    """Estimate shards, and write for each what was found to its path."""
    if device.type == "cpu":
        run_in_processes(
            _work, todo, workers=workers, set_up=_set_up, shared=(settings,), unit="shard"
        )
    elif todo:
        estimator = PoseEstimator.load(**asdict(settings), device=device)
        for shard, path in tqdm(todo, unit="shard", disable=None):
            _estimate_shard(shard, path, estimator)


_estimator: PoseEstimator  # of a worker


def _set_up(settings: EstimatorSettings) -> None:
    global _estimator
    device = select_device("cpu")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    _estimator = PoseEstimator.load(**asdict(settings), device=device)


def _work(shard: Shard, path: Path) -> None:
    _estimate_shard(shard, path, _estimator)


def _estimate_shard(shard: Shard, path: Path, estimator: PoseEstimator) -> None:
    with ThreadPoolExecutor(1) as ahead:  # pictures are decoded while the networks run
        images = ahead.map(shard.image, range(len(shard)))
        found = [
            estimator(image, "bgr", shard.camera(scene)) for scene, image in enumerate(images)
        ]
    write_estimates(path, found)
