"""The commands `pinet train` and `pinet ablate`."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from pinet_ros.cli.arguments import add_device, given_fields, positive_integer, register
from pinet_ros.errors import DatasetError
from pinet_ros.refinement.formulation import STANDARDISATIONS, Target
from pinet_ros.util.device import describe_device
from pinet_training.datasets.pairing import load_training_scenes
from pinet_training.refiner.ablation import Ablation
from pinet_training.refiner.ablation_report import write_ablation
from pinet_training.refiner.refiner_recipe import RECIPES, Recipe
from pinet_training.refiner.refiner_training import train
from pinet_training.refiner.samples import OTHERS
from pinet_training.refiner.variants import VARIANTS
from pinet_training.runs.run_folder import RunFolder, configuration
from pinet_training.runs.workers import join_workers

_ABLATION_EPOCHS = 6
_ABLATION_SEEDS = 5


def add_commands(subparsers: argparse._SubParsersAction) -> None:
    """Register the commands; `run` of the parsed arguments executes one and gives its status."""
    register(
        subparsers,
        [
            ("train", _add_train, _train, "train PI-Net"),
            ("ablate", _add_ablate, _ablate, "train and test all variants"),
        ],
    )


def _add_train(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    parser.add_argument("--variant", choices=VARIANTS, help="the network, see `pinet variants`")
    parser.add_argument("--standardisation", choices=STANDARDISATIONS, help="of the poses")
    parser.add_argument(
        "--target", choices=[target.value for target in Target], help="what the network predicts"
    )
    parser.add_argument(
        "--initial",
        metavar="WEIGHTS",
        help="to begin with, those of the package by name or a file; by default random ones",
    )
    parser.add_argument("--others", choices=OTHERS, help="whom a person is refined with")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch-size", type=int, help="sequences per step, on all GPUs together")
    parser.add_argument("--learning-rate", type=float, help="the highest")
    parser.add_argument("--validation", type=float, help="part of the bodies to validate on")
    parser.add_argument("--seed", type=int)
    parser.add_argument(
        "--resume", action="store_true", help="go on with what the folder holds, if anything"
    )


def _add_ablate(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    parser.add_argument(
        "--test", type=Path, help="data to test on; by default the test split of DATA"
    )
    parser.add_argument("--test-predictions", type=Path, metavar="FILE")
    parser.add_argument("--epochs", type=int, default=_ABLATION_EPOCHS, help="of each training")
    parser.add_argument(
        "--seeds", type=positive_integer, default=_ABLATION_SEEDS, help="trainings of each kind"
    )
    parser.add_argument("--jobs", type=positive_integer, default=1, help="trainings at a time")


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data",
        type=Path,
        metavar="DATA",
        help="scenes (.npz), COCO-style annotations (.json), or a folder of MuPoTS-3D",
    )
    parser.add_argument(
        "--predictions",
        type=Path,
        metavar="FILE",
        help="an estimator's poses for annotations that hold none",
    )
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="folder to write"
    )
    parser.add_argument(
        "--recipe", choices=RECIPES, default="fast", help="what is not given (default: fast)"
    )
    add_device(parser, "cpu")


def _train(arguments: argparse.Namespace) -> int:
    """Train a network; started by torchrun, on several GPUs."""
    recipe = _recipe(arguments)
    with join_workers(arguments.device) as (workers, device):
        scenes = load_training_scenes(arguments.data, arguments.predictions)
        wanted = configuration(recipe, scenes, arguments.initial)
        folder = RunFolder.open_together(
            workers, arguments.output, wanted, resume=arguments.resume
        )
        if workers.is_main:
            print(f"training on {describe_device(device)}, {workers.count} at once: {recipe}")
        train(scenes, recipe, device, initial=arguments.initial, workers=workers, folder=folder)
        if workers.is_main:
            print(f"wrote {folder.weights}")
    return 0


def _ablate(arguments: argparse.Namespace) -> int:
    """Tables 4, 5 and 6 of the paper, and what is gained from the others and what without them.

    Trainings that the folder holds already are not repeated.
    """
    scenes = load_training_scenes(arguments.data, arguments.predictions)
    test = scenes
    if arguments.test:
        test = load_training_scenes(arguments.test, arguments.test_predictions, split="test")
    elif arguments.test_predictions:
        raise DatasetError("--test-predictions are of a data set; give it with --test")
    recipe = replace(
        RECIPES[arguments.recipe],
        epochs=arguments.epochs,
        validation=0.0,  # as all variants are to see the same, and nothing is chosen by it
    )
    ablation = Ablation(
        scenes.select(split="train"),
        test.select(split="test"),
        recipe,
        arguments.seeds,
        arguments.output,
        arguments.device,
    )
    ablation.train(arguments.jobs)
    print(write_ablation(ablation, arguments.output))
    return 0


def _recipe(arguments: argparse.Namespace) -> Recipe:
    """The recipe of that name with what was given instead."""
    return replace(RECIPES[arguments.recipe], **given_fields(arguments, Recipe))
