"""Run folder: what a training writes, and what it needs to go on after it was stopped."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from pinet_ros import __version__
from pinet_ros.errors import PinetError
from pinet_ros.models.cache import sha256_of
from pinet_ros.refinement.checkpoint import weights_file
from pinet_ros.util.files import write_text, write_whole
from pinet_training.datasets.scenes import Scenes
from pinet_training.refiner.refiner_recipe import Recipe
from pinet_training.runs.settings import as_json, first_difference
from pinet_training.runs.workers import Workers

_CONFIGURATION = "configuration.json"
_VERSIONS = "versions"  # in it: of the code, which do not decide whether a run is gone on with
_CHECKPOINT = "checkpoint.pt"
_METRICS = "metrics.json"
_WEIGHTS = "weights.safetensors"
_STATE = ("network", "averaged", "optimiser", "epochs")  # what a checkpoint holds


class RunFolderError(PinetError):
    """A run folder cannot be used for a training."""


class RunFolder:
    """The folder of one training.

    - `configuration.json`: recipe, data, and the versions of the code and of torch;
    - `checkpoint.pt`: the state after the last whole epoch;
    - `metrics.json`: loss, learning rate and validation of each epoch;
    - `weights.safetensors`, or another name: the trained network, when the training is finished;
    - TensorBoard's event files.

    Each file is replaced as a whole, so that one can stop a training at any moment.

    Args:
        path: of the folder, which `begin` makes.
        configuration: what decides the result, see `configuration`.
        resume: go on with the training that the folder holds, if any.
        weights: name of the file of the trained network.

    Raises:
        RunFolderError: the folder holds a training and it is not to be resumed, or holds one of
            another configuration.
    """

    def __init__(
        self,
        path: Path,
        configuration: dict[str, Any],
        *,
        resume: bool = False,
        weights: str = _WEIGHTS,
    ) -> None:
        self.path = Path(path)
        self.weights = self.path / weights  # where the trained network is, when it is finished
        self._configuration = as_json(configuration)
        self._held = self._held_configuration()
        if self._held is None:
            return
        if not resume:
            raise RunFolderError(
                f"{self.path} already holds a training; resume it, or give another folder"
            )
        deciding = {name: value for name, value in self._held.items() if name != _VERSIONS}
        if difference := first_difference(deciding, self._configuration):
            raise RunFolderError(
                f"{self.path / _CONFIGURATION} is of another training: {difference}; resume with "
                "the same options, or give another folder"
            )

    @classmethod
    def open_together(
        cls,
        workers: Workers,
        path: Path,
        configuration: dict[str, Any],
        *,
        resume: bool = False,
        weights: str = _WEIGHTS,
    ) -> RunFolder:
        """The folder of workers that train together, for each of them.

        The one that leads opens it first: the others must not ask whether it may be resumed when
        it has been begun already.

        Raises:
            RunFolderError: as when it is opened by one.
        """
        if workers.is_main:
            folder = cls(path, configuration, resume=resume, weights=weights)
        workers.barrier()
        return (
            folder if workers.is_main else cls(path, configuration, resume=True, weights=weights)
        )

    def begin(self) -> None:
        """Make the folder and write the configuration, unless it is there already."""
        if self._held is not None:
            return
        versions = {"pinet_ros": code_version(), "torch": torch.__version__}
        configured = json.dumps({**self._configuration, _VERSIONS: versions}, indent=2)
        write_text(self.path / _CONFIGURATION, configured + "\n")

    @property
    def checkpoint(self) -> Path:
        """Where the state after the last whole epoch is."""
        return self.path / _CHECKPOINT

    def load_checkpoint(self, device: torch.device | str) -> dict[str, Any] | None:
        """What `save_checkpoint` was given last.

        Raises:
            RunFolderError: the file is damaged.
        """
        if not self.checkpoint.is_file():
            return None
        try:
            state = torch.load(self.checkpoint, map_location=device, weights_only=True)
            return {name: state[name] for name in _STATE}
        except Exception as error:  # torch raises nearly everything on a damaged file
            raise RunFolderError(
                f"{self.checkpoint} cannot be read ({error}); remove it to train from the start"
            ) from error

    def save_checkpoint(self, state: dict[str, Any], epochs: list[dict[str, Any]]) -> None:
        """Keep the state after an epoch, and the metrics of all epochs so far."""
        write_whole(self.checkpoint, lambda stream: torch.save(state, stream))
        self._save_metrics(epochs)

    def finish(self, write: Callable[[Path], object], epochs: list[dict[str, Any]]) -> None:
        """Have the trained network written, and the metrics, if the run was stopped before."""
        self._save_metrics(epochs)
        write(self.weights)

    def _save_metrics(self, epochs: list[dict[str, Any]]) -> None:
        metrics = json.dumps({"epochs": epochs}, indent=2)
        write_text(self.path / _METRICS, metrics + "\n")

    def _held_configuration(self) -> dict[str, Any] | None:
        path = self.path / _CONFIGURATION
        if not path.is_file():
            return None
        try:
            return dict(json.loads(path.read_text()))
        except (ValueError, TypeError) as error:
            raise RunFolderError(
                f"{path} is not the configuration of a training: {error}; give another folder"
            ) from error


def configuration(
    recipe: Recipe, scenes: Scenes, initial: str | Path | None = None
) -> dict[str, Any]:
    """What decides the result of a training: the recipe, the data, and the weights to begin with.

    Raises:
        ModelError: there are no such weights.
    """
    begins = {} if initial is None else {"initial": sha256_of(weights_file(initial))}
    data = {"scenes": len(scenes), "sha256": scenes.sha256()}
    return {"recipe": asdict(recipe), "data": data, **begins}


def code_version() -> str:
    """The package's version, with the commit where the code runs from its repository."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return __version__
    command = ["git", "-C", str(root), "describe", "--always", "--dirty"]
    try:
        described = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return __version__
    return f"{__version__} ({described.stdout.strip()})"
