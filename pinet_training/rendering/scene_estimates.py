"""Runs an estimator over all images of a rendered data set, and writes scenes to train on."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm import tqdm

from pinet_ros.detection.nanodet_weights import nanodet_file
from pinet_ros.detection.torchvision_detector import RANDOM, TORCHVISION_DETECTORS
from pinet_ros.errors import DatasetError, PinetError
from pinet_ros.estimator import EstimatorConfig, PoseEstimator
from pinet_ros.lifting.blazepose_weights import BLAZEPOSE, weights_file
from pinet_ros.lifting.lifter import estimator_name
from pinet_ros.models.cache import sha256_of
from pinet_ros.people import People
from pinet_ros.util.device import select_device
from pinet_ros.util.files import write_whole
from pinet_training.datasets.scene_fields import NOBODY
from pinet_training.rendering.adapted_truth import adapt_truth
from pinet_training.rendering.gathering import gather, read_estimates, write_estimates
from pinet_training.rendering.shards import RenderedScenes, Shard, require_whole
from pinet_training.runs.processes import available_cores, run_in_processes
from pinet_training.runs.settings import hold_settings

_BATCH = 10  # images per batch on a GPU; on the CPU batches are no faster
_FILES = ("detector_weights", "lifter_weights", "posenet", "rootnet")
# Options that `scenes estimate` leaves at their defaults: they change how estimates are computed,
# not what they are; and rendered cameras are upright.
NOT_KEPT = ("runtime", "precision", "max_people", "image_rotation")


@dataclass(frozen=True)
class Estimation:
    """Counts of a written file of scenes.

    Attributes:
        scenes: scenes of the data set.
        people: people in them.
        found: people with an estimate.
        duplicates: further estimates of these people.
        wrong: estimates that match no person.
    """

    scenes: int
    people: int
    found: int
    duplicates: int
    wrong: int


def estimate(
    folder: Path,
    output: Path,
    config: EstimatorConfig | None = None,
    *,
    device: str = "auto",
    workers: int | None = None,
) -> Estimation:
    """Estimate the people in all images, and write estimates and truth to a file of scenes.

    Estimates are stored shard by shard in a subfolder of FOLDER/estimates, see `folder_name`. A
    run that was stopped resumes there, and shards that are rendered later are added. The
    subfolder's settings.json contains everything that decides the estimates: settings, networks
    and data set.

    Args:
        folder: a rendered data set, see RenderedScenes.
        output: .npz file of scenes to write, see scene_fields; it also contains all of the truth.
        config: settings of the estimator, by default its own defaults.
        device: auto, cpu, cuda or cuda:N.
        workers: processes on the CPU, each with one thread; None for one per core.

    Returns:
        Counts of scenes, people and estimates.

    Raises:
        DatasetError: the data set is empty or damaged, which is told when all that is not
            damaged is estimated; the stored estimates are damaged, or from other networks or
            another data set; or the output is not an .npz file.
        PinetError: the estimator cannot be loaded, or a worker process was killed.
    """
    if Path(output).suffix != ".npz":
        raise DatasetError(
            f"scenes are written to an .npz file, got {output}; change the name of the output"
        )
    config = config or EstimatorConfig()
    scenes = RenderedScenes(folder)
    shards = {number: scenes.read(number) for number in scenes.shards()}
    if not shards:
        raise DatasetError(f"{folder} has no shards; run 'pinet scenes render' first")
    stored = scenes.folder / "estimates" / folder_name(config)
    paths = {number: stored / f"{number:05d}.npz" for number in shards}
    started = any(path.is_file() for path in paths.values())
    hold_settings(stored / "settings.json", _settings(config, scenes), replace=not started)
    todo = [(shards[number], path) for number, path in paths.items() if not path.is_file()]
    whole = [(shard, path) for shard, path in todo if not shard.damaged_images()]
    _estimate_shards(whole, config, select_device(device), workers or available_cores())
    require_whole([shard for shard, _ in todo])
    estimates = [read_estimates(path, shards[n]) for n, path in paths.items()]
    fields = adapt_truth(gather(shards, estimates), scenes.size)
    fields["scene_estimator"] = np.full(len(fields["scene_image"]), _estimator_name(config))
    write_whole(Path(output), lambda stream: np.savez_compressed(stream, **fields))
    return _count(fields)


def _estimator_name(config: EstimatorConfig) -> str:
    """Name of the estimator, as its lifter gives it."""
    if config.lifter in BLAZEPOSE:
        hashes = [_hash(str(weights_file(config.lifter, config.lifter_weights)))]
    else:
        hashes = [_hash(file) for file in (config.posenet, config.rootnet)]
    return estimator_name(config.lifter, hashes)


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


def _settings(config: EstimatorConfig, scenes: RenderedScenes) -> dict[str, object]:
    """Everything that decides the estimates; files by their content, not by their path."""
    left_out = (*_FILES, *NOT_KEPT)
    chosen = {name: value for name, value in asdict(config).items() if name not in left_out}
    networks: dict[str, object] = dict(_hashes(config))
    if config.lifter in BLAZEPOSE and not config.lifter_weights:
        file = weights_file(config.lifter)
        networks[config.lifter] = {file.name: sha256_of(file)}
    if config.detector not in TORCHVISION_DETECTORS:
        file = nanodet_file(config.detector_weights)
        networks[config.detector] = {file.name: sha256_of(file)}
    elif not config.detector_weights:
        networks["detector_weights"] = _torchvision_weights(config.detector)
    return {**chosen, "networks": networks, "data_set": scenes.settings}


def folder_name(config: EstimatorConfig) -> str:
    """Return the name of the folder for the estimates with these settings.

    It contains the start of the hash of each weights file, so other files give another name.

    Raises:
        PinetError: a weights file cannot be read.
    """
    suffixes = {network: f"_{sha256[:8]}" for network, sha256 in _hashes(config).items()}
    detector = config.detector + suffixes.get("detector_weights", "")
    of_lifter = (suffixes.get(name, "") for name in ("lifter_weights", "posenet", "rootnet"))
    lifter = config.lifter + "".join(of_lifter)
    mirrored = "_mirror" if config.mirror else ""
    return f"{detector}_{config.score_threshold}+{lifter}{mirrored}"


def _hashes(config: EstimatorConfig) -> dict[str, str]:
    """The SHA-256 of each weights file, by the option that names it."""
    given = {name: getattr(config, name) for name in _FILES}
    return {name: _hash(value) for name, value in given.items() if value}


def _torchvision_weights(detector: str) -> str:
    """File name of torchvision's own weights; it contains part of their hash."""
    from torchvision import models  # importing it takes seconds

    return Path(models.get_model_weights(detector).DEFAULT.url).name


