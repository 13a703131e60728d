"""Training PI-Net on scenes."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from pinet_ros.errors import PinetError
from pinet_ros.models.released import load_state_strict
from pinet_ros.refinement.formulation import Formulation, Target
from pinet_ros.refinement.refiner import Refiner
from pinet_ros.refinement.variants import VARIANTS, build_network
from pinet_ros.training.datasets.scenes import Scenes, ScenesError
from pinet_ros.training.evaluation.metrics import mean_metrics
from pinet_ros.training.evaluation.scenes import refine_scene
from pinet_ros.training.recipe import Recipe
from pinet_ros.training.run_folder import RunFolder, RunFolderError
from pinet_ros.training.samples import OTHERS, Batch, Samples
from pinet_ros.training.workers import Workers


class TrainingError(PinetError):
    """A training went wrong."""


@dataclass(frozen=True)
class Training:
    """What a training gave.

    Attributes:
        network: in evaluation mode.
        formulation: what its values mean.
        epochs: for each its number, `loss`, `learning_rate`, and `validation`, which is
            `validate` of the held-out scenes, or None where none was due.
    """

    network: nn.Module
    formulation: Formulation
    epochs: list[dict[str, Any]]


def train(
    scenes: Scenes,
    recipe: Recipe,
    device: torch.device | str = "cpu",
    *,
    workers: Workers | None = None,
    folder: RunFolder | None = None,
    log: Callable[[str], None] | None = tqdm.write,
) -> Training:
    """Train a network on the train split of the scenes.

    Args:
        workers: this process among those that train together.
        folder: where the run is written, and gone on with if it was begun before.
        log: called with one line for each validation; None for neither that nor a progress bar.

    Raises:
        ScenesError: there is nobody to train on.
        TrainingError: the loss is not finite.
        RunFolderError: the folder's checkpoint cannot be read.
        ModelError: it is of another variant.
    """
    workers = workers or Workers()
    kept, held_out = scenes.select(split="train").hold_out_bodies(
        recipe.validation, np.random.default_rng(recipe.seed)
    )
    if not len(kept):
        raise ScenesError(
            f"there are no scenes of the train split to train on: it has {len(held_out)}, and "
            "these are held out for validation"
        )
    trainer = _Trainer(Samples(kept, device), recipe, device, workers, log is not None)
    epochs = trainer.resume(folder)
    if folder and workers.leads:
        folder.begin()
    with _TensorBoard(folder, len(epochs)) if folder and workers.leads else nullcontext() as board:
        for number in range(len(epochs) + 1, recipe.epochs + 1):
            record = {"epoch": number, **trainer.run_epoch(number, _last_validation(epochs))}
            epochs.append(record)
            if not workers.leads:
                continue
            due = number % recipe.validation_interval == 0 or number == recipe.epochs
            record["validation"] = trainer.validate(held_out) if due and len(held_out) else None
            if folder:
                folder.save_checkpoint(trainer.state(epochs), epochs)
                board.write(record)
            if log and record["validation"]:
                log(f"epoch {number}: loss {record['loss']:.4f}; {_summary(record)}")
    if folder and workers.leads:
        folder.finish(trainer.network, trainer.formulation, epochs)
    return Training(trainer.network.eval(), trainer.formulation, epochs)


def initial_network(recipe: Recipe) -> nn.Module:
    """A network with random weights by the recipe's seed."""
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        network = build_network(VARIANTS[recipe.variant].network)
    if recipe.target is Target.CORRECTION:
        nn.init.zeros_(network.output.weight)  # begin with no correction
    return network


def validate(scenes: Scenes, refiner: Refiner) -> dict[str, float]:
    """The mean errors of all people of the scenes after refinement, see METRICS."""
    refined = [refine_scene(scene, refiner) for scene in scenes]
    truth = np.concatenate([scene.truth for scene in scenes])
    return mean_metrics(np.concatenate(refined), truth)


