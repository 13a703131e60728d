"""Run folder: the output of a training, and what it needs to resume after it was stopped."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from pinet_ros import __version__
from pinet_ros.errors import PinetError, one_line
from pinet_ros.models.cache import sha256_of
from pinet_ros.refinement.checkpoint import weights_file
from pinet_ros.util.files import write_text, write_whole
from pinet_training.datasets.scenes import Scenes
from pinet_training.refiner.refiner_recipe import Recipe
from pinet_training.runs.settings import as_json, first_difference
from pinet_training.runs.workers import Workers

_CONFIGURATION = "configuration.json"
_VERSIONS = "versions"  # key in it: a run may resume with other versions of the code
_CHECKPOINT = "checkpoint.pt"
_METRICS = "metrics.json"
_WEIGHTS = "weights.safetensors"
_STATE = ("network", "averaged", "optimiser", "epochs")  # keys of a checkpoint


class RunFolderError(PinetError):
    """A run folder cannot be used for a training."""


class RunFolder:
    """The folder of one training.

    - `configuration.json`: recipe, data, and the versions of the code and of torch;
    - `checkpoint.pt`: the state after the last complete epoch;
    - `metrics.json`: loss, learning rate and validation of each epoch;
    - `weights.safetensors`, or another name: the trained network, once the training is finished;
    - TensorBoard event files.

    Files are replaced as a whole, so a training can be stopped at any moment.

    Args:
        path: the folder, created by `begin`.
        configuration: what determines the result, see `configuration`.
        resume: resume the training in the folder, if there is one.
        weights: file name of the trained network.

    Raises:
        RunFolderError: the folder contains a training and `resume` is false, or a training with
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
        self.weights = self.path / weights  # written when the training is finished
        self._configuration = as_json(configuration)
        self._stored = self._stored_configuration()
        if self._stored is None:
            return
        if not resume:
            raise RunFolderError(
                f"{self.path} already contains a training; resume it with --resume, or choose "
                "another folder"
            )
        stored = {name: value for name, value in self._stored.items() if name != _VERSIONS}
        if difference := first_difference(stored, self._configuration):
            raise RunFolderError(
                f"{self.path / _CONFIGURATION} belongs to another training: {difference}; resume "
                "with the same options, or choose another folder"
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
        """Open the folder in each of the workers that train together.

        The main worker opens it first and checks `resume`. The others skip this check, as the
        main worker may have started the training by then.

        Args:
            workers: this process among the workers.
            path, configuration, resume, weights: see the class.

        Raises:
            RunFolderError: see the class.
        """
        if workers.is_main:
            folder = cls(path, configuration, resume=resume, weights=weights)
        workers.barrier()
        return (
            folder if workers.is_main else cls(path, configuration, resume=True, weights=weights)
        )

    def begin(self) -> None:
        """Create the folder and write the configuration, unless it is already there."""
        if self._stored is not None:
            return
        versions = {"pinet_ros": code_version(), "torch": torch.__version__}
        configured = json.dumps({**self._configuration, _VERSIONS: versions}, indent=2)
        write_text(self.path / _CONFIGURATION, configured + "\n")

    @property
    def checkpoint(self) -> Path:
        """Path of the state after the last complete epoch."""
        return self.path / _CHECKPOINT

    def load_checkpoint(self, device: torch.device | str) -> dict[str, Any] | None:
        """Load the state that `save_checkpoint` saved last.

        Args:
            device: device to load the tensors to.

        Returns:
            The state, None if none was saved.

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
                f"{self.checkpoint} cannot be read ({one_line(error)}); remove it to train "
                "from the start"
            ) from error

    def save_checkpoint(self, state: dict[str, Any], epochs: list[dict[str, Any]]) -> None:
        """Save the state after an epoch, and the metrics of all epochs so far."""
        write_whole(self.checkpoint, lambda stream: torch.save(state, stream))
        self._save_metrics(epochs)

    def finish(self, write: Callable[[Path], object], epochs: list[dict[str, Any]]) -> None:
        """Write the trained network, and the metrics in case the run was stopped before.

        Args:
            write: writes the network to the given path.
            epochs: metrics of all epochs.
        """
        self._save_metrics(epochs)
        write(self.weights)

    def _save_metrics(self, epochs: list[dict[str, Any]]) -> None:
        metrics = json.dumps({"epochs": epochs}, indent=2)
        write_text(self.path / _METRICS, metrics + "\n")

    def _stored_configuration(self) -> dict[str, Any] | None:
        path = self.path / _CONFIGURATION
        if not path.is_file():
            return None
        try:
            return dict(json.loads(path.read_text()))
        except (ValueError, TypeError, RecursionError) as error:
            raise RunFolderError(
                f"{path} is not the configuration of a training: {error}; choose another folder"
            ) from error


def configuration(
    recipe: Recipe, scenes: Scenes, initial: str | Path | None = None
) -> dict[str, Any]:
    """Return what determines the result of a training: recipe, data and initial weights.

    Args:
        recipe: how the network is trained.
        scenes: what it is trained on.
        initial: initial weights, None for random ones.

    Raises:
        ModelError: the initial weights do not exist.
    """
    start = {} if initial is None else {"initial": sha256_of(weights_file(initial))}
    data = {"scenes": len(scenes), "sha256": scenes.sha256()}
    return {"recipe": asdict(recipe), "data": data, **start}


def code_version() -> str:
    """Return the package's version, with the commit if the code runs from its repository."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return __version__
    command = ["git", "-C", str(root), "describe", "--always", "--dirty"]
    try:
        described = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return __version__
    return f"{__version__} ({described.stdout.strip()})"