def _hash(file: str) -> str:
    """The SHA-256 of a file; RANDOM, the word for random weights, is returned unchanged."""
    if file == RANDOM:
        return file
    try:
        return sha256_of(Path(file))
    except OSError as error:
        raise PinetError(f"the weights {file} cannot be read: {error}; check the path") from error


def _estimate_shards(
    todo: Sequence[tuple[Shard, Path]],
    config: EstimatorConfig,
    device: torch.device,
    workers: int,
) -> None:
    """Estimate the people of each shard and write them to its path."""
    if device.type == "cpu":
        run_in_processes(
            _estimate_shard,
            todo,
            workers=workers,
            set_up=_set_up,
            shared=(config,),
            unit="shard",
            names=[path.stem for _, path in todo],
        )
    elif todo:
        estimator = PoseEstimator(config, device)
        for shard, path in tqdm(todo, unit="shard", disable=None):
            _estimate_shard(estimator, shard, path)


def _set_up(config: EstimatorConfig) -> PoseEstimator:
    device = select_device("cpu")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    return PoseEstimator(config, device)


def _estimate_shard(estimator: PoseEstimator, shard: Shard, path: Path) -> None:
    size = 1 if estimator.device.type == "cpu" else _BATCH
    found: list[People] = []
    with ThreadPoolExecutor(1) as ahead:  # images are decoded while the networks run
        images = ahead.map(shard.image, range(len(shard)))
        cameras = map(shard.camera, range(len(shard)))
        while batch := list(islice(images, size)):
            estimates = estimator(batch, list(islice(cameras, len(batch))))
            found += [each.people for each in estimates]
    write_estimates(path, found)
