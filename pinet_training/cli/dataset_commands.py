"""Commands `pinet predict` and `pinet compose`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

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
from pinet_ros.errors import DatasetError, PinetError
from pinet_ros.estimator import EstimatorConfig, PoseEstimator
from pinet_ros.imaging.pictures import PictureError, write_image
from pinet_ros.util.device import describe_device
from pinet_training.datasets import compose, predict
from pinet_training.datasets.annotated_image import require_pictures
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
    """Run an estimator over the images of a data set and write the people it finds.

    Pictures that cannot be read are left out and named at the end, with exit status 1.
    """
    output = require_writable(arguments.output)
    dataset = arguments.dataset
    annotations = read_annotations(dataset).select(arguments.sequences)
    predict.require_cameras(annotations)  # fail before the networks are loaded
    folder = arguments.images or (dataset if dataset.is_dir() else None)
    if folder is None:
        raise DatasetError(
            f"{dataset} does not say where its images are; give their folder with --images DIR"
        )
    require_pictures(annotations.images, folder)
    config = EstimatorConfig(**given_fields(arguments, EstimatorConfig))
    estimator = PoseEstimator(config, arguments.device)
    print(f"estimating on {describe_device(estimator.device)}")
    predictions, errors = predict.predict(annotations, folder, estimator)
    write_and_report(output, predictions)
    return _report_left_out(errors, "images")


def _compose(arguments: argparse.Namespace) -> int:
    """Combine people from images with one person each into common images, as in MuCo-3DHP.

    Writes DIR/composites.json, and with --images also the images DIR/images/*.jpg. Composites of
    pictures that cannot be read are left out and named at the end, with exit status 1.
    """
    composites = arguments.output / "composites.json"
    if composites.exists():
        raise DatasetError(f"{composites} exists already; choose another folder")
    annotations = read_annotations(arguments.source)
    drawn = compose.draw_sources(annotations, arguments.count, arguments.seed)
    named = {f"{number:06d}.jpg": sources for number, sources in enumerate(drawn)}
    errors: list[PinetError] = []
    if arguments.images:
        named, errors = _paste_all(named, arguments.images, arguments.output / "images")
    # written last: the file shows that the composites are complete
    write_coco(composites, [compose.merge(sources, name) for name, sources in named.items()])
    people = sum(map(len, named.values()))
    print(f"wrote {len(named)} images with {people} people to {composites}")
    return _report_left_out(errors, "composites")


def _paste_all(
    named: dict[str, compose.Sources], images: Path, folder: Path
) -> tuple[dict[str, compose.Sources], list[PinetError]]:
    """Write the pictures of composites; those that could be made, and errors of the others."""
    compose.require_outlines(list(named.values()))
    require_pictures([source for sources in named.values() for source in sources], images)
    folder.mkdir(parents=True, exist_ok=True)
    pasted: dict[str, compose.Sources] = {}
    errors: list[PinetError] = []
    for name, sources in tqdm(named.items(), unit="image", disable=None):
        try:
            picture = compose.paste(sources, images)
        except (DatasetError, PictureError) as error:
            errors.append(error)
            continue
        write_image(folder / name, picture)
        pasted[name] = sources
    if not pasted:
        raise DatasetError(f"no composite can be made: {errors[0]}")
    return pasted, errors


def _report_left_out(errors: Sequence[PinetError], of_what: str) -> int:
    """Name the pictures that could not be used; the exit status."""
    if not errors:
        return 0
    for message in dict.fromkeys(map(str, errors)):
        print(f"pinet: {message}", file=sys.stderr)
    print(f"pinet: {len(errors)} {of_what} are left out, for these pictures", file=sys.stderr)
    return 1