class _Trainer:
    """A network in training: epochs of steps.

    All random numbers of an epoch come from the recipe's seed and its number, so that a run
    which was stopped goes on as if it had not been.
    """

    def __init__(
        self,
        samples: Samples,
        recipe: Recipe,
        device: torch.device | str,
        workers: Workers,
        show_progress: bool,
    ) -> None:
        self.formulation = recipe.formulation
        self.network = initial_network(recipe).to(device)
        self._wrapped = workers.wrap(self.network)
        self._optimiser = torch.optim.AdamW(
            self.network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self._samples = samples
        self._recipe = recipe
        self._device = device
        self._workers = workers
        self._show_progress = show_progress and workers.leads

    def state(self, epochs: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "epochs": epochs,
        }

    def resume(self, folder: RunFolder | None) -> list[dict[str, Any]]:
        """Go on where the folder's run was stopped; the records of the epochs up to there."""
        state = folder.load_checkpoint(self._device) if folder else None
        if state is None:
            return []
        load_state_strict(self.network, state["network"], str(folder.checkpoint))
        self._optimiser.load_state_dict(state["optimiser"])
        return state["epochs"]

    def run_epoch(self, number: int, validation: dict[str, str]) -> dict[str, float]:
        """One pass over the samples; the mean loss and the last learning rate.

        Args:
            validation: what the progress bar shows of the last one.
        """
        rng = np.random.default_rng((self._recipe.seed, number))
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        company, size = OTHERS[self._recipe.others], self._recipe.batch_size
        batches = self._samples.batches(company, size, rng)
        self.network.train()
        total = 0.0
        progress = tqdm(
            batches,
            desc=f"epoch {number} of {self._recipe.epochs}",
            unit="step",
            leave=False,
            disable=None if self._show_progress else True,
        )
        for step, batch in enumerate(progress):
            rate = self._set_learning_rate(
                (number - 1 + step / len(batches)) / self._recipe.epochs
            )
            loss = self._step(self._samples.gather(batch, generator), generator)
            total += loss
            progress.set_postfix(loss=f"{loss:.4f}", **validation)
        if not math.isfinite(total):
            raise TrainingError(
                f"the loss is not finite in epoch {number}; lower the learning rate, or look for "
                "poses in the data that no person has"
            )
        return {"loss": total / len(batches), "learning_rate": rate}

    def validate(self, scenes: Scenes) -> dict[str, float]:
        return validate(scenes, Refiner(self.network, self.formulation, self._device))

    def _set_learning_rate(self, progress: float) -> float:
        rate = self._recipe.learning_rate_at(progress)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        return rate

    def _step(self, batch: Batch, generator: torch.Generator) -> float:
        """One step of the optimiser; the loss of the whole batch."""
        batch = self._presented(batch, generator)
        count = batch.known.sum()
        mine = self._workers.share(len(batch.present))
        # a worker without a share goes through the motions, as the others wait for its gradients
        rows, weight = (mine, self._workers.count) if len(mine) else (torch.tensor([0]), 0.0)
        errors = self.formulation.loss(
            self._wrapped, batch.estimates[rows], batch.truth[rows], batch.present[rows]
        )
        errors = errors * batch.known[rows]
        loss = errors.sum() / count * weight  # gradients are averaged over the workers
        self._optimiser.zero_grad()
        loss.backward()
        if self._recipe.gradient_limit is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self._recipe.gradient_limit)
        self._optimiser.step()
        return self._workers.sum(loss.detach()).item() / self._workers.count

    def _presented(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The sequences as the network is to see them: in order, and augmented."""
        order = self.formulation.order_people(
            batch.estimates, batch.boxes, batch.present, generator
        )
        batch = batch.reordered(order[:, 0])
        both = torch.cat([batch.estimates, batch.truth], dim=1)  # (B,2N,17,3)
        estimates, truth = self._recipe.augmentation(both, generator).chunk(2, dim=1)
        return replace(batch, estimates=estimates, truth=truth)


class _TensorBoard:
    """Event files of the epochs; those after the one that a run goes on from are replaced."""

    def __init__(self, folder: RunFolder, epoch: int) -> None:
        try:
            # imported here, as only a training with a folder needs it
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise RunFolderError(
                "the event files of a training need TensorBoard; install it: "
                "pip install tensorboard"
            ) from error

        self._writer = SummaryWriter(str(folder.path), purge_step=epoch + 1)

    def __enter__(self) -> _TensorBoard:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, record: dict[str, Any]) -> None:
        for name in ("loss", "learning_rate"):
            self._writer.add_scalar(name, record[name], record["epoch"])
        for name, value in (record["validation"] or {}).items():
            self._writer.add_scalar(f"validation/{name}", value, record["epoch"])
        self._writer.flush()


def _last_validation(epochs: list[dict[str, Any]]) -> dict[str, str]:
    done = [epoch["validation"] for epoch in epochs if epoch.get("validation")]
    return {"validation": f"{done[-1]['mpjpe_mm']:.1f} mm"} if done else {}


def _summary(record: dict[str, Any]) -> str:
    validation = record["validation"]
    return (
        f"validation MPJPE {validation['mpjpe_mm']:.1f} mm, "
        f"PA-MPJPE {validation['pa_mpjpe_mm']:.1f} mm, root {validation['root_mm']:.0f} mm"
    )
