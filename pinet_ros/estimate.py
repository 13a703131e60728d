"""`pinet estimate`: the whole core on pictures."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from pinet_ros.calibration import read_calibration
from pinet_ros.camera import Camera
from pinet_ros.device import select_device
from pinet_ros.drawing import draw_people
from pinet_ros.errors import PinetError
from pinet_ros.estimator import LIFTERS, PoseEstimator
from pinet_ros.people import People
from pinet_ros.refinement.refiner import Refiner
from pinet_ros.video import read_image


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add `pinet estimate`."""
    parser = commands.add_parser(
        "estimate", help="3D people of pictures", description=_estimate.__doc__
    )
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    camera = parser.add_mutually_exclusive_group(required=True)
    camera.add_argument("--focal", type=float, help="focal length in pixels")
    camera.add_argument("--calibration", type=Path, help="camera_info YAML")
    parser.add_argument("--lifter", choices=LIFTERS, default="blazepose_full")
    parser.add_argument("--mirror", action="store_true", help="average with the mirrored image")
    parser.add_argument("--weights", type=Path, help="of PI-Net; those of the package by default")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--json", type=Path, help="write the people here")
    parser.add_argument("--draw", type=Path, metavar="DIR", help="write annotated pictures here")
    parser.set_defaults(run=_estimate)


def _estimate(options: argparse.Namespace) -> int:
    """Find the people of each picture, lift them to metres and refine them."""
    if options.draw:
        _require_distinct(options.images)
        _make_folder(options.draw)
    if options.json:
        _make_folder(options.json.parent)
    device = select_device(options.device)
    estimator = PoseEstimator.load(lifter=options.lifter, mirror=options.mirror, device=device)
    refiner = Refiner.load(options.weights, device=device)
    results = {}
    for path in options.images:
        image = read_image(path)
        camera = _camera(options, image.shape[1], image.shape[0])
        initial = estimator(image, "bgr", camera)
        refined = refiner(initial)
        results[str(path)] = _people(initial, refined)
        print(f"{path}: {len(refined)} people")
        if options.draw:
            draw_people(image, refined, camera)
            _write_image(options.draw / _drawn_name(path), image)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    return 0


def _drawn_name(path: Path) -> str:
    return f"{path.stem}_people.png"


def _require_distinct(images: Sequence[Path]) -> None:
    """Refuse pictures that would be drawn to the same file."""
    first: dict[str, Path] = {}
    for path in images:
        other = first.setdefault(_drawn_name(path), path)
        if other is not path:
            raise PinetError(
                f"{other} and {path} would both be drawn to {_drawn_name(path)}; draw them to "
                "different folders"
            )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PinetError(f"the folder {folder} cannot be made: {error}") from error


def _write_image(path: Path, image: np.ndarray) -> None:
    if not cv2.imwrite(str(path), image):
        raise PinetError(f"{path} cannot be written; check the folder's permissions and space")


def _camera(options: argparse.Namespace, width: int, height: int) -> Camera:
    if options.calibration:
        return read_calibration(options.calibration).camera(width, height)
    return Camera.from_focal(options.focal, width, height)


def _people(initial: People, refined: People) -> list[dict]:
    """Box and 2D joints in pixels, 3D joints in metres."""
    return [
        {
            "score": float(initial.scores[row]),
            "box": initial.boxes[row].tolist(),
            "joints_image": initial.joints_image[row].tolist(),
            "initial": initial.joints[row].tolist(),
            "refined": refined.joints[row].tolist(),
        }
        for row in range(len(initial))
    ]
