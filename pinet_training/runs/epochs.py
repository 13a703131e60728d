"""The loop over epochs that all trainings share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from pinet_ros.errors import PinetError
from pinet_ros.models.released import load_state_strict
from pinet_training.runs.event_files import EventFiles
from pinet_training.runs.run_folder import RunFolder
from pinet_training.runs.workers import Workers


class TrainingError(PinetError):
    """A training failed."""


def running_average(network: nn.Module, decay: float) -> AveragedModel:
    """Return a running average of a network's weights.

    Source: weight averaging finds flatter minima, which generalise better to other domains
    (Cha et al., SWAD, NeurIPS 2021).

    Args:
        network: the network to average.
        decay: the average extends over about 1 / (1 - decay) steps, fewer at the start.
    """

    def average(
        averaged: torch.Tensor, now: torch.Tensor, steps: torch.Tensor | int
    ) -> torch.Tensor:
        return torch.lerp(averaged, now, max(1 - decay, 10 / (10 + float(steps))))

    return AveragedModel(network, avg_fn=average)


class Trainer(ABC):
    """Base class of trainings; a training consists of epochs, an epoch of steps.

    All random numbers of an epoch must derive from a seed and the epoch's number, so that a
    stopped run resumes as if it had not been stopped.

    Attributes:
        network: the network being trained.
        averaged: running average of its weights, which is then the result of the training; None
            for no averaging.
        optimiser: optimiser of the network's weights.
        workers: this process among the workers that train together.
    """

    network: nn.Module
    averaged: AveragedModel | None = None
    optimiser: torch.optim.Optimizer
    workers: Workers

    @abstractmethod
    def batches(self, epoch: int) -> Collection[Any]:
        """Return the batches of an epoch, one per step; epochs are counted from 1."""

    @abstractmethod
    def step(self, batch: Any) -> float:
        """Take one step of the optimiser and return the loss of the whole batch."""

    @abstractmethod
    def learning_rate_at(self, progress: float) -> float:
        """Return the learning rate at a progress of 0 to 1 through the training."""

    @abstractmethod
    def validate(self) -> dict[str, float] | None:
        """Return the errors on held-out data, None if there is none."""

    @abstractmethod
    def summary(self, validation: dict[str, float]) -> str:
        """Describe the result of `validate` in words."""

    @abstractmethod
    def write(self, path: Path) -> None:
        """Write the trained network to a file."""

    def finish(self) -> None:  # noqa: B027  # most trainings have none
        """Last work on the trained network, by the main worker alone, before its validation."""

    @property
    def trained(self) -> nn.Module:
        """The result so far: the averaged network if there is one, else the network."""
        return self.network if self.averaged is None else self.averaged.module

    def run(
        self,
        epochs: int,
        *,
        validation_interval: int = 1,
        folder: RunFolder | None = None,
        log: Callable[[str], None] | None = tqdm.write,
    ) -> list[dict[str, Any]]:
        """Train; a run in the folder resumes after its last complete epoch.

        Args:
            epochs: number of epochs of the whole training.
            validation_interval: epochs from one validation to the next; the last epoch is always
                validated.
            folder: where the run is written; a run that was started there is resumed.
            log: called with one line per validation; None disables it and the progress bar.

        Returns:
            For each epoch: `epoch` (its number), `loss`, `learning_rate`, and `validation`, which
            is None if the epoch was not validated.

        Raises:
            TrainingError: the loss is not finite.
            RunFolderError: the folder's checkpoint cannot be read.
            ModelError: the checkpoint belongs to another network.
        """
        records = self._resume(folder)
        written = folder if self.workers.is_main else None
        if written:
            written.begin()
        with EventFiles(written.path, len(records)) if written else nullcontext() as events:
            for number in range(len(records) + 1, epochs + 1):
                records.append(self._run_epoch(number, epochs, records, shown=log is not None))
                if not self.workers.is_main:
                    continue
                if number == epochs:
                    self.finish()
                due = number % validation_interval == 0 or number == epochs
                records[-1]["validation"] = self.validate() if due else None
                if written:
                    written.save_checkpoint(self._state(records), records)
                    events.write(records[-1])
                if log and due:
                    log(f"epoch {number}: {self._describe(records[-1])}")
        if written:
            written.finish(self.write, records)
        return records

    def _state(self, records: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "averaged": None if self.averaged is None else self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "epochs": records,
        }

    def _resume(self, folder: RunFolder | None) -> list[dict[str, Any]]:
        """Restore the state of the folder's run and return the records of its epochs."""
        device = next(self.network.parameters()).device
        state = folder.load_checkpoint(device) if folder else None
        if state is None:
            return []
        load_state_strict(self.network, state["network"], str(folder.checkpoint))
        self.optimiser.load_state_dict(state["optimiser"])
        if self.averaged is not None:
            self.averaged.load_state_dict(state["averaged"])
        return state["epochs"]

    def _run_epoch(
        self, number: int, epochs: int, previous: list[dict[str, Any]], shown: bool
    ) -> dict[str, Any]:
        """Run one of `epochs` epochs; return its number, mean loss and last learning rate."""
        batches = self.batches(number)
        self.network.train()
        total = 0.0
        progress = tqdm(
            batches,
            desc=f"epoch {number} of {epochs}",
            unit="step",
            leave=False,
            disable=None if shown and self.workers.is_main else True,
        )
        for step, batch in enumerate(progress):
            rate = self._set_learning_rate((number - 1 + step / len(batches)) / epochs)
            loss = self.step(batch)
            if self.averaged is not None:
                self.averaged.update_parameters(self.network)
            total += loss
            progress.set_postfix(loss=f"{loss:.4f}", **self._last_validation(previous))
        if not math.isfinite(total):
            raise TrainingError(
                f"the loss is not finite in epoch {number}; lower the learning rate, or check the "
                "data for impossible poses"
            )
        return {"epoch": number, "loss": total / len(batches), "learning_rate": rate}

    def _set_learning_rate(self, progress: float) -> float:
        rate = self.learning_rate_at(progress)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        return rate

    def _last_validation(self, records: list[dict[str, Any]]) -> dict[str, str]:
        done = [record["validation"] for record in records if record.get("validation")]
        return {"validation": self.summary(done[-1])} if done else {}

    def _describe(self, record: dict[str, Any]) -> str:
        validation = record["validation"]
        errors = f"; validation {self.summary(validation)}" if validation else ""
        return f"loss {record['loss']:.4f}{errors}"
