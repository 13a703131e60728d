"""Commands `pinet train` and `pinet ablate`."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from pinet_ros.cli.arguments import DEFAULT, add_device, given_fields, positive_integer, register
from pinet_ros.cli.predictions.sequences import add_sequences
from pinet_ros.errors import DatasetError
from pinet_ros.refinement.formulation import STANDARDISATIONS, Target
from pinet_ros.util.device import describe_device
from pinet_training.cli.training_options import add_training_options
from pinet_training.datasets.pairing import load_training_scenes
from pinet_training.datasets.scenes import Scenes
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
    """Add `pinet train` and `pinet ablate`."""
    register(
        subparsers,
        [
            ("train", _add_train, _train, "train PI-Net"),
            ("ablate", _add_ablate, _ablate, "train and test all variants of PI-Net"),
        ],
    )


def _add_train(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    parser.add_argument(
        "--variant", choices=VARIANTS, help="variant of the network, see `pinet variants`"
    )
    parser.add_argument(
        "--standardisation", choices=STANDARDISATIONS, help="standardisation of the poses"
    )
    parser.add_argument(
        "--target", choices=[target.value for target in Target], help="what the network predicts"
    )
    parser.add_argument(
        "--initial",
        metavar="WEIGHTS",
        help="initial weights: a name in the package or a file; default: random",
    )
    parser.add_argument(
        "--others", choices=OTHERS, help="the people that each person is refined with"
    )
    parser.add_argument(
        "--validation",
        type=float,
        help="fraction held out for validation, of a data set's sequences or of rendered bodies",
    )
    add_training_options(parser, "sequences")


def _add_ablate(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    parser.add_argument(
        "--test", type=Path, help="data to test on; default: the test split of DATA"
    )
    parser.add_argument(
        "--test-predictions",
        type=Path,
        metavar="FILE",
        help="an estimator's poses, if --test has annotations without them",
    )
    add_sequences(parser, "--test-sequences", " of --test")
    parser.add_argument(
        "--epochs",
        type=int,
        default=_ABLATION_EPOCHS,
        help=f"number of epochs of each training; {DEFAULT}",
    )
    parser.add_argument(
        "--seeds",
        type=positive_integer,
        default=_ABLATION_SEEDS,
        help=f"number of trainings of each variant, with different seeds; {DEFAULT}",
    )
    parser.add_argument(
        "--jobs",
        type=positive_integer,
        default=1,
        help=f"number of trainings at the same time; {DEFAULT}",
    )


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data",
        type=Path,
        metavar="DATA",
        help="scenes (.npz), COCO-style annotations (.json), or the MuPoTS-3D folder",
    )
    parser.add_argument(
        "--predictions",
        type=Path,
        metavar="FILE",
        help="an estimator's poses, if DATA has annotations without them",
    )
    add_sequences(parser, of=" of DATA")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="write the results here"
    )
    parser.add_argument(
        "--recipe",
        choices=RECIPES,
        default="fast",
        help=f"values of the options that are not given; {DEFAULT}",
    )
    add_device(parser, "cpu")


def _train(arguments: argparse.Namespace) -> int:
    """Train PI-Net. Start the command with torchrun to train on several GPUs."""
    recipe = _recipe(arguments)
    with join_workers(arguments.device) as (workers, device):
        scenes = _training_scenes(arguments)
        wanted = configuration(recipe, scenes, arguments.initial)
        folder = RunFolder.open_together(
            workers, arguments.output, wanted, resume=arguments.resume
        )
        if workers.is_main:
            print(f"training on {describe_device(device)}, {workers.count} workers: {recipe}")
        train(scenes, recipe, device, initial=arguments.initial, workers=workers, folder=folder)
        if workers.is_main:
            print(f"wrote {folder.weights}")
    return 0


def _ablate(arguments: argparse.Namespace) -> int:
    """Compute tables 4, 5 and 6 of the paper, and the gain with and without other people.

    Trainings that the folder already contains are not repeated.
    """
    scenes = test = _training_scenes(arguments)
    if arguments.test:
        test = load_training_scenes(
            arguments.test, arguments.test_predictions, "test", arguments.test_sequences
        )
    elif arguments.test_predictions or arguments.test_sequences:
        raise DatasetError(
            "--test-predictions and --test-sequences belong to a data set; give it with --test"
        )
    recipe = replace(
        RECIPES[arguments.recipe],
        epochs=arguments.epochs,
        validation=0.0,  # nothing is chosen by validation, so all variants train on all data
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


def _training_scenes(arguments: argparse.Namespace) -> Scenes:
    """The scenes of DATA."""
    return load_training_scenes(
        arguments.data, arguments.predictions, sequences=arguments.sequences
    )


def _recipe(arguments: argparse.Namespace) -> Recipe:
    """The recipe named by --recipe, with the values of the given options."""
    return replace(RECIPES[arguments.recipe], **given_fields(arguments, Recipe))
