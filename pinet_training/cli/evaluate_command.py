"""The command `pinet evaluate`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pinet_ros.cli.arguments import (
    DEFAULT,
    add_device,
    add_options,
    given_fields,
    positive_integer,
    register,
)
from pinet_ros.cli.predictions.predictions import read_predictions
from pinet_ros.errors import PinetError
from pinet_ros.estimator import EstimatorConfig, PoseEstimator
from pinet_ros.refinement.checkpoint import DEFAULT_WEIGHTS, weights_for
from pinet_ros.refinement.refiner import Refiner
from pinet_ros.util.device import select_device
from pinet_training.datasets.annotations import read_annotations
from pinet_training.datasets.pose2sim import FRAMES
from pinet_training.datasets.scenes import SPLITS, ScenesError, load_scenes
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
    """Register the command; `run` of the parsed arguments executes it and gives its status."""
    register(
        subparsers.add_parser("evaluate", help="measure PI-Net").add_subparsers(required=True),
        [
            ("scenes", _add_scenes, _evaluate_scenes, "on a file of scenes"),
            ("mupots", _add_mupots, _evaluate_mupots, "on MuPoTS-3D or a data set like it"),
            ("real", _add_real, _evaluate_real, "on real people, filmed by four cameras"),
        ],
    )


def _add_real(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--frames", type=int, default=25, help="so many moments of the recording")
    add_options(parser, EstimatorConfig)
    parser.add_argument(
        "--draw", type=Path, metavar="DIR", help="draw the true, initial and refined skeletons"
    )
    _add_refiner_and_outputs(parser)


def _add_scenes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenes", type=Path, help=".npz file of scenes")
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument(
        "--controls", action="store_true", help="also alone, duplicates and wrong neighbours"
    )
    parser.add_argument(
        "--draw", type=Path, metavar="DIR", help="draw the worst failures; needs --pictures"
    )
    parser.add_argument(
        "--pictures", type=Path, metavar="DIR", help="folder that the scenes were rendered to"
    )
    parser.add_argument(
        "--failures",
        type=positive_integer,
        default=12,
        metavar="N",
        help=f"of each kind to draw; {DEFAULT}",
    )
    _add_refiner_and_outputs(parser)


def _add_mupots(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--annotations",
        type=Path,
        required=True,
        help="folder of MuPoTS-3D that holds TS1 to TS20, or a COCO-style .json file",
    )
    parser.add_argument(
        "--predictions", type=Path, required=True, help=".npz, .json or 3DMPPE's .mat file"
    )
    parser.add_argument("--refine", action="store_true", help="also after refinement")
    parser.add_argument(
        "--normalise-bones",
        action="store_true",
        help="compare poses of the universal skeleton's bone lengths",
    )
    _add_refiner_and_outputs(parser)


def _add_refiner_and_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--weights", help="of PI-Net, by default the package's")
    add_device(parser, "cpu")
    parser.add_argument("--json", type=Path, help="write the report to this file")
    parser.add_argument("--csv", type=Path, help="write one value a line to this file")


def _evaluate_scenes(options: argparse.Namespace) -> int:
    """Errors of the people of scenes before and after refinement."""
    if bool(options.draw) != bool(options.pictures):
        raise PinetError("--draw and --pictures go together: give both, or neither")
    pictures = RenderedScenes(options.pictures) if options.draw else None
    scenes = load_scenes(options.scenes).select(split=options.split)
    if not len(scenes.select(minimum_people=2)):
        raise ScenesError(
            f"{options.scenes} has no scenes of the {options.split} split with two or more "
            "people found"
        )
    refiner = _load_refiner(options)
    errors = measure_scenes(scenes, refiner)
    report = report_scenes(errors)
    if options.controls:
        report |= report_controls(errors, refiner)
    if pictures:
        draw_failures(options.draw, find_failures(errors, options.failures), pictures)
    _give(report, scenes_tables(report), scenes_rows(report), options)
    return 0


def _evaluate_real(options: argparse.Namespace) -> int:
    """Errors of real people before and after refinement, against four views triangulated.

    They are those of Pose2Sim's demonstration: pinet models fetch pose2sim_clips.
    """
    if not 1 <= options.frames <= FRAMES:
        raise PinetError(f"--frames must be 1 to {FRAMES}, got {options.frames}")
    device = select_device(options.device)
    report = evaluate_real(
        PoseEstimator(EstimatorConfig(**given_fields(options, EstimatorConfig)), device),
        AccurateNetworks(device),
        Refiner(options.weights or weights_for(options.lifter), device),
        options.frames,
        options.draw,
    )
    _give(report, real_tables(report), real_rows(report), options)
    return 0


def _evaluate_mupots(options: argparse.Namespace) -> int:
    """Errors of predicted people as in tables 1 to 3 of the paper."""
    if options.weights and not options.refine:
        raise PinetError("--weights are those to refine with; add --refine, or leave them out")
    report = evaluate_mupots(
        read_annotations(options.annotations),
        read_predictions(options.predictions),
        _load_refiner(options) if options.refine else None,
        normalise_bones=options.normalise_bones,
    )
    _give(report, mupots_tables(report), mupots_rows(report), options)
    return 0


def _give(
    report: dict[str, Any], tables: str, rows: Iterator[Row], options: argparse.Namespace
) -> None:
    """Print a report, and write it to the files that are asked for."""
    print(tables)
    if options.json:
        write_json(options.json, report)
    if options.csv:
        write_csv(options.csv, rows)


def _load_refiner(options: argparse.Namespace) -> Refiner:
    return Refiner(options.weights or DEFAULT_WEIGHTS, select_device(options.device))
