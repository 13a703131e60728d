"""Training of BlazePose's network on rendered people, from the published weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.utils.data import DataLoader
from tqdm import tqdm

from pinet_ros.errors import DatasetError
from pinet_ros.lifting.blazepose_network import LANDMARK_VALUES, VISIBILITY, BlazePoseNetwork
from pinet_ros.lifting.blazepose_weights import load_blazepose, save_blazepose
from pinet_ros.models.cache import sha256_of
from pinet_ros.models.networks import as_network
from pinet_training.lifter.blazepose_losses import Counts, losses
from pinet_training.lifter.blazepose_recipe import BlazePoseRecipe
from pinet_training.lifter.blazepose_validation import held_out_rows, validate_on_crops
from pinet_training.lifter.deviation_fit import fit_deviations
from pinet_training.lifter.drawn_boxes import DrawnBoxes
from pinet_training.lifter.joint_adaptation import JointAdaptation
from pinet_training.lifter.pose_crops import Batch, PoseCrops
from pinet_training.lifter.pose_samples import NOBODY, PoseSamples
from pinet_training.originals.blazepose_original import published_weights
from pinet_training.runs.channel_adam import ChannelAdam, step_sizes
from pinet_training.runs.epochs import Trainer, running_average
from pinet_training.runs.run_folder import RunFolder
from pinet_training.runs.workers import Workers

# Deviations before the training: of joints and of the distance's logarithm.
_DEVIATION, _DISTANCE_DEVIATION = 0.2, 0.15
_LOOKED_AT = 64  # crops from which the sizes of steps come
_TOGETHER = 50  # crops of a batch without gradients
_SOFTER = 0.1  # scale of the logits of visibility and presence at the start

PUBLISHED = "published"

Validation = Callable[[BlazePoseNetwork], dict[str, float]]


@dataclass(frozen=True, eq=False)
class PoseData:
    """Training and validation data of BlazePose.

    Attributes:
        train: boxes and people to train on.
        held_out: others, of other bodies and motions.
        real: measures a network on real people; None for no such validation.

    Raises:
        DatasetError: a part has no people.
    """

    train: PoseSamples
    held_out: PoseSamples
    real: Validation | None = None

    def __post_init__(self) -> None:
        for name, samples in (("train", self.train), ("test", self.held_out)):
            if not (samples.person != NOBODY).any():
                raise DatasetError(f"the {name} split of the scenes has no people; render more")


def train_blazepose(
    data: PoseData,
    recipe: BlazePoseRecipe,
    device: torch.device | str = "cpu",
    *,
    initial: str = PUBLISHED,
    processes: int = 0,
    workers: Workers | None = None,
    folder: RunFolder | None = None,
    log: Callable[[str], None] | None = tqdm.write,
) -> tuple[BlazePoseNetwork, list[dict[str, Any]]]:
    """Train a network; the arguments are those of `lifter_training.train_lifter`.

    `initial` are PUBLISHED weights or a file of an earlier training, to go on from. The teacher
    is always the published network.

    Returns:
        The running average of the network, and the records of the epochs, see `Trainer.run`.

    Raises:
        ModelError: the published weights have not been fetched, or the file cannot be used.
        RecipeError: a batch has fewer crops than there are workers.
        TrainingError: the loss is not finite.
    """
    workers = workers or Workers()
    workers.require_a_sample_each(recipe.batch_size)
    trainer = _Trainer(data, recipe, torch.device(device), processes, workers, initial)
    records = trainer.run(recipe.epochs, folder=folder, log=log)
    return trainer.trained.eval(), records


def blazepose_configuration(
    recipe: BlazePoseRecipe, data: PoseData, initial: str = PUBLISHED
) -> dict[str, Any]:
    """Return what determines the result of a training, for its run folder."""
    boxes = {"train": data.train, "held_out": data.held_out}
    described = {name: {"boxes": len(s), "sha256": s.sha256()} for name, s in boxes.items()}
    begun = initial if initial == PUBLISHED else sha256_of(Path(initial))
    return {"recipe": asdict(recipe), "data": described, "initial": begun}


class _Trainer(Trainer):
    """BlazePose in training."""

    def __init__(
        self,
        data: PoseData,
        recipe: BlazePoseRecipe,
        device: torch.device,
        processes: int,
        workers: Workers,
        initial: str = PUBLISHED,
    ) -> None:
        file = published_weights(recipe.network)
        published = _softened(load_blazepose(recipe.network, file))
        begun, source = published, file
        if initial != PUBLISHED:
            source = Path(initial)
            begun = load_blazepose(recipe.network, source)
        self.network = _with_deviations(begun, recipe.network).to(device)
        # networks that stay as they are; on the CPU ONNX Runtime is several times faster
        start = _Start(begun, recipe.frozen)
        self._start = as_network(start, start.output_names, device, "auto", source)
        teacher = _Teacher(published)
        self._teacher = as_network(teacher, teacher.output_names, device, "auto", file)
        for part in self.network.beginning(recipe.frozen):
            part.requires_grad_(False)
        # with channels as the last axis in memory, convolutions take a quarter of the time less
        self.network.to(memory_format=torch.channels_last)
        self.averaged = running_average(self.network, recipe.decay)
        self.workers = workers
        self._rest = workers.wrap(_Rest(self.network))
        self._recipe = recipe
        self._processes = processes
        self._device = device
        self._real = data.real
        self._train = data.train
        adaptation = JointAdaptation.fit(data.train, self._teacher, device, processes)
        self._joints = adaptation.apply(data.train.joints)
        held_out = adaptation.apply(data.held_out.joints)
        rows = held_out_rows(data.held_out)
        self._held_out = PoseCrops(data.held_out, rows, held_out, augment=False)
        self._boxes = DrawnBoxes(data.train, recipe.nobody)
        sizes = step_sizes(self.network, self._look)
        sizes = {each: workers.mean(size) for each, size in sizes.items()}
        self.optimiser = ChannelAdam(sizes, recipe.learning_rate)

    def batches(self, epoch: int) -> DataLoader:
        recipe = self._recipe
        self._weights = recipe.weights_at(epoch)
        crops = self._drawn(recipe.steps * recipe.batch_size, (recipe.seed, epoch))
        rows = np.arange(len(crops)).reshape(recipe.steps, -1)
        mine = rows[:, self.workers.shard(recipe.batch_size).numpy()]
        return crops.loader(mine.tolist(), self._processes)

    def step(self, batch: Batch) -> float:
        batch = {name: each.to(self._device, non_blocking=True) for name, each in batch.items()}
        crops = batch["crop"].float() / 255
        with torch.no_grad():
            asked = self._asked()
            counts = Counts.of(batch["is_person"], asked)
            counts = Counts(*self.workers.mean(counts).tolist())
            teacher = self._teacher(crops[:asked])
            scales = self._start(crops)
            scales = [each.contiguous(memory_format=torch.channels_last) for each in scales]
        parts = losses(self._rest(*scales), batch, teacher, counts)
        weighted = [self._weights[name] * part.float() for name, part in parts.items()]
        loss = torch.stack(weighted).sum()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        clip_grad_norm_(self.network.parameters(), self._recipe.gradient)
        self.optimiser.step()
        return self.workers.mean(loss.detach()).item()

    def _asked(self) -> int:
        """How many of this worker's crops the teacher is asked on: the first of the batch."""
        size = self._recipe.batch_size
        first = max(1, round(self._recipe.taught * size))
        return int((self.workers.shard(size) < first).sum())

    def learning_rate_at(self, progress: float) -> float:
        return self._recipe.learning_rate_at(progress)

    def validate(self) -> dict[str, float] | None:
        """Errors on held-out rendered people and on real people, see `validate_on_crops`."""
        network = self.trained.eval()
        found = validate_on_crops(network, self._held_out, self._device, self._processes)
        return found | (self._real(network) if self._real else {})

    def finish(self) -> None:
        """Fit the deviations to the errors of the trained network."""
        network = self.trained.eval()
        crops = self._drawn(self._recipe.fitted, (self._recipe.seed, self._recipe.epochs + 1))
        fit_deviations(network, crops.loader(_parts(len(crops)), self._processes), self._device)

    def summary(self, validation: dict[str, float]) -> str:
        return ", ".join(f"{name} {value:.1f}" for name, value in validation.items())

    def write(self, path: Path) -> None:
        save_blazepose(path, self._recipe.network, self.trained)

    def _look(self) -> None:
        """Run the network on crops like those of the training."""
        crops = self._drawn(_LOOKED_AT, (self._recipe.seed, 0))  # epochs are counted from 1
        (batch,) = crops.loader([list(range(len(crops)))], 0)
        self.network(batch["crop"].to(self._device).float() / 255)

    def _drawn(self, count: int, seed: tuple[int, int]) -> PoseCrops:
        """Crops as the training sees them."""
        order = self._boxes.draw(count, np.random.default_rng(seed))
        return PoseCrops(self._train, order, self._joints, augment=True, seed=seed)


