"""Command `pinet estimate`: estimate and refine the people in images."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from pinet_ros.cli.arguments import add_device, add_options, given_fields
from pinet_ros.detection.detections import Dropped
from pinet_ros.errors import PinetError, printable
from pinet_ros.estimator import EstimatorConfig, PoseEstimator
from pinet_ros.geometry.calibration import read_calibration
from pinet_ros.geometry.camera import Camera
from pinet_ros.imaging.attention_picture import attention_picture
from pinet_ros.imaging.drawing import draw_people
from pinet_ros.imaging.pictures import read_image, write_image
from pinet_ros.people import People
from pinet_ros.positioning.floor import Floor, require_upright
from pinet_ros.refinement.checkpoint import weights_for
from pinet_ros.refinement.inference import Passed, RefinerConfig
from pinet_ros.refinement.refiner import Refinement, Refiner
from pinet_ros.util.files import is_standard_output, write_text


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add `pinet estimate`."""
    parser = commands.add_parser(
        "estimate", help="find and refine 3D people in images", description=_estimate.__doc__
    )
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    camera = parser.add_mutually_exclusive_group(required=True)
    camera.add_argument("--focal", type=float, help="focal length in pixels")
    camera.add_argument("--calibration", type=Path, metavar="FILE", help="camera_info YAML")
    add_options(parser, EstimatorConfig)
    parser.add_argument(
        "--camera-height", type=float, metavar="M", help="metres of the camera above the floor"
    )
    parser.add_argument(
        "--camera-pitch",
        type=float,
        metavar="DEG",
        help="degrees, positive if the camera looks down; 0 if only the height or roll is given",
    )
    parser.add_argument(
        "--camera-roll",
        type=float,
        metavar="DEG",
        help="degrees, positive if the camera's right side is lower; 0 if it is not given",
    )
    parser.add_argument(
        "--weights",
        help="PI-Net weights: a name or a file; default: those in the package for the lifter",
    )
    add_device(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the people here")
    parser.add_argument("--draw", type=Path, metavar="DIR", help="write annotated images here")
    parser.add_argument(
        "--attention", type=Path, metavar="DIR", help="write images of PI-Net's attention here"
    )
    parser.set_defaults(run=_estimate)


def _estimate(options: argparse.Namespace) -> int:
    """Find the people in each image, lift them to 3D and refine them."""
    config = EstimatorConfig(**given_fields(options, EstimatorConfig))
    weights = options.weights or weights_for(config.lifter)
    # Weights that the user names are meant for this lifter.
    whom = RefinerConfig(
        image_rotation=config.image_rotation,
        max_people=config.max_people,
        refine_unknown=bool(options.weights),
    )
    refiner = Refiner(weights, options.device, config=whom)
    if options.attention and not refiner.has_attention:
        raise PinetError(f"the network of {weights} has no attention; omit --attention")
    for folder in filter(None, (options.draw, options.attention)):
        _require_distinct(options.images)
        _make_folder(folder)
    if options.json:
        _make_folder(options.json.parent)
    camera_of = _camera_of(options)
    floor = _floor_of(options)
    estimator = PoseEstimator(config, refiner.device)
    taken = options.json is not None and is_standard_output(options.json)
    said = sys.stderr if taken else sys.stdout
    results, failures = {}, []
    for path in options.images:
        try:
            image = read_image(path)
            camera = camera_of(image.shape[1], image.shape[0])
        except PinetError as error:
            failures.append(str(error))
            continue
        estimate = estimator(image, camera, floor=floor)
        refinement = refiner(estimate.people)
        refined = refinement.people
        results[str(path)] = _people(estimate.people, refinement)
        line = f"{path}: {len(refined)} people{_dropped(estimate.dropped, refinement.passed)}"
        print(printable(line), file=said)
        if options.draw:
            drawn = image.copy()
            draw_people(drawn, refined, camera)
            write_image(options.draw / f"{path.stem}_people.png", drawn)
        if options.attention and refinement.attention is not None:
            picture = attention_picture(image, refined, refinement.attention, camera)
            write_image(options.attention / f"{path.stem}_attention.png", picture)
    if options.json:
        write_text(options.json, json.dumps(results, indent=1))
    if failures and not results:
        raise PinetError("\n".join(failures))
    for failure in failures:
        print(f"pinet: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _require_distinct(images: Sequence[Path]) -> None:
    """Refuse images whose drawings would have the same file name."""
    first: dict[str, Path] = {}
    for path in images:
        other = first.setdefault(path.stem, path)
        if other is not path:
            raise PinetError(
                f"{other} and {path} would both be drawn to {path.stem}_...png; rename one, or "
                "draw them to different folders"
            )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PinetError(f"the folder {folder} cannot be created: {error}") from error


def _camera_of(options: argparse.Namespace) -> Callable[[int, int], Camera]:
    """Function that creates the camera for an image of a width and height, pixels."""
    if options.calibration:
        return read_calibration(options.calibration).camera
    camera_of = partial(Camera.from_focal, options.focal)
    camera_of(1, 1)  # a focal length that cannot be used is so for all images
    return camera_of


def _floor_of(options: argparse.Namespace) -> Floor | None:
    """The floor under the camera, if its height or an angle is given."""
    mounting = (options.camera_height, options.camera_pitch, options.camera_roll)
    if all(each is None for each in mounting):
        return None
    height, *angles = mounting
    if height is not None and math.isnan(height):
        raise PinetError("--camera-height must be a number of metres; omit it if it is unknown")
    floor = Floor.of_camera(
        math.nan if height is None else height, *(math.radians(angle or 0.0) for angle in angles)
    )
    require_upright(floor, options.image_rotation)
    return floor


def _dropped(dropped: Dropped, passed: Passed) -> str:
    """Describe detections that were not lifted, and people that were not refined."""
    surplus, bad = dropped.surplus_people, dropped.bad_boxes
    text = f", the largest; {surplus} more were detected" if surplus else ""
    text += f"; {bad} boxes were unusable" if bad else ""
    unrefined = passed.unusable + passed.unknown_estimator
    return text + (f"; {unrefined} could not be refined" if unrefined else "")


def _people(initial: People, refinement: Refinement) -> list[dict]:
    """Box and 2D joints in pixels, 3D joints in metres, attention to each person in the list."""
    refined, attention = refinement.people, refinement.attention
    return [
        {
            "score": float(initial.scores[row]),
            "box": initial.boxes[row].tolist(),
            "joints_image": initial.joints_image[row].tolist(),
            "initial": initial.joints[row].tolist(),
            "refined": refined.joints[row].tolist(),
            "attention": _known(attention[row]) if attention is not None else None,
        }
        for row in range(len(initial))
    ]


def _known(weights: np.ndarray) -> list[float] | None:
    return None if np.isnan(weights).any() else weights.tolist()
