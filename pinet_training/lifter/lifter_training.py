"""Training of PoseNet or RootNet on people in images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from pinet_ros.errors import DatasetError
from pinet_ros.lifting.mppe.mppe_lifter import MEAN, STD
from pinet_ros.lifting.mppe.snapshots import save_snapshot
from pinet_training.lifter.crops import CELL, Crops, LearningSet, Sample, mixed_order
from pinet_training.lifter.initial_weights import describe_initial, initial_network
from pinet_training.lifter.lifter_recipe import LifterRecipe
from pinet_training.lifter.person_samples import PeopleInPictures
from pinet_training.lifter.targets import TASKS
from pinet_training.runs.epochs import Trainer
from pinet_training.runs.run_folder import RunFolder
from pinet_training.runs.workers import Workers


@dataclass(frozen=True, eq=False)
class LifterData:
    """Training and validation data of a network.

    Attributes:
        sets: people to train on; the first set must have depth, and its joints are the outputs of
            PoseNet.
        validation: people who are not trained on; None for no validation.

    Raises:
        DatasetError: a set is empty, or the first one has no depth.
    """

    sets: Sequence[PeopleInPictures]
    validation: PeopleInPictures | None = None

    def __post_init__(self) -> None:
        for number, people in enumerate(self.sets, start=1):
            if not len(people):
                raise DatasetError(f"data set {number} contains no people to train on")
        if not np.isfinite(self.sets[0].depths).any():
            raise DatasetError(
                "the first data set must have depth, but it has 2D joints only; give a data set "
                "with depth first"
            )

    def learning_set(self, people: PeopleInPictures, network: str) -> LearningSet:
        """Convert people to the joints of the first set and compute a network's targets.

        Args:
            people: people of any of the data sets.
            network: a key of TASKS.
        """
        people = people.in_joints(self.sets[0].joint_set)
        return LearningSet(people, TASKS[network].targets(people))


def train_lifter(
    data: LifterData,
    recipe: LifterRecipe,
    device: torch.device | str = "cpu",
    *,
    initial: str = "random",
    processes: int = 0,
    workers: Workers | None = None,
    folder: RunFolder | None = None,
    log: Callable[[str], None] | None = tqdm.write,
) -> tuple[nn.Module, list[dict[str, Any]]]:
    """Train a network.

    Args:
        data: training and validation data.
        recipe: how the network is trained.
        device: device to train on.
        initial: initial weights, see `initial_network`.
        processes: number of processes that load images, 0 for this one; does not change the
            result.
        workers: this process among the workers that train together; by default it is the only one.
        folder: where the run is written; a run that was started there is resumed.
        log: called with one line per epoch; None disables it and the progress bar.

    Returns:
        The network in evaluation mode, and the records of the epochs, see `Trainer.run`.

    Raises:
        DatasetError: an image is missing or damaged.
        RecipeError: a batch has fewer people than there are workers.
        TrainingError: the loss is not finite.
        PinetError: the initial weights are not available.
    """
    workers = workers or Workers()
    workers.require_a_sample_each(recipe.batch_size)
    network = initial_network(recipe, data.sets[0].joint_set, initial).to(device)
    trainer = _Trainer(network, data, recipe, processes, workers)
    records = trainer.run(recipe.epochs, folder=folder, log=log)
    return network.eval(), records


def lifter_configuration(recipe: LifterRecipe, data: LifterData, initial: str) -> dict[str, Any]:
    """Return what determines the result of a training, for its run folder."""
    described = {
        "sets": [{"people": len(each), "sha256": each.sha256()} for each in data.sets],
        "validation": None if data.validation is None else len(data.validation),
    }
    return {"recipe": asdict(recipe), "data": described, "initial": describe_initial(initial)}


class _Trainer(Trainer):
    """PoseNet or RootNet in training."""

    def __init__(
        self,
        network: nn.Module,
        data: LifterData,
        recipe: LifterRecipe,
        processes: int,
        workers: Workers,
    ) -> None:
        self.network = network
        self.optimiser = torch.optim.Adam(network.parameters(), recipe.learning_rate)
        self.workers = workers
        self._wrapped = workers.wrap(network)
        self._recipe = recipe
        self._processes = processes
        self._sets = [data.learning_set(people, recipe.network) for people in data.sets]
        held_out = data.validation
        self._held_out = [data.learning_set(held_out, recipe.network)] if held_out else []
        self._device = next(network.parameters()).device
        self._mean, self._std = (
            torch.tensor(each, device=self._device).view(1, 3, 1, 1) * 255 for each in (MEAN, STD)
        )

    def batches(self, epoch: int) -> DataLoader:
        recipe = self._recipe
        rng = np.random.default_rng((recipe.seed, epoch))
        order = mixed_order([len(each) for each in self._sets], rng)
        order = order[: recipe.crops or None]
        # the last batch is filled up with people from the first
        steps = -(-len(order) // recipe.batch_size)
        order = order[np.arange(steps * recipe.batch_size) % len(order)]
        seed = (recipe.seed, epoch)
        crops = Crops(self._sets, order, recipe.size, recipe.augmentation, seed)
        rows = np.arange(len(order)).reshape(steps, -1)[
            :, self.workers.shard(recipe.batch_size).numpy()
        ]
        return crops.loader(rows.tolist(), self._processes)

    def step(self, batch: Sample) -> float:
        crops, targets, units, _ = (each.to(self._device, non_blocking=True) for each in batch)
        errors, _ = _errors(self._predict(self._wrapped, crops, targets), targets)
        errors = torch.cat([errors[..., :2], errors[..., 2:] * units[:, None, None]], dim=-1)
        # the mean is over all values, known or not; the number of workers is a factor, as
        # gradients are averaged over the workers
        count = self._recipe.batch_size * targets[0].numel()
        loss = errors.sum() / count * self.workers.count
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return self.workers.mean(loss.detach()).item()

    def learning_rate_at(self, progress: float) -> float:
        return self._recipe.learning_rate_at(progress)

    @torch.inference_mode()
    def validate(self) -> dict[str, float] | None:
        """Return the mean distance in the crop, and the mean depth error."""
        if not self._held_out:
            return None
        self.network.eval()
        distances, depths = [], []
        for batch in self._held_out_batches():
            crops, targets, _, millimetres = (each.to(self._device) for each in batch)
            errors, known = _errors(self._predict(self.network, crops, targets), targets)
            distances.append(errors[..., :2].norm(dim=-1)[known[..., 0]] * CELL)
            depths.append((errors[..., 2] * millimetres[:, None])[known[..., 2]])
        return {
            "crop_px": torch.cat(distances).mean().item(),
            "depth_mm": torch.cat(depths).mean().item(),
        }

    def _held_out_batches(self) -> DataLoader:
        people, size = len(self._held_out[0]), self._recipe.batch_size
        order = np.column_stack([np.zeros(people, int), np.arange(people)])
        batches = [range(n, min(n + size, people)) for n in range(0, people, size)]
        return Crops(self._held_out, order, self._recipe.size).loader(batches, self._processes)

    def summary(self, validation: dict[str, float]) -> str:
        return f"{validation['crop_px']:.1f} px in the crop, depth {validation['depth_mm']:.0f} mm"

    def write(self, path: Path) -> None:
        save_snapshot(self.network, path)

    def _predict(self, network: nn.Module, crops: Tensor, targets: Tensor) -> Tensor:
        """A network's outputs for crops (N,3,S,S) uint8, in the shape of the targets (N,K,3)."""
        return network((crops - self._mean) / self._std).view(targets.shape)


def _errors(predictions: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Absolute errors (N,K,3), 0 for unknown targets; and the mask of known targets."""
    known = targets.isfinite()
    return (predictions - targets.nan_to_num()).abs() * known, known
