"""Estimation: an estimator over all pictures of a rendered data set, as scenes to train on."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm import tqdm

from pinet_ros.detection.torchvision_detector import RANDOM, TORCHVISION_DETECTORS
from pinet_ros.device import select_device
from pinet_ros.errors import PinetError
from pinet_ros.estimator import PoseEstimator, require_fitting
from pinet_ros.files import write_whole
from pinet_ros.models.cache import sha256_of
from pinet_ros.models.catalog import model
from pinet_ros.models.networks import NETWORKS
from pinet_ros.people import People
from pinet_ros.training.datasets.errors import DatasetError
from pinet_ros.training.datasets.scene_fields import NOBODY
from pinet_ros.training.processes import available_cores, run_in_processes
from pinet_ros.training.rendering.adapted_truth import adapt_truth
from pinet_ros.training.rendering.gathering import gather, read_estimates, write_estimates
from pinet_ros.training.rendering.shards import RenderedScenes, Shard
from pinet_ros.training.settings import hold_settings

_BATCH = 10  # pictures at once on a GPU; the CPU is no faster with several
_FILES = ("detector_weights", "posenet", "rootnet")
_LIVE = PoseEstimator.load.__kwdefaults__  # a refiner is to learn from what it will be given


@dataclass(frozen=True)
class EstimatorSettings:
    """What decides the estimates, by default as of a camera; see PoseEstimator.load.

    Raises:
        PinetError: files are not for what was chosen.
    """

    detector: str = _LIVE["detector"]
    detector_weights: str = _LIVE["detector_weights"]
    lifter: str = _LIVE["lifter"]
    posenet: str = _LIVE["posenet"]
    rootnet: str = _LIVE["rootnet"]
    score_threshold: float = _LIVE["score_threshold"]
    mirror: bool = _LIVE["mirror"]

    def __post_init__(self) -> None:
        require_fitting(
            self.detector, self.detector_weights, self.lifter, self.posenet, self.rootnet
        )

    @property
    def name(self) -> str:
        """Of the folder in which the estimates are kept, another one for other files."""
        marks = {network: f"_{sha256[:8]}" for network, sha256 in self.files.items()}
        detector = self.detector + marks.get("detector_weights", "")
        lifter = self.lifter + marks.get("posenet", "") + marks.get("rootnet", "")
        mirrored = "_mirror" if self.mirror else ""
        return f"{detector}_{self.score_threshold}+{lifter}{mirrored}"

    @cached_property
    def files(self) -> dict[str, str]:
        """The SHA-256 of each file that was given, by what it is for.

        Raises:
            PinetError: one cannot be read.
        """
        given = {name: getattr(self, name) for name in _FILES}
        return {name: _hash(value) for name, value in given.items() if value}


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

    What is estimated is kept shard by shard in a folder of FOLDER/estimates for the settings, so
    that a run which was stopped is gone on with, and shards that are rendered later are added.
    Its settings.json has all that decides the estimates: settings, networks and data set.

    Args:
        folder: of a rendered data set, see RenderedScenes.
        output: .npz file of scenes, see scene_fields, with all of the truth besides.
        settings: of the estimator.
        device: auto, cpu, cuda or cuda:N.
        workers: processes on the CPU, each with one thread; None for one on each core.

    Raises:
        DatasetError: the data set is damaged or empty, the kept estimates are damaged, of other
            networks or of another data set, or the output is no .npz file.
        PinetError: the estimator cannot be loaded, or a worker was killed.
    """
    if Path(output).suffix != ".npz":
        raise DatasetError(f"scenes are written to an .npz file, got {output}")
    settings = settings or EstimatorSettings()
    scenes = RenderedScenes(folder)
    shards = {number: scenes.read(number) for number in scenes.shards()}
    if not shards:
        raise DatasetError(f"{folder} has no shards; render some first")
    kept = scenes.folder / "estimates" / settings.name
    paths = {number: kept / f"{number:05d}.npz" for number in shards}
    begun = any(path.is_file() for path in paths.values())
    hold_settings(kept / "settings.json", _deciding(settings, scenes), replace=not begun)
    todo = [(shards[number], path) for number, path in paths.items() if not path.is_file()]
    _estimate_shards(todo, settings, select_device(device), workers or available_cores())
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


def _deciding(settings: EstimatorSettings, scenes: RenderedScenes) -> dict[str, object]:
    """All that decides the estimates: files by what is in them, wherever they lie."""
    chosen = {name: value for name, value in asdict(settings).items() if name not in _FILES}
    networks: dict[str, object] = {
        name: {file.name: file.sha256 for file in model(name).files}
        for name in (settings.detector, settings.lifter)
        if name in NETWORKS
    } | settings.files
    if settings.detector in TORCHVISION_DETECTORS and not settings.detector_weights:
        networks["detector_weights"] = _torchvisions_own(settings.detector)
    return {**chosen, "networks": networks, "data_set": scenes.settings}


def _torchvisions_own(detector: str) -> str:
    """The file of torchvision's weights, whose name has a part of its hash."""
    from torchvision import models  # importing it takes seconds

    return Path(models.get_model_weights(detector).DEFAULT.url).name


def _hash(file: str) -> str:
    """The SHA-256 of a file; the word for weights that are none stays."""
    if file == RANDOM:
        return file
    try:
        return sha256_of(Path(file))
    except OSError as error:
        raise PinetError(f"the weights {file} cannot be read: {error}") from error


def _estimate_shards(
    todo: Sequence[tuple[Shard, Path]],
    settings: EstimatorSettings,
    device: torch.device,
    workers: int,
) -> None:
    """Estimate shards, and write for each what was found to its path."""
    if device.type == "cpu":
        run_in_processes(
            _estimate_shard,
            todo,
            workers=workers,
            set_up=_set_up,
            shared=(settings,),
            unit="shard",
            names=[path.stem for _, path in todo],
        )
    elif todo:
        estimator = PoseEstimator.load(**asdict(settings), device=device)
        for shard, path in tqdm(todo, unit="shard", disable=None):
            _estimate_shard(estimator, shard, path)


def _set_up(settings: EstimatorSettings) -> PoseEstimator:
    device = select_device("cpu")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    return PoseEstimator.load(**asdict(settings), device=device)


def _estimate_shard(estimator: PoseEstimator, shard: Shard, path: Path) -> None:
    size = 1 if estimator.device.type == "cpu" else _BATCH
    found: list[People] = []
    with ThreadPoolExecutor(1) as ahead:  # pictures are decoded while the networks run
        images = ahead.map(shard.image, range(len(shard)))
        cameras = map(shard.camera, range(len(shard)))
        while batch := list(islice(images, size)):
            found += estimator.estimate_batch(batch, "bgr", list(islice(cameras, len(batch))))
    write_estimates(path, found)
