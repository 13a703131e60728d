"""Ablations: trains and tests all variants of the paper's tables 4 to 6, and controls, alike.

A control is a network that cannot use the interaction between people, trained like the others.
One control sees each person alone. The other is trained with people of other scenes in place of
the real neighbours, and tested with the real ones, like the full network. What the full network
gains over the controls comes from the other people; what the controls gain over the input comes
from denoising each person.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from pinet_ros.refinement.checkpoint import Checkpoint
from pinet_ros.refinement.refiner import Refiner
from pinet_ros.util.files import write_whole
from pinet_training.datasets.scenes import Scenes, ScenesError
from pinet_training.evaluation.metrics import PoseErrors
from pinet_training.evaluation.scene_evaluation import refine_scene
from pinet_training.refiner.refiner_recipe import Recipe
from pinet_training.refiner.refiner_training import train
from pinet_training.runs.processes import run_in_processes
from pinet_training.runs.run_folder import RunFolder, configuration


@dataclass(frozen=True)
class Entry:
    """One row of a table.

    Attributes:
        label: label of the row in the table.
        changes: the changed fields of the recipe; None for the input, which is not refined.
    """

    label: str
    changes: tuple[tuple[str, str], ...] | None = ()


def _entry(label: str, **changes: str) -> Entry:
    return Entry(label, tuple(changes.items()))


FULL = _entry("near to far, 3 GRU (the full network)")
INPUT = Entry("none (the input)", None)

TABLES = {
    "Table 4: order of the others": (
        _entry("reverse", variant="reverse"),
        _entry("random", variant="random"),
        _entry("near to far by box centres", variant="box_distance"),
        FULL,
    ),
    "Table 5: attention and direction": (
        _entry("without attention, unidirectional", variant="unidirectional_no_attention"),
        _entry("unidirectional", variant="unidirectional"),
        _entry("without attention", variant="no_attention"),
        FULL,
    ),
    "Table 6: unit of the interaction": (
        INPUT,
        _entry("GCN", variant="gcn"),
        *(_entry(f"{layers} LSTM", variant=f"lstm{layers}") for layers in (2, 3, 4)),
        _entry("2 GRU", variant="gru2"),
        FULL,
        _entry("4 GRU", variant="gru4"),
    ),
    "Standardisation and target": (
        _entry("all people, pose (published)", standardisation="all_people", target="pose"),
        _entry("all people, correction", standardisation="all_people", target="correction"),
        _entry("root-centred, pose", standardisation="root_centred", target="pose"),
        _entry("root-centred, correction", standardisation="root_centred", target="correction"),
        FULL,
    ),
    "Controls: what comes from the others": (
        INPUT,
        _entry("the person alone", others="none"),
        _entry("shuffled others", others="shuffled"),
        FULL,
    ),
}


@dataclass(frozen=True)
class Run:
    """One training of an ablation.

    Attributes:
        recipe: how the network is trained.
        folder: run folder of the training.
        errors: file with the errors of its test.
    """

    recipe: Recipe
    folder: Path
    errors: Path


class Ablation:
    """All runs of the tables, for several seeds; finished runs are kept.

    Args:
        train_scenes: scenes to train on.
        test_scenes: scenes to test on; only those with two or more people are used.
        recipe: settings shared by all runs; each row of a table changes some, and the seed.
        seeds: number of seeds, starting at 0.
        folder: where the runs are kept.
        device: device that the runs use.

    Raises:
        ScenesError: no test scene has two people.
    """

    def __init__(
        self,
        train_scenes: Scenes,
        test_scenes: Scenes,
        recipe: Recipe,
        seeds: int,
        folder: Path,
        device: str = "cpu",
    ) -> None:
        self._train = train_scenes
        self._test = test_scenes.select(minimum_people=2)
        if not len(self._test):
            raise ScenesError(
                "an ablation needs test scenes with two or more detected people, but none were "
                "found; give some with --test"
            )
        self._recipe = recipe
        self._seeds = range(seeds)
        self._folder = Path(folder)
        self._device = device

    def runs(self) -> list[Run]:
        """Return each training once, sorted by seed: all variants of one seed before the next."""
        entries = {entry for table in TABLES.values() for entry in table if entry != INPUT}
        runs = {self._run(entry, seed) for seed in self._seeds for entry in entries}
        return sorted(runs, key=lambda run: (run.recipe.seed, str(run.folder)))

    def train(self, jobs: int = 1) -> None:
        """Train and test the runs that are not finished yet.

        Args:
            jobs: number of processes.

        Raises:
            RunFolderError: the folder contains runs of another recipe or other data.
        """
        runs = self.runs()
        for run in runs:
            if run.errors.is_file():  # check that it is a run of the same recipe and data
                RunFolder(run.folder, configuration(run.recipe, self._train), resume=True)
        todo = [run for run in runs if not run.errors.is_file()]
        threads = max(1, torch.get_num_threads() // jobs)
        run_in_processes(
            _train_and_test,
            [(run, self._device) for run in todo],
            workers=jobs,
            set_up=_set_up_process,
            shared=(self._train, self._test, threads),
            unit="run",
            names=[run.folder for run in todo],
        )

    def errors(self, entry: Entry) -> list[dict[str, np.ndarray]]:
        """Return, for each seed, the (N,) errors of all tested people, see `PoseErrors.whole`."""
        if entry == INPUT:
            estimates = np.concatenate([scene.estimates for scene in self._test])
            return [_errors(estimates, self._test)]
        return [dict(np.load(self._run(entry, seed).errors)) for seed in self._seeds]

    @property
    def units(self) -> np.ndarray:
        """(N,) number of the independent unit that each tested person is in, `Scenes.units`."""
        return np.repeat(self._test.units, [len(scene) for scene in self._test])

    def recipe(self, entry: Entry, seed: int = 0) -> Recipe:
        """Return the recipe of an entry other than INPUT."""
        return replace(self._recipe, seed=seed, **dict(entry.changes))

    def _run(self, entry: Entry, seed: int) -> Run:
        recipe = self.recipe(entry, seed)
        parts = [recipe.variant, recipe.standardisation, recipe.target.value, recipe.others]
        folder = self._folder / "-".join(parts) / f"seed{seed}"
        return Run(recipe, folder, folder / f"errors_{self._test.sha256()[:8]}.npz")


def _set_up_process(
    train_scenes: Scenes, test_scenes: Scenes, threads: int
) -> tuple[Scenes, Scenes]:
    """The scenes that each process keeps, so that they are not sent again with each run."""
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    return train_scenes, test_scenes


def _train_and_test(scenes: tuple[Scenes, Scenes], run: Run, device: str) -> None:
    train_scenes, test_scenes = scenes
    folder = RunFolder(run.folder, configuration(run.recipe, train_scenes), resume=True)
    training = train(train_scenes, run.recipe, device, folder=folder, log=None)
    refiner = Refiner(
        Checkpoint(training.network, training.formulation),
        device,
    )
    refined = np.concatenate([refine_scene(scene, refiner) for scene in test_scenes])
    errors = _errors(refined, test_scenes)
    write_whole(run.errors, lambda stream: np.savez(stream, **errors))


def _errors(joints: np.ndarray, scenes: Scenes) -> dict[str, np.ndarray]:
    truth = np.concatenate([scene.truth for scene in scenes])
    return PoseErrors(joints, truth).whole
