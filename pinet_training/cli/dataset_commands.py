"""Commands `pinet predict` and `pinet compose`."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
from tqdm import tqdm

from pinet_ros.cli.arguments import (
    DEFAULT,
    add_device,
    add_options,
    given_fields,
    natural_number,
    positive_integer,
    register,
)
from pinet_ros.cli.predictions.predictions import require_writable
from pinet_ros.cli.predictions.sequences import add_sequences
from pinet_ros.cli.refine_command import add_predictions_output, write_and_report
from pinet_ros.errors import DatasetError
from pinet_ros.estimator import EstimatorConfig, PoseEstimator
from pinet_ros.util.device import describe_device
from pinet_training.datasets import compose, predict
from pinet_training.datasets.annotations import read_annotations
from pinet_training.datasets.coco import write_coco


def add_commands(subparsers: argparse._SubParsersAction) -> None:
    """Add `pinet predict` and `pinet compose`."""
    register(
        subparsers,
        [
            ("predict", _add_predict, _predict, "estimate the people in a data set's images"),
            ("compose", _add_compose, _compose, "combine images of one person each into scenes"),
        ],
    )


def _add_predict(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", type=Path, help="MuPoTS-3D folder, or .json annotations")
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="image folder; not needed for MuPoTS-3D"
    )
    add_predictions_output(parser)
    add_sequences(parser)
    add_options(parser, EstimatorConfig)
    add_device(parser)


def _add_compose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", type=Path, help=".json annotations of images with one person each"
    )
    parser.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="image folder; without it only annotations are composed, no images",
    )
    parser.add_argument(
        "--count", type=positive_integer, required=True, help="number of composites"
    )
    parser.add_argument(
        "--seed",
        type=natural_number,
        default=0,
        help=f"seed for choosing the people of each composite; {DEFAULT}",
    )
    parser.add_argument(
        "--output", type=Path, metavar="DIR", required=True, help="write the composites here"
    )


def _predict(arguments: argparse.Namespace) -> int:
    """Run an estimator over the images of a data set and write the people it finds."""
    output = require_writable(arguments.output)
    dataset = arguments.dataset
    annotations = read_annotations(dataset).select(arguments.sequences)
    predict.require_cameras(annotations)  # fail before the networks are loaded
    folder = arguments.images or (dataset if dataset.is_dir() else None)
    if folder is None:
        raise DatasetError(
            f"{dataset} does not say where its images are; give their folder with --images DIR"
        )
    config = EstimatorConfig(**given_fields(arguments, EstimatorConfig))
    estimator = PoseEstimator(config, arguments.device)
    print(f"estimating on {describe_device(estimator.device)}")
    write_and_report(output, predict.predict(annotations, folder, estimator))
    return 0


def _compose(arguments: argparse.Namespace) -> int:
    """Combine people from images with one person each into common images, as in MuCo-3DHP.

    Writes DIR/composites.json, and with --images also the images DIR/images/*.jpg.
    """
    composites = arguments.output / "composites.json"
    if composites.exists():
        raise DatasetError(f"{composites} exists already; choose another folder")
    annotations = read_annotations(arguments.source)
    drawn = compose.draw_sources(annotations, arguments.count, arguments.seed)
    names = [f"{number:06d}.jpg" for number in range(len(drawn))]
    if arguments.images:
        compose.require_outlines(drawn)
        folder = arguments.output / "images"
        folder.mkdir(parents=True, exist_ok=True)
        for name, sources in zip(tqdm(names, unit="image", disable=None), drawn, strict=True):
            if not cv2.imwrite(str(folder / name), compose.paste(sources, arguments.images)):
                raise DatasetError(
                    f"{folder / name} cannot be written; check the folder and the free disk space"
                )
    # written last: the file shows that the composites are complete
    write_coco(composites, [compose.merge(*each) for each in zip(drawn, names, strict=True)])
    people = sum(map(len, drawn))
    print(f"wrote {len(drawn)} images with {people} people to {composites}")
    return 0
