"""Training of PI-Net on scenes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from pinet_ros.errors import ModelError
from pinet_ros.refinement.checkpoint import (
    Checkpoint,
    build_network,
    load_checkpoint,
    save_checkpoint,
)
from pinet_ros.refinement.formulation import Formulation, Target
from pinet_ros.refinement.refiner import Refiner
from pinet_training.datasets.scenes import Scenes, ScenesError
from pinet_training.evaluation.metrics import mean_metrics
from pinet_training.evaluation.scene_evaluation import refine_scene
from pinet_training.refiner.loss import pose_loss
from pinet_training.refiner.refiner_recipe import Recipe
from pinet_training.refiner.samples import OTHERS, Batch, Samples
from pinet_training.runs.epochs import Trainer, running_average
from pinet_training.runs.run_folder import RunFolder
from pinet_training.runs.workers import Workers

_SUMMARY = {"mpjpe_mm": "MPJPE", "pa_mpjpe_mm": "PA-MPJPE", "root_mm": "root"}


@dataclass(frozen=True)
class Training:
    """Result of a training.

    Attributes:
        network: the trained network, in evaluation mode.
        formulation: what its inputs and outputs mean.
        epochs: for each epoch: `epoch` (its number), `loss`, `learning_rate`, and `validation`,
            the result of `validate` on the held-out scenes, or None if it was not validated.
    """

    network: nn.Module
    formulation: Formulation
    epochs: list[dict[str, Any]]


def train(
    scenes: Scenes,
    recipe: Recipe,
    device: torch.device | str = "cpu",
    *,
    initial: str | Path | None = None,
    workers: Workers | None = None,
    folder: RunFolder | None = None,
    log: Callable[[str], None] | None = tqdm.write,
) -> Training:
    """Train a network on the train split of the scenes.

    Args:
        scenes: scenes to train on and, if the recipe holds some out, to validate on.
        recipe: how the network is trained.
        device: device to train on.
        initial: initial weights, see `initial_network`.
        workers: this process among the workers that train together; by default it is the only one.
        folder: where the run is written; a run that was started there is resumed.
        log: called with one line on what is held out, and one per validation; None disables it
            and the progress bar.

    Raises:
        ScenesError: there are no people to train on.
        TrainingError: the loss is not finite.
        RunFolderError: the folder's checkpoint cannot be read.
        ModelError: the checkpoint belongs to another variant, or the initial weights cannot be
            used.
    """
    kept, held_out = _divide(scenes, recipe)
    network = initial_network(recipe, initial).to(device)
    workers = workers or Workers()
    trainer = _Trainer(network, kept, held_out, recipe, device, workers)
    if log and workers.is_main:
        log(_describe_validation(kept, held_out, recipe.validation))
    epochs = trainer.run(
        recipe.epochs, validation_interval=recipe.validation_interval, folder=folder, log=log
    )
    return Training(trainer.trained.eval(), trainer.formulation, epochs)


def _divide(scenes: Scenes, recipe: Recipe) -> tuple[Scenes, Scenes]:
    """The scenes to train on, of which there are some, and those to validate on."""
    to_train = scenes.select(split="train")
    if not len(to_train):
        raise ScenesError(
            f"there are no scenes of the train split to train on, with people who were found: the "
            f"data has {len(scenes)} of the test split; give other data"
        )
    kept, held_out = to_train.hold_out(recipe.validation, np.random.default_rng(recipe.seed))
    if not len(kept):
        raise ScenesError(
            f"nothing is left to train on: all {len(held_out)} scenes of the train split are held "
            f"out for validation, a fraction of {recipe.validation:g}; lower it (--validation)"
        )
    return kept, held_out


def initial_network(recipe: Recipe, initial: str | Path | None = None) -> nn.Module:
    """Build a network with its initial weights.

    Args:
        recipe: variant and formulation of the network, and the seed of random weights.
        initial: initial weights, as `load_checkpoint` expects them; None for random ones from the
            recipe's seed.

    Raises:
        ModelError: the weights cannot be read, or are of another network or formulation than the
            recipe's.
    """
    if initial is not None:
        network, formulation, _ = load_checkpoint(initial)
        _require_same(f"the weights {initial}", network, formulation, recipe)
        return network
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        network = build_network(recipe.network)
    if recipe.target is Target.CORRECTION:
        network.start_without_corrections()
    return network


def _require_same(what: str, network: nn.Module, formulation: Formulation, recipe: Recipe) -> None:
    """Check that initial weights have the network and formulation of the recipe."""
    wanted = {**asdict(recipe.formulation), **asdict(recipe.network)}
    given = {**asdict(formulation), **asdict(network.config)}
    wrong = [
        f"{name} {given.get(name)} instead of {value}"
        for name, value in wanted.items()
        if given.get(name) != value
    ]
    if wrong:
        raise ModelError(
            f"{what} do not match this recipe: {', '.join(wrong)}; choose --recipe, --variant, "
            "--standardisation and --target as these weights were trained"
        )


def validate(scenes: Scenes, refiner: Refiner) -> dict[str, float]:
    """Return the mean errors of all people of the scenes after refinement, see METRICS.

    Those of the input, before refinement, have `input_` in front of their names.
    """
    refined = np.concatenate([refine_scene(scene, refiner) for scene in scenes])
    estimates = np.concatenate([scene.estimates for scene in scenes])
    truth = np.concatenate([scene.truth for scene in scenes])
    before = mean_metrics(estimates, truth)
    return mean_metrics(refined, truth) | {f"input_{k}": value for k, value in before.items()}


def _describe_validation(kept: Scenes, held_out: Scenes, fraction: float) -> str:
    """What is held out, or why nothing is."""
    if len(held_out):
        of_all = f"{len(held_out)} of {len(kept) + len(held_out)} scenes"
        if names := held_out.sequences:
            parts = f"{len(names)} of {len(kept.sequences) + len(names)} sequences"
            return f"validation on {parts} ({', '.join(names)}), {of_all}"
        return f"validation on {of_all}, with bodies that the others do not have"
    if fraction > 0 and len(kept.sequences) == 1:
        return (
            "no validation: all images are of one sequence (they are not in folders, or all in "
            "one), and its frames are too alike to hold some out; give several sequences"
        )
    return f"no validation: a fraction of {fraction:g} holds nothing out"


def _summary(label: str, name: str, validation: dict[str, float]) -> str:
    before = validation.get(f"input_{name}")  # epochs of an older version lack it
    of_input = "" if before is None else f" (input {before:.1f})"
    return f"{label} {validation[name]:.1f} mm{of_input}"


class _Trainer(Trainer):
    """PI-Net in training on samples, validated on held-out scenes."""

    def __init__(
        self,
        network: nn.Module,
        scenes: Scenes,
        held_out: Scenes,
        recipe: Recipe,
        device: torch.device | str,
        workers: Workers,
    ) -> None:
        self.formulation = recipe.formulation
        self.network = network
        if recipe.averaging:
            self.averaged = running_average(self.network, recipe.averaging)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self.workers = workers
        self._wrapped = workers.wrap(self.network)
        self._samples = Samples(scenes, device)
        self._estimators = scenes.estimators
        self._held_out = held_out
        self._recipe = recipe
        self._device = device

    def batches(self, epoch: int) -> list[np.ndarray]:
        rng = np.random.default_rng((self._recipe.seed, epoch))
        self._generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        return self._samples.batches(OTHERS[self._recipe.others], self._recipe.batch_size, rng)

    def learning_rate_at(self, progress: float) -> float:
        return self._recipe.learning_rate_at(progress)

    def validate(self) -> dict[str, float] | None:
        if not len(self._held_out):
            return None
        return validate(
            self._held_out, Refiner(Checkpoint(self.trained, self.formulation), self._device)
        )

    def summary(self, validation: dict[str, float]) -> str:
        return ", ".join(_summary(label, name, validation) for name, label in _SUMMARY.items())

    def write(self, path: Path) -> None:
        save_checkpoint(path, self.trained, self.formulation, self._estimators)

    def step(self, batch: np.ndarray) -> float:
        batch = self._prepare(self._samples.gather(batch, self._generator), self._generator)
        count = batch.known.sum()
        mine = self.workers.shard(len(batch.present))
        # a worker without sequences still takes a step, as the others wait for its gradients
        rows, weight = (mine, self.workers.count) if len(mine) else (torch.tensor([0]), 0.0)
        errors = pose_loss(
            self.formulation,
            self._wrapped,
            batch.estimates[rows],
            batch.truth[rows],
            batch.present[rows],
            batch.deviations[rows],
            batch.up[rows],
        )
        errors = errors * batch.known[rows]
        loss = errors.sum() / count * weight  # gradients are averaged over the workers
        self.optimiser.zero_grad()
        loss.backward()
        if self._recipe.gradient_limit is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self._recipe.gradient_limit)
        self.optimiser.step()
        return self.workers.mean(loss.detach()).item()

    def _prepare(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The sequences as the network sees them: ordered and augmented."""
        batch = self._recipe.augmentation(batch, generator)
        order = self.formulation.order_people(
            batch.estimates, batch.boxes, batch.present, generator
        )
        return batch.reordered(order[:, 0])
