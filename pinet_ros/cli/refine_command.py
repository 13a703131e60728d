"""Command `pinet refine`: refine the predictions of any estimator."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from pinet_ros.cli.arguments import DEFAULT, add_device, add_options, given_fields, register
from pinet_ros.cli.predictions.prediction_fields import common_estimator
from pinet_ros.cli.predictions.predictions import (
    Predictions,
    read_predictions,
    require_writable,
    write_predictions,
)
from pinet_ros.cli.predictions.sequences import add_sequences, keep_sequences
from pinet_ros.errors import DatasetError
from pinet_ros.people import People
from pinet_ros.refinement.checkpoint import DEFAULT_WEIGHTS
from pinet_ros.refinement.inference import RefinerConfig
from pinet_ros.refinement.refiner import Refinement, RefinementError, Refiner


def add_commands(subparsers: argparse._SubParsersAction) -> None:
    """Add `pinet refine`."""
    register(subparsers, [("refine", _add_arguments, _refine, "refine a file of predictions")])


def add_predictions_output(parser: argparse.ArgumentParser) -> None:
    """Add --output, the file to write predictions to."""
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        required=True,
        help="write the predictions here, .npz or .json",
    )


def write_and_report(output: Path, predictions: Predictions) -> None:
    """Write predictions, and print how many people and images they have."""
    write_predictions(output, predictions)
    people = sum(map(len, predictions.images.values()))
    print(f"wrote {people} people in {len(predictions.images)} images to {output}")


def refine_predictions(
    predictions: Predictions, refiner: Callable[[People], Refinement]
) -> tuple[Predictions, Counter[str]]:
    """Refine the people of each image.

    Args:
        predictions: people of any estimator.
        refiner: refines the people of one image.

    Returns:
        The predictions in MUPOTS_17 with other 3D joints and deviations, and the numbers of people
        that were passed through unrefined, by reason.

    Raises:
        UnknownJointSetError: the joint set has no conversion to MUPOTS_17.
        DatasetError: people of an image lack data that the network needs.
    """
    images: dict[str, People] = {}
    passed: Counter[str] = Counter()
    progress = tqdm(predictions.images.items(), desc="refining", unit="image", disable=None)
    for key, people in progress:
        try:
            refinement = refiner(people)
        except RefinementError as error:
            raise DatasetError(f"{predictions.source}: image {key!r}: {error}") from error
        images[key] = refinement.people
        passed.update(asdict(refinement.passed))
    return Predictions(None, images), passed


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "predictions",
        type=Path,
        help="file of predictions, .npz or .json; with pinet_training also .mat",
    )
    add_predictions_output(parser)
    add_sequences(parser)
    parser.add_argument("--weights", default=DEFAULT_WEIGHTS, help=f"PI-Net weights; {DEFAULT}")
    add_options(parser, RefinerConfig)
    add_device(parser)


def _refine(arguments: argparse.Namespace) -> int:
    """Refine the predictions of any estimator."""
    output = require_writable(arguments.output)
    predictions = read_predictions(arguments.predictions)
    if arguments.sequences is not None:
        predictions = keep_sequences(predictions, arguments.sequences)
    config = RefinerConfig(**given_fields(arguments, RefinerConfig))
    refiner = Refiner(arguments.weights, arguments.device, config=config)
    refined, passed = refine_predictions(predictions, refiner)
    print(
        "passed through unrefined, for unknown joints or an implausible depth: "
        f"{passed['unusable']} people"
    )
    if passed["surplus_people"]:
        print(f"passed through unrefined, beyond --max-people: {passed['surplus_people']} people")
    if passed["unknown_estimator"]:
        name = common_estimator(predictions.images.values()) or "unknown"
        print(
            f"passed through unrefined, as their estimator ({name}) is none of those that these "
            f"weights are for ({', '.join(refiner.estimators)}): {passed['unknown_estimator']} "
            "people; train weights on its errors, or give --refine-unknown"
        )
    write_and_report(output, refined)
    return 0
