"""Command `pinet train-lifter`: train BlazePose, or PoseNet or RootNet of 3DMPPE."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from pinet_ros.cli.arguments import given_fields, natural_number, register
from pinet_ros.errors import DatasetError, PinetError
from pinet_ros.lifting.blazepose_weights import BLAZEPOSE, weights_file
from pinet_ros.lifting.mppe.backbone import BACKBONES
from pinet_ros.util.device import describe_device
from pinet_training.cli.training_options import add_loading_options, add_training_options
from pinet_training.datasets.scene_fields import SPLITS
from pinet_training.lifter.blazepose_recipe import BlazePoseRecipe
from pinet_training.lifter.blazepose_training import (
    PUBLISHED,
    PoseData,
    blazepose_configuration,
    train_blazepose,
)
from pinet_training.lifter.initial_weights import IMAGENET
from pinet_training.lifter.lifter_recipe import RECIPES, LifterRecipe
from pinet_training.lifter.lifter_training import LifterData, lifter_configuration, train_lifter
from pinet_training.lifter.person_samples import PeopleInPictures
from pinet_training.lifter.pose_samples import read_pose_samples
from pinet_training.lifter.real_validation import validation_on_pictures
from pinet_training.lifter.sources import is_rendered, needs_images, read_people
from pinet_training.runs.on_cpu import prepare
from pinet_training.runs.run_folder import RunFolder
from pinet_training.runs.workers import Workers, join_workers, loading_processes

_WEIGHTS = "snapshot.pth.tar"
_BLAZEPOSE_WEIGHTS = "weights.safetensors"


def add_commands(subparsers: argparse._SubParsersAction) -> None:
    """Add `pinet train-lifter`."""
    register(
        subparsers,
        [("train-lifter", _add_arguments, _train, "train BlazePose, or 3DMPPE's networks")],
    )


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data",
        type=Path,
        nargs="+",
        metavar="DATA",
        help="folder of rendered scenes; for PoseNet and RootNet also annotations in the format "
        "of 3DMPPE or COCO (.json): the first data set must have depth, and the network learns "
        "its joints. BlazePose takes one folder, with detections",
    )
    parser.add_argument(
        "--network", choices=(*BLAZEPOSE, *RECIPES), required=True, help="network to train"
    )
    parser.add_argument(
        "--images",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="image folder of a .json file; give it once for each of these files, in their order",
    )
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="write the results here"
    )
    parser.add_argument(
        "--initial",
        metavar="WEIGHTS",
        help="initial weights of PoseNet or RootNet: imagenet (fetched), random, or a snapshot "
        f"file; default: {IMAGENET}. Of BlazePose: {PUBLISHED}, or a weights.safetensors of an "
        f"earlier training; default: {PUBLISHED}",
    )
    parser.add_argument("--backbone", choices=BACKBONES, help="backbone of PoseNet or RootNet")
    parser.add_argument(
        "--size",
        type=int,
        help="side of the crops of PoseNet or RootNet, pixels; the lifter expects 256",
    )
    parser.add_argument(
        "--pictures",
        type=Path,
        metavar="DIR",
        help="validate BlazePose on pictures of real people too, see `pinet evaluate pictures`; "
        "nothing is learnt from them",
    )
    parser.add_argument(
        "--crops",
        type=natural_number,
        help="people that an epoch of PoseNet or RootNet shows; 0: each of them once",
    )
    add_training_options(parser, "crops")
    add_loading_options(parser)


def _train(arguments: argparse.Namespace) -> int:
    """Train a lifter's network on people whose poses are known.

    Start the command with torchrun to train on several GPUs, or with one process on each core.
    The test split of rendered scenes is held out, and errors are measured on it.
    """
    run = _train_blazepose if arguments.network in BLAZEPOSE else _train_mppe
    with join_workers(arguments.device) as (workers, device):
        folder = run(arguments, workers, device)
        if workers.is_main:
            print(f"wrote {folder.weights}")
    return 0


def _train_blazepose(
    arguments: argparse.Namespace, workers: Workers, device: torch.device
) -> RunFolder:
    for name in ("images", "backbone", "size", "crops"):
        if getattr(arguments, name):
            raise PinetError(f"--{name} is for posenet and rootnet, not for {arguments.network}")
    if len(arguments.data) != 1:
        raise DatasetError(f"BlazePose is trained on one data set, got {len(arguments.data)}")
    scenes, network = arguments.data[0], arguments.network
    initial = arguments.initial or PUBLISHED
    if initial != PUBLISHED:
        weights_file(network, initial)  # fail before the scenes are read
    recipe = BlazePoseRecipe(**given_fields(arguments, BlazePoseRecipe))
    real = None
    if arguments.pictures is not None and workers.is_main:
        real = validation_on_pictures(arguments.pictures, network, device)
    splits = (read_pose_samples(scenes, split) for split in SPLITS)
    data = PoseData(*splits, real)
    folder = RunFolder.open_together(
        workers,
        arguments.output,
        blazepose_configuration(recipe, data, initial),
        resume=arguments.resume,
        weights=_BLAZEPOSE_WEIGHTS,
    )
    prepare(device, workers)
    if workers.is_main:
        print(f"training on {describe_device(device)}, {workers.count} workers: {recipe}")
    train_blazepose(
        data,
        recipe,
        device,
        initial=initial,
        processes=loading_processes(arguments.loaders, workers),
        workers=workers,
        folder=folder,
    )
    return folder


def _train_mppe(
    arguments: argparse.Namespace, workers: Workers, device: torch.device
) -> RunFolder:
    if arguments.pictures is not None:
        raise PinetError(f"--pictures is for BlazePose, not for {arguments.network}")
    recipe, initial = _recipe(arguments), arguments.initial or IMAGENET
    data = _read(arguments.data, arguments.images)
    wanted = lifter_configuration(recipe, data, initial)
    folder = RunFolder.open_together(
        workers, arguments.output, wanted, resume=arguments.resume, weights=_WEIGHTS
    )
    if workers.is_main:
        people = ", ".join(str(len(each)) for each in data.sets)
        print(
            f"training on {describe_device(device)}, {workers.count} workers, with {people} "
            f"people: {recipe}"
        )
    train_lifter(
        data,
        recipe,
        device,
        initial=initial,
        processes=loading_processes(arguments.loaders, workers),
        workers=workers,
        folder=folder,
    )
    return folder


def _recipe(arguments: argparse.Namespace) -> LifterRecipe:
    """The network's recipe, with the values of the given options."""
    return replace(RECIPES[arguments.network], **given_fields(arguments, LifterRecipe))


def _read(paths: Sequence[Path], images: Sequence[Path]) -> LifterData:
    """Read the data sets; .json files get the image folders, in their order."""
    for path in paths:
        if not path.exists():
            raise DatasetError(
                f"there is no file or folder {path}; check the path of the data set"
            )
    annotations = [path for path in paths if needs_images(path)]
    if len(annotations) != len(images):
        raise DatasetError(
            f"--images DIR is given once for each data set that is a file, {len(annotations)} "
            f"times, got {len(images)}; folders hold their own images"
        )
    folders = dict(zip(annotations, images, strict=True))
    sets = [read_people(path, folders.get(path)) for path in paths]
    held_out: list[PeopleInPictures] = [
        read_people(path, split="test") for path in paths if is_rendered(path)
    ]
    return LifterData(sets, next((people for people in held_out if len(people)), None))
