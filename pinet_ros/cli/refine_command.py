"""`pinet refine`: PI-Net on the people that any estimator has found."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from pinet_ros.cli.arguments import DEFAULT, add_device, register
from pinet_ros.cli.predictions.predictions import (
    Predictions,
    read_predictions,
    require_writable,
    write_predictions,
)
from pinet_ros.errors import DatasetError
from pinet_ros.people import People
from pinet_ros.refinement.checkpoint import DEFAULT_WEIGHTS
from pinet_ros.refinement.refiner import Refinement, RefinementError, Refiner


def add_commands(subparsers: argparse._SubParsersAction) -> None:
    """Register the command; `run` of the parsed arguments executes it and gives its status."""
    register(subparsers, [("refine", _add_arguments, _refine, "refine a file of predictions")])


def add_predictions_output(parser: argparse.ArgumentParser) -> None:
    """Add --output, a file of predictions."""
    parser.add_argument(
        "--output", type=Path, metavar="FILE", required=True, help="predictions, .npz or .json"
    )


def write_and_report(output: Path, predictions: Predictions) -> None:
    """Write predictions, and print how many there are."""
    write_predictions(output, predictions)
    people = sum(map(len, predictions.images.values()))
    print(f"wrote {people} people in {len(predictions.images)} images to {output}")


def refine_predictions(
    predictions: Predictions, refiner: Callable[[People], Refinement]
) -> tuple[Predictions, int]:
    """Refine the people of each image.

    Returns:
        The predictions in MUPOTS_17, everything but the 3D joints unchanged, and how many people
        could not be refined and were passed through.

    Raises:
        UnknownJointSetError: the joint set has no conversion to MUPOTS_17.
        DatasetError: people of an image lack something that the network needs.
    """
    images: dict[str, People] = {}
    passed = 0
    progress = tqdm(predictions.images.items(), desc="refining", unit="image", disable=None)
    for key, people in progress:
        try:
            refinement = refiner(people)
        except RefinementError as error:
            raise DatasetError(f"{predictions.source}: image {key!r}: {error}") from error
        images[key] = refinement.people
        passed += int((~refinement.refined).sum())
    return Predictions(None, images), passed


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "predictions",
        type=Path,
        help=".npz or .json file of predictions; with pinet_training also .mat",
    )
    add_predictions_output(parser)
    parser.add_argument("--weights", default=DEFAULT_WEIGHTS, help=f"of PI-Net; {DEFAULT}")
    add_device(parser)


def _refine(arguments: argparse.Namespace) -> int:
    """Refine the people of a file of predictions, which any estimator may have made."""
    output = require_writable(arguments.output)
    predictions = read_predictions(arguments.predictions)
    refiner = Refiner(arguments.weights, arguments.device)
    refined, passed = refine_predictions(predictions, refiner)
    print(f"passed through unrefined, for lack of joints or of a possible depth: {passed} people")
    write_and_report(output, refined)
    return 0
