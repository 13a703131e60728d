"""Command `pinet train-detector`: train NanoDet to find people."""

from __future__ import annotations

import argparse
from pathlib import Path

from pinet_ros.cli.arguments import given_fields, register
from pinet_ros.imaging.pictures import picture_paths
from pinet_ros.util.device import describe_device
from pinet_training.cli.training_options import add_loading_options, add_training_options
from pinet_training.datasets.scene_fields import SPLITS
from pinet_training.detector.detector_recipe import DetectorRecipe
from pinet_training.detector.detector_scenes import read_detector_scenes
from pinet_training.detector.detector_training import (
    DetectorData,
    detector_configuration,
    train_detector,
)
from pinet_training.detector.known_pictures import pictures_of_people, read_place
from pinet_training.runs.on_cpu import prepare
from pinet_training.runs.run_folder import RunFolder
from pinet_training.runs.workers import join_workers, loading_processes


def add_commands(subparsers: argparse._SubParsersAction) -> None:
    """Add `pinet train-detector`."""
    register(subparsers, [("train-detector", _add_arguments, _train, "train NanoDet on people")])


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenes", type=Path, help="folder of rendered scenes")
    parser.add_argument(
        "--without-people",
        type=Path,
        metavar="DIR",
        help="folder of photos of real places, animals and things, without people; the network "
        "is held to what it gave there before the training",
    )
    parser.add_argument(
        "--pictures",
        type=Path,
        metavar="DIR",
        help="validate on pictures of real people too, see `pinet evaluate pictures`; nothing is "
        "learnt from them",
    )
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="write the results here"
    )
    add_training_options(parser, "views")
    add_loading_options(parser)


def _train(arguments: argparse.Namespace) -> int:
    """Train NanoDet on rendered scenes, from the published weights.

    Start the command with torchrun to train on several GPUs, or with one process on each core.
    The test split of the scenes is held out.
    """
    recipe = DetectorRecipe(**given_fields(arguments, DetectorRecipe))
    places = picture_paths(arguments.without_people) if arguments.without_people else []
    with join_workers(arguments.device) as (workers, device):
        validated = arguments.pictures is not None and workers.is_main
        data = DetectorData(
            *(read_detector_scenes(arguments.scenes, split) for split in SPLITS),
            without_people=[read_place(path) for path in places],
            real=pictures_of_people(arguments.pictures) if validated else (),
        )
        folder = RunFolder.open_together(
            workers,
            arguments.output,
            detector_configuration(recipe, data),
            resume=arguments.resume,
        )
        prepare(device, workers)
        if workers.is_main:
            print(
                f"training on {describe_device(device)}, {workers.count} workers, "
                f"{len(data.train)} scenes, {len(data.without_people)} photos: {recipe}"
            )
        train_detector(
            data,
            recipe,
            device,
            processes=loading_processes(arguments.loaders, workers),
            workers=workers,
            folder=folder,
        )
        if workers.is_main:
            print(f"wrote {folder.weights}")
    return 0
