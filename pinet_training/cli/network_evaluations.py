"""Commands `pinet evaluate lifter` and `pinet evaluate detector`: ours and the published."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from pinet_ros.cli.arguments import DEFAULT, add_device
from pinet_ros.detection.nanodet_weights import load_nanodet, nanodet_file
from pinet_ros.errors import PinetError
from pinet_ros.imaging.pictures import picture_paths
from pinet_ros.lifting.blazepose_weights import BLAZEPOSE, load_blazepose, weights_file
from pinet_ros.models.networks import Network, as_network
from pinet_ros.util.device import select_device
from pinet_training.datasets.people_pictures import TRUTH
from pinet_training.datasets.scene_fields import SPLITS
from pinet_training.detector.detector_recall import KnownPicture
from pinet_training.detector.detector_scenes import read_detector_scenes
from pinet_training.detector.detector_training import detections_of
from pinet_training.detector.known_pictures import (
    BOXES,
    boxes_of_another,
    picture_of_nobody,
    pictures_of_people,
    pictures_of_scenes,
    pictures_with_boxes,
    read_place,
)
from pinet_training.evaluation.detector_evaluation import detector_table, evaluate_detector
from pinet_training.evaluation.export import write_json
from pinet_training.evaluation.lifter_evaluation import (
    OURS,
    PUBLISHED,
    evaluate_lifter,
    lifter_table,
)
from pinet_training.lifter.pose_samples import read_pose_samples
from pinet_training.originals.blazepose_original import published_weights
from pinet_training.originals.nanodet_original import published_nanodet
from pinet_training.runs.processes import available_cores


def add_lifter(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `pinet evaluate lifter`."""
    parser.add_argument(
        "scenes", type=Path, help="folder of rendered scenes with detections; the test split"
    )
    parser.add_argument(
        "--lifter", choices=BLAZEPOSE, default="blazepose_full", help=f"network; {DEFAULT}"
    )
    parser.add_argument(
        "--lifter-weights",
        default="",
        metavar="FILE",
        help="its weights; default: those in the package",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    add_device(parser, default="cpu")


def add_detector(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `pinet evaluate detector`."""
    parser.add_argument(
        "data",
        type=Path,
        help="folder of rendered scenes, of which the test split is used; or of pictures with "
        "truth.npz, as of `pinet evaluate pictures`; or of photos with boxes.json",
    )
    parser.add_argument(
        "--detector-weights",
        default="",
        metavar="FILE",
        help="weights of nanodet; default: those in the package",
    )
    parser.add_argument(
        "--without-people",
        type=Path,
        metavar="DIR",
        help="folder of photos without people, in which boxes are counted",
    )
    parser.add_argument(
        "--boxes",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="boxes of another detector (.json), to compare; may be given several times",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    add_device(parser, default="cpu")


def run_lifter(options: argparse.Namespace) -> int:
    """Measure a BlazePose network on held-out rendered people, beside the published one."""
    device, name = select_device(options.device), options.lifter
    files = {
        OURS: weights_file(name, options.lifter_weights),
        PUBLISHED: published_weights(name),
    }
    train, held_out = (read_pose_samples(options.scenes, split) for split in SPLITS)
    report = evaluate_lifter(
        {key: _blazepose(name, file, device) for key, file in files.items()},
        train,
        held_out,
        device,
        max(0, available_cores() - 1),
    )
    print(lifter_table(report))
    if options.json:
        write_json(options.json, report)
    return 0


def run_detector(options: argparse.Namespace) -> int:
    """Measure NanoDet on rendered or real people, beside the published one."""
    device = select_device(options.device)
    networks = {
        OURS: load_nanodet(nanodet_file(options.detector_weights)),
        PUBLISHED: published_nanodet(),
    }
    detectors = {name: detections_of(network, device) for name, network in networks.items()}
    for path in options.boxes:
        if path.stem in detectors:
            raise PinetError(f"--boxes: there is a detector {path.stem} already; rename {path}")
        detectors[path.stem] = boxes_of_another(path)
    pictures = _known_pictures(options.data)
    places = picture_paths(options.without_people) if options.without_people else []
    report = evaluate_detector(
        detectors, pictures, [picture_of_nobody(path.name, read_place(path)) for path in places]
    )
    print(detector_table(report))
    if options.json:
        write_json(options.json, report)
    return 0


def _known_pictures(folder: Path) -> list[KnownPicture]:
    if (folder / TRUTH).is_file():
        return pictures_of_people(folder)
    if (folder / BOXES).is_file():
        return pictures_with_boxes(folder)
    scenes = read_detector_scenes(folder, "test")
    return pictures_of_scenes(scenes, len(scenes))


def _blazepose(name: str, file: Path, device: torch.device) -> Network:
    module = load_blazepose(name, file)
    return as_network(module, module.output_names, device, "auto", file)
