"""The command `pinet train-lifter`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pinet_ros.cli.arguments import DEFAULT, add_device, given_fields, natural_number, register
from pinet_ros.errors import DatasetError
from pinet_ros.lifting.mppe.backbone import DEPTHS
from pinet_ros.util.device import describe_device
from pinet_training.lifter.initial_weights import IMAGENET
from pinet_training.lifter.lifter_recipe import RECIPES, LifterRecipe
from pinet_training.lifter.lifter_training import LifterData, lifter_configuration, train_lifter
from pinet_training.lifter.person_samples import PeopleInPictures
from pinet_training.lifter.sources import is_rendered, needs_images, read_people
from pinet_training.runs.processes import available_cores
from pinet_training.runs.run_folder import RunFolder
from pinet_training.runs.workers import Workers, join_workers

_WEIGHTS = "snapshot.pth.tar"
_MOST_LOADERS = 8


def add_commands(subparsers: argparse._SubParsersAction) -> None:
    """Register the command; `run` of the parsed arguments executes it and gives its status."""
    register(
        subparsers, [("train-lifter", _add_arguments, _train, "train 3DMPPE's PoseNet or RootNet")]
    )


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data",
        type=Path,
        nargs="+",
        metavar="DATA",
        help="rendered scenes (a folder), or annotations of 3DMPPE's or of COCO's own form "
        "(.json); the first one must have depth, and its joints are learnt",
    )
    parser.add_argument("--network", choices=RECIPES, required=True)
    parser.add_argument(
        "--images",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="of the pictures of a .json; once for each, in their order",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="to write")
    parser.add_argument(
        "--initial",
        default=IMAGENET,
        metavar="WEIGHTS",
        help="to begin with: imagenet (torchvision's, downloaded), random, or a snapshot; "
        + DEFAULT,
    )
    parser.add_argument("--depth", type=int, choices=DEPTHS, help="of ResNet")
    parser.add_argument("--size", type=int, help="of the crops, pixels; below 256 for trials")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch-size", type=int, help="people per step, on all GPUs together")
    parser.add_argument("--learning-rate", type=float, help="at the beginning")
    parser.add_argument("--seed", type=int)
    parser.add_argument(
        "--loaders", type=natural_number, metavar="N", help="processes that load pictures"
    )
    add_device(parser)
    parser.add_argument(
        "--resume", action="store_true", help="go on with what the folder holds, if anything"
    )


def _train(arguments: argparse.Namespace) -> int:
    """Train PoseNet or RootNet by the released recipe; started by torchrun, on several GPUs.

    Of rendered scenes the test split is not trained on: errors are measured with it.
    """
    recipe = _recipe(arguments)
    with join_workers(arguments.device) as (workers, device):
        data = _read(arguments.data, arguments.images)
        wanted = lifter_configuration(recipe, data, arguments.initial)
        folder = RunFolder.open_together(
            workers, arguments.output, wanted, resume=arguments.resume, weights=_WEIGHTS
        )
        if workers.is_main:
            people = ", ".join(str(len(each)) for each in data.sets)
            print(
                f"training on {describe_device(device)}, {workers.count} at once, with {people} "
                f"people: {recipe}"
            )
        train_lifter(
            data,
            recipe,
            device,
            initial=arguments.initial,
            processes=_loaders(arguments.loaders, workers),
            workers=workers,
            folder=folder,
        )
        if workers.is_main:
            print(f"wrote {folder.weights}")
    return 0


def _recipe(arguments: argparse.Namespace) -> LifterRecipe:
    """The network's recipe with what was given instead."""
    return replace(RECIPES[arguments.network], **given_fields(arguments, LifterRecipe))


def _read(paths: Sequence[Path], images: Sequence[Path]) -> LifterData:
    """The data sets, those that need them with their folders of pictures."""
    needing = [path for path in paths if needs_images(path)]
    if len(needing) != len(images):
        raise DatasetError(
            f"each of the {len(needing)} .json files needs its pictures' folder: give --images "
            f"DIR {len(needing)} times, got {len(images)}"
        )
    folders = dict(zip(needing, images, strict=True))
    sets = [read_people(path, folders.get(path)) for path in paths]
    held_out: list[PeopleInPictures] = [
        read_people(path, split="test") for path in paths if is_rendered(path)
    ]
    return LifterData(sets, next((people for people in held_out if len(people)), None))


def _loaders(wanted: int | None, workers: Workers) -> int:
    """How many processes load pictures for each worker."""
    if wanted is not None:
        return wanted
    return max(0, min(_MOST_LOADERS, available_cores() // workers.count - 1))
