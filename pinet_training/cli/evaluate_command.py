"""Command `pinet evaluate`: measure PI-Net's accuracy."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tabulate import tabulate

from pinet_ros.cli.arguments import (
    DEFAULT,
    add_device,
    add_options,
    given_fields,
    positive_integer,
    register,
)
from pinet_ros.cli.predictions.sequences import add_sequences
from pinet_ros.errors import DatasetError, PinetError
from pinet_ros.estimator import EstimatorConfig, PoseEstimator
from pinet_ros.refinement.checkpoint import DEFAULT_WEIGHTS, weights_for
from pinet_ros.refinement.inference import EVERYBODY
from pinet_ros.refinement.refiner import Refiner
from pinet_ros.util.device import select_device
from pinet_training.cli.network_evaluations import (
    add_detector,
    add_lifter,
    run_detector,
    run_lifter,
)
from pinet_training.datasets.pairing import read_paired
from pinet_training.datasets.people_pictures import TRUTH, read_people_pictures
from pinet_training.datasets.pose2sim import FRAMES
from pinet_training.datasets.scene_fields import SPLITS
from pinet_training.datasets.scene_loading import load_scenes
from pinet_training.datasets.scenes import ScenesError
from pinet_training.evaluation.export import (
    Row,
    mupots_rows,
    real_rows,
    scenes_rows,
    write_csv,
    write_json,
)
from pinet_training.evaluation.failure_drawing import draw_failures
from pinet_training.evaluation.failures import find_failures
from pinet_training.evaluation.mupots_evaluation import evaluate_mupots
from pinet_training.evaluation.picture_evaluation import (
    FLOORS,
    NO_FLOOR,
    UP,
    evaluate_pictures,
    pictures_table,
)
from pinet_training.evaluation.real_evaluation import evaluate_real
from pinet_training.evaluation.real_tables import real_tables
from pinet_training.evaluation.real_truth import AccurateNetworks
from pinet_training.evaluation.scene_evaluation import (
    measure_scenes,
    report_controls,
    report_scenes,
)
from pinet_training.evaluation.tables import mupots_tables, scenes_tables
from pinet_training.rendering.shards import RenderedScenes


def add_commands(subparsers: argparse._SubParsersAction) -> None:
    """Add `pinet evaluate`."""
    evaluate = subparsers.add_parser("evaluate", help="measure PI-Net's accuracy")
    register(
        evaluate.add_subparsers(required=True),
        [
            ("scenes", _add_scenes, _evaluate_scenes, "on a file of scenes"),
            ("mupots", _add_mupots, _evaluate_mupots, "on MuPoTS-3D or a similar data set"),
            ("real", _add_real, _evaluate_real, "on real people, recorded with four cameras"),
            ("pictures", _add_pictures, _evaluate_pictures, "on pictures with known poses"),
            ("lifter", add_lifter, run_lifter, "BlazePose on held-out rendered people"),
            ("detector", add_detector, run_detector, "NanoDet on rendered or real people"),
        ],
    )


def _add_real(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--frames",
        type=int,
        default=25,
        help=f"number of moments, evenly spaced over the recording; {DEFAULT}",
    )
    add_options(parser, EstimatorConfig)
    parser.add_argument(
        "--draw",
        type=Path,
        metavar="DIR",
        help="write images with the true, initial and refined skeletons here",
    )
    _add_refiner_and_outputs(parser)


def _add_pictures(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, help="folder of pictures with truth.npz, see people_pictures.py"
    )
    parser.add_argument(
        "--floor",
        choices=FLOORS,
        default=NO_FLOOR,
        help=f"tell the true floor of each picture, or only which way is up; {DEFAULT}",
    )
    add_options(parser, EstimatorConfig)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    parser.add_argument("--weights", help="PI-Net weights; default: those for the lifter")
    add_device(parser, default="cpu")


def _add_scenes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenes", type=Path, help=".npz file of scenes")
    parser.add_argument("--split", choices=SPLITS, default="test", help=DEFAULT)
    parser.add_argument(
        "--controls",
        action="store_true",
        help="also refine people alone, with duplicates and with wrong neighbours",
    )
    parser.add_argument(
        "--draw",
        type=Path,
        metavar="DIR",
        help="write images of the worst failures here; needs --pictures",
    )
    parser.add_argument(
        "--pictures", type=Path, metavar="DIR", help="folder that the scenes were rendered to"
    )
    parser.add_argument(
        "--floor",
        choices=(NO_FLOOR, UP),
        default=NO_FLOOR,
        help=f"up: tell the refiner which way is up; {DEFAULT}",
    )
    parser.add_argument(
        "--failures",
        type=positive_integer,
        default=12,
        metavar="N",
        help=f"number of failures of each kind to draw; {DEFAULT}",
    )
    _add_refiner_and_outputs(parser)


def _add_mupots(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--annotations",
        type=Path,
        required=True,
        help="MuPoTS-3D folder that contains TS1 to TS20, or a COCO-style .json file",
    )
    parser.add_argument(
        "--predictions",
        type=Path,
        required=True,
        help=".npz or .json file, or .mat file of 3DMPPE",
    )
    add_sequences(parser)
    parser.add_argument(
        "--refine", action="store_true", help="also measure the predictions after refinement"
    )
    parser.add_argument(
        "--normalise-bones",
        action="store_true",
        help="give predicted poses the bone lengths of the person they are matched with, and "
        "compare with the universal skeleton",
    )
    _add_refiner_and_outputs(parser)


def _add_refiner_and_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--weights",
        help="PI-Net weights: a name or a file; default: those in the package",
    )
    add_device(parser, "cpu")
    parser.add_argument("--json", type=Path, help="write the report to this file")
    parser.add_argument("--csv", type=Path, help="write the report here, one value per line")


def _evaluate_scenes(options: argparse.Namespace) -> int:
    """Measure the people of a file of scenes before and after refinement."""
    if bool(options.draw) != bool(options.pictures):
        raise PinetError("--draw and --pictures need each other: give both, or neither")
    pictures = RenderedScenes(options.pictures) if options.draw else None
    scenes = load_scenes(options.scenes).select(split=options.split)
    scenes = scenes if options.floor == UP else scenes.without_up()
    if not len(scenes.select(minimum_people=2)):
        raise ScenesError(
            f"{options.scenes} has no scenes of the {options.split} split with two or more "
            "people found; choose another file or --split"
        )
    refiner = _load_refiner(options)
    errors = measure_scenes(scenes, refiner)
    report = report_scenes(errors)
    if options.controls:
        report |= report_controls(errors, refiner)
    _output(report, scenes_tables(report), scenes_rows(report), options)
    if pictures:  # last, as a picture that cannot be read must not cost the report
        draw_failures(options.draw, find_failures(errors, options.failures), pictures)
    return 0


def _evaluate_real(options: argparse.Namespace) -> int:
    """Measure real people before and after refinement, against triangulation from four cameras.

    Uses the recording of Pose2Sim's demo; download it and the networks
    of its truth with: pinet models fetch pose2sim_clips nanodet blazepose_full.
    """
    if not 1 <= options.frames <= FRAMES:
        raise PinetError(f"--frames must be from 1 to {FRAMES}, got {options.frames}")
    device = select_device(options.device)
    report = evaluate_real(
        PoseEstimator(EstimatorConfig(**given_fields(options, EstimatorConfig)), device),
        AccurateNetworks(device),
        Refiner(options.weights or weights_for(options.lifter), device, config=EVERYBODY),
        options.frames,
        options.draw,
    )
    _output(report, real_tables(report), real_rows(report), options)
    return 0


def _evaluate_pictures(options: argparse.Namespace) -> int:
    """Measure people in pictures with known poses, before and after refinement."""
    device = select_device(options.device)
    pictures = read_people_pictures(options.folder)
    if options.floor != NO_FLOOR and not any(picture.floor for picture in pictures):
        raise DatasetError(
            f"{options.folder / TRUTH} lacks picture_up and picture_camera_height, or they are "
            "NaN, so the floor is not known; omit --floor"
        )
    report = evaluate_pictures(
        pictures,
        PoseEstimator(EstimatorConfig(**given_fields(options, EstimatorConfig)), device),
        Refiner(options.weights or weights_for(options.lifter), device, config=EVERYBODY),
        floor=options.floor,
    )
    print(pictures_table(report, tabulate))
    if options.json:
        write_json(options.json, report)
    return 0


def _evaluate_mupots(options: argparse.Namespace) -> int:
    """Measure predicted people as in tables 1 to 3 of the paper."""
    if options.weights and not options.refine:
        raise PinetError("--weights has no effect without --refine; add --refine, or omit it")
    report = evaluate_mupots(
        *read_paired(options.annotations, options.predictions, options.sequences),
        _load_refiner(options) if options.refine else None,
        normalise_bones=options.normalise_bones,
    )
    _output(report, mupots_tables(report), mupots_rows(report), options)
    return 0


def _output(
    report: dict[str, Any], tables: str, rows: Iterator[Row], options: argparse.Namespace
) -> None:
    """Print the tables, and write the report to the requested files."""
    print(tables)
    if options.json:
        write_json(options.json, report)
    if options.csv:
        write_csv(options.csv, rows)


def _load_refiner(options: argparse.Namespace) -> Refiner:
    device = select_device(options.device)
    return Refiner(options.weights or DEFAULT_WEIGHTS, device, config=EVERYBODY)