class _Start(nn.Module):
    """The part of a network that is not trained."""

    def __init__(self, network: BlazePoseNetwork, stages: int) -> None:
        super().__init__()
        self.network = network
        self.input_shape = network.input_shape
        self.output_names = [f"stage_{number}" for number in range(stages)]

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        return self.network.begin(crops, len(self.output_names))


class _Teacher(nn.Module):
    """The network before the training; its exported file has a name of its own by this class."""

    def __init__(self, network: BlazePoseNetwork) -> None:
        super().__init__()
        self.network = network
        self.input_shape = network.input_shape
        self.output_names = network.output_names

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        return self.network(crops)


class _Rest(nn.Module):
    """The part of a network that is trained."""

    def __init__(self, network: BlazePoseNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, *scales: Tensor) -> tuple[Tensor, ...]:
        return self.network.finish(scales)


def _parts(count: int) -> list[list[int]]:
    """Numbers of crops, in parts of a batch."""
    return [list(range(n, min(n + _TOGETHER, count))) for n in range(0, count, _TOGETHER)]


@torch.no_grad()
def _softened(published: BlazePoseNetwork) -> BlazePoseNetwork:
    """The network with logits of visibility and presence that are smaller.

    As published they are around 60, also where they are wrong. Nothing can be learnt from that.
    """
    of_visibility = slice(VISIBILITY, None, LANDMARK_VALUES)
    for head, rows in ((published.landmarks, of_visibility), (published.presence, slice(None))):
        head.weight[rows] *= _SOFTER
        head.bias[rows] *= _SOFTER
    return published


def _with_deviations(begun: BlazePoseNetwork, name: str) -> BlazePoseNetwork:
    """A copy of a network with a head of deviations; a new one says the same for everybody."""
    network = BlazePoseNetwork(name.removeprefix("blazepose_"))
    network.load_state_dict(begun.state_dict(), strict=False)
    if begun.deviations is not None:
        return network
    head = network.deviations
    nn.init.zeros_(head.weight)
    nn.init.constant_(head.bias, np.log(_DEVIATION))
    with torch.no_grad():
        head.bias[-1] = np.log(_DISTANCE_DEVIATION)
    return network
