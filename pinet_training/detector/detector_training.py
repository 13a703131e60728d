"""Training of NanoDet on rendered people, from the published weights."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.utils.data import DataLoader
from tqdm import tqdm

from pinet_ros.detection.nanodet import MEAN, STD, NanoDet
from pinet_ros.detection.nanodet_network import NanoDetNetwork
from pinet_ros.detection.nanodet_weights import save_nanodet
from pinet_ros.errors import DatasetError
from pinet_ros.imaging.frame import Frame
from pinet_training.detector.detector_losses import detector_losses
from pinet_training.detector.detector_recall import WRONG, Detect, KnownPicture, measure_recalls
from pinet_training.detector.detector_recipe import DetectorRecipe
from pinet_training.detector.detector_scenes import DetectorScenes
from pinet_training.detector.detector_views import DetectorViews, Views
from pinet_training.detector.known_pictures import picture_of_nobody, pictures_of_scenes
from pinet_training.detector.score_calibration import calibrate, fit_calibration
from pinet_training.originals.nanodet_original import published_nanodet
from pinet_training.runs.channel_adam import ChannelAdam, step_sizes
from pinet_training.runs.epochs import Trainer, running_average
from pinet_training.runs.run_folder import RunFolder
from pinet_training.runs.workers import Workers

_LOOKED_AT = 16  # views from which the sizes of steps come
_VALIDATED = 300  # held-out pictures
_CALIBRATED = 1500  # pictures of the training that scores are calibrated on
_LOWEST = 0.05  # score of boxes that are validated


@dataclass(frozen=True, eq=False)
class DetectorData:
    """Training and validation data.

    Attributes:
        train: scenes to train on.
        held_out: others, of other bodies and motions.
        without_people: images (H,W,3) uint8 BGR of real places without people.
        real: pictures of real people to validate on; may be empty.

    Raises:
        DatasetError: nobody is in the scenes.
    """

    train: DetectorScenes
    held_out: DetectorScenes
    without_people: Sequence[np.ndarray] = ()
    real: Sequence[KnownPicture] = ()

    def __post_init__(self) -> None:
        if not any(len(scene.people) for scene in self.train.scenes):
            raise DatasetError("the train split of the scenes has no people; render more")


def train_detector(
    data: DetectorData,
    recipe: DetectorRecipe,
    device: torch.device | str = "cpu",
    *,
    processes: int = 0,
    workers: Workers | None = None,
    folder: RunFolder | None = None,
    log: Callable[[str], None] | None = tqdm.write,
) -> tuple[NanoDetNetwork, list[dict[str, Any]]]:
    """Train a network; the arguments are those of `lifter_training.train_lifter`.

    Returns:
        The network, and the records of the epochs, see `Trainer.run`.

    Raises:
        ModelError: the published weights have not been fetched.
        RecipeError: a batch has fewer views than there are workers.
        TrainingError: the loss is not finite.
    """
    workers = workers or Workers()
    workers.require_a_sample_each(recipe.batch_size)
    trainer = _Trainer(data, recipe, torch.device(device), processes, workers)
    records = trainer.run(recipe.epochs, folder=folder, log=log)
    return trainer.result(), records


def detector_configuration(recipe: DetectorRecipe, data: DetectorData) -> dict[str, Any]:
    """Return what determines the result of a training, for its run folder."""
    described = {name: _described(getattr(data, name)) for name in ("train", "held_out")}
    digest = hashlib.sha256()
    for image in data.without_people:
        digest.update(image.tobytes())
    described["without_people"] = {
        "pictures": len(data.without_people),
        "sha256": digest.hexdigest(),
    }
    return {"recipe": asdict(recipe), "data": described}


def detections_of(network: NanoDetNetwork, device: torch.device) -> Detect:
    """A function that detects people as live, down to low scores, with a network in training."""
    with TemporaryDirectory() as temporary:
        weights = Path(temporary) / "weights.safetensors"
        save_nanodet(weights, network)
        # not by ONNX Runtime, which would keep an exported file of each of these networks
        detector = NanoDet(
            weights=weights, device=device, runtime="torch", score_threshold=_LOWEST
        )
    return lambda picture: detector([Frame.from_array(picture.image(), device=device)])[0]


class _Trainer(Trainer):
    """NanoDet in training."""

    def __init__(
        self,
        data: DetectorData,
        recipe: DetectorRecipe,
        device: torch.device,
        processes: int,
        workers: Workers,
    ) -> None:
        self._published = published_nanodet().to(device)
        self.network = deepcopy(self._published)
        # with channels as the last axis in memory, convolutions take less time
        self.network.to(memory_format=torch.channels_last)
        self._published.requires_grad_(False)
        self.averaged = running_average(self.network, recipe.decay)
        self.workers = workers
        self._logits = workers.wrap(_Logits(self.network))
        self._data = data
        self._recipe = recipe
        self._device = device
        self._processes = processes
        self._mean, self._std = (
            torch.tensor(each, device=device).view(1, 3, 1, 1) for each in (MEAN, STD)
        )
        sizes = step_sizes(self.network, self._look)
        sizes = {each: workers.mean(size) for each, size in sizes.items()}
        self.optimiser = ChannelAdam(sizes, recipe.learning_rate)

    def batches(self, epoch: int) -> DataLoader:
        recipe = self._recipe
        views = self._drawn(recipe.steps * recipe.batch_size, (recipe.seed, epoch))
        rows = np.arange(len(views)).reshape(recipe.steps, -1)
        mine = rows[:, self.workers.shard(recipe.batch_size).numpy()]
        return views.loader(mine.tolist(), self._processes)

    def step(self, batch: Views) -> float:
        recipe = self._recipe
        batch = {name: each.to(self._device, non_blocking=True) for name, each in batch.items()}
        images = self._standardised(batch)
        logits, distances = self._logits(images)
        teacher = torch.zeros_like(logits)
        real = batch["is_real"] > 0
        if real.any():
            with torch.no_grad():
                teacher[real] = self._published.logits(images[real])[0]
        found = detector_losses(self.network, logits, distances, batch, teacher)
        weighted = (
            recipe.score * found.score
            + recipe.box * found.box
            + recipe.distance * found.distance
            + recipe.taught * found.taught
        )
        # those of the whole batch, a worker on average, as gradients are averaged over the workers
        positives = self.workers.mean(torch.tensor(float(found.positives), device=self._device))
        loss = weighted / positives.clamp_min(1 / self.workers.count)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        clip_grad_norm_(self.network.parameters(), recipe.gradient)
        self.optimiser.step()
        return self.workers.mean(loss.detach()).item()

    def learning_rate_at(self, progress: float) -> float:
        return self._recipe.learning_rate_at(progress)

    def result(self) -> NanoDetNetwork:
        """The network that the training gives, see `DetectorRecipe.kept`."""
        network = deepcopy(self._published).eval()
        trained = self.trained.state_dict()
        with torch.no_grad():
            for name, value in network.state_dict().items():
                value.lerp_(trained[name], 1 - self._recipe.kept)
        return network

    def finish(self) -> None:
        """Calibrate the scores of the result, on scenes and on pictures of real places."""
        before = self.result()
        pictures = pictures_of_scenes(self._data.train, _CALIBRATED)
        pictures += [picture_of_nobody("", image) for image in self._data.without_people]
        calibration = fit_calibration(measure_recalls(self._detect(before), pictures))
        after = deepcopy(before)
        calibrate(after, calibration)
        # only the average is saved with a run, and the result has but a part of it
        part = 1 - self._recipe.kept
        with torch.no_grad():
            for trained, old, new in zip(
                *(each.parameters() for each in (self.trained, before, after)), strict=True
            ):
                trained += (new - old) / part

    def validate(self) -> dict[str, float]:
        """Recall at some numbers of wrong boxes a picture, on held-out and on real people."""
        detect = self._detect(self.result())
        report = {}
        held_out = pictures_of_scenes(self._data.held_out, _VALIDATED)
        for name, pictures in (("rendered", held_out), ("real", self._data.real)):
            if not pictures:
                continue
            recalls = measure_recalls(detect, pictures)
            people = max(1, len(recalls.scores))
            for wrong in WRONG:
                found, _ = recalls.at(recalls.threshold_at(wrong))
                report[f"{name}_{wrong}"] = 100 * found / people
        return report

    def _detect(self, network: NanoDetNetwork) -> Detect:
        return detections_of(network, self._device)

    def summary(self, validation: dict[str, float]) -> str:
        return ", ".join(f"{name} {value:.1f} %" for name, value in validation.items())

    def write(self, path: Path) -> None:
        save_nanodet(path, self.result())

    def _drawn(self, count: int, seed: tuple[int, int]) -> DetectorViews:
        """Views of scenes and of real places, drawn at random."""
        rng = np.random.default_rng(seed)
        scenes, places = len(self._data.train), len(self._data.without_people)
        order = rng.integers(scenes, size=count)
        if places:
            real = rng.random(count) < self._recipe.real
            order[real] = scenes + rng.integers(places, size=int(real.sum()))
        return DetectorViews(self._data.train, self._data.without_people, order, seed)

    def _standardised(self, batch: Views) -> Tensor:
        images = (batch["image"].float() - self._mean) / self._std
        return images.contiguous(memory_format=torch.channels_last)

    def _look(self) -> None:
        """Run the network on views like those of the training."""
        views = self._drawn(_LOOKED_AT, (self._recipe.seed, 0))  # epochs are counted from 1
        (batch,) = views.loader([list(range(_LOOKED_AT))], 0)
        self.network(self._standardised({"image": batch["image"].to(self._device)}))


class _Logits(nn.Module):
    """A network that gives its logits, as torch's parallel training calls `forward`."""

    def __init__(self, network: NanoDetNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.network.logits(images)


def _described(scenes: DetectorScenes) -> dict[str, Any]:
    digest = hashlib.sha256()
    for scene in scenes.scenes:
        for boxes in (scene.people, scene.ignored):
            digest.update(np.ascontiguousarray(boxes))
    return {"scenes": len(scenes), "sha256": digest.hexdigest()}
