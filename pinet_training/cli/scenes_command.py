"""Commands `pinet scenes render` and `pinet scenes estimate`."""

from __future__ import annotations

import argparse
from pathlib import Path

from pinet_ros.cli.arguments import (
    DEFAULT,
    add_device,
    add_options,
    given_fields,
    natural_number,
    positive_integer,
    register,
)
from pinet_ros.estimator import EstimatorConfig
from pinet_ros.models.cache import cache_dir
from pinet_ros.util.files import write_whole
from pinet_training.rendering.anny_bodies import make_bodies
from pinet_training.rendering.contact_sheet import write_contact_sheet
from pinet_training.rendering.contents import (
    contents_text,
    describe_contents,
    write_contents,
)
from pinet_training.rendering.renderer import describe_renderer
from pinet_training.rendering.scene_detections import detect
from pinet_training.rendering.scene_estimates import NOT_KEPT, estimate
from pinet_training.rendering.scene_rendering import (
    GENERATOR,
    Ingredients,
    render_scenes,
    require_ingredient,
)
from pinet_training.rendering.sequence_video import write_sequence_video
from pinet_training.runs.processes import available_cores

_BODIES, _TEST_BODIES, _BODIES_SEED = 1000, 250, 1
_CONTACT_SHEET, _CONTENTS, _VIDEO = "contact_sheet.jpg", "contents.json", "sequence.mp4"


def add_commands(subparsers: argparse._SubParsersAction) -> None:
    """Add `pinet scenes`."""
    kinds = subparsers.add_parser("scenes", help="make rendered training data").add_subparsers(
        required=True
    )
    register(
        kinds,
        [
            ("render", _add_render, _render, "render scenes of people with ground truth"),
            ("detect", _add_detect, _detect, "detect the people in rendered scenes"),
            ("estimate", _add_estimate, _estimate, "run an estimator over rendered scenes"),
        ],
    )


def _add_render(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, help="folder of the data set; an incomplete data set is continued"
    )
    parser.add_argument(
        "--motion",
        type=Path,
        required=True,
        help=".npz file of clips, or folder of motion capture (.bvh, or .asf with .amc)",
    )
    parser.add_argument(
        "--scenes", type=positive_integer, default=20_000, help=f"number of scenes; {DEFAULT}"
    )
    parser.add_argument(
        "--frames",
        type=positive_integer,
        default=1,
        help=f"frames of each scene: with several it is a sequence; {DEFAULT}",
    )
    parser.add_argument(
        "--rate",
        type=_rate,
        default=30.0,
        help=f"frames per second of sequences; {DEFAULT}",
    )
    parser.add_argument(
        "--seed", type=natural_number, default=0, help=f"seed of all random choices; {DEFAULT}"
    )
    parser.add_argument(
        "--size",
        type=_size,
        default=(640, 480),
        metavar="WxH",
        help="size of the images, pixels; default: 640x480",
    )
    parser.add_argument(
        "--backgrounds",
        type=Path,
        metavar="DIR",
        help="folder of background images; default: generated backgrounds",
    )
    parser.add_argument(
        "--bodies",
        type=Path,
        metavar="FILE",
        help=".npz file of bodies; default: bodies made once and kept in the cache",
    )
    _add_workers(parser)


def _add_detect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="folder of rendered scenes")
    add_device(parser)
    _add_workers(parser)


def _add_estimate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="folder of rendered scenes")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", required=True, help=".npz file of scenes to write"
    )
    add_options(parser, EstimatorConfig, without=NOT_KEPT)
    add_device(parser)
    _add_workers(parser)


def _add_workers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers",
        type=positive_integer,
        default=available_cores(),
        help="number of processes; default: one per core",
    )


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    try:
        return positive_integer(width), positive_integer(height)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"must be WxH, such as 640x480, got {text!r}") from error


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 1 <= rate <= 1000:
        raise argparse.ArgumentTypeError(f"must be from 1 to 1000 frames per second, got {text!r}")
    return rate


def _render(options: argparse.Namespace) -> int:
    """Render scenes or sequences of several people. A run that was stopped is resumed."""
    for path in (options.motion, options.backgrounds, options.bodies):
        if path is not None:  # fail before bodies are made, which takes minutes
            require_ingredient(path)
    print(f"rendering with {describe_renderer()}", flush=True)
    ingredients = Ingredients(
        motion=options.motion,
        bodies=options.bodies or _cached_bodies(),
        backgrounds=options.backgrounds,
        width=options.size[0],
        height=options.size[1],
        seed=options.seed,
        frames=options.frames,
        rate=options.rate,
    )
    rendered = render_scenes(options.folder, ingredients, options.scenes, options.workers)
    sheet = options.folder / _CONTACT_SHEET
    write_contact_sheet(rendered, sheet)
    contents = describe_contents(rendered)
    write_contents(contents, options.folder / _CONTENTS)
    print(contents_text(contents))
    print(f"{len(rendered.shards())} shards in {options.folder}; samples of them in {sheet}")
    if options.frames > 1:
        video = options.folder / _VIDEO
        write_sequence_video(rendered, video)
        print(f"the first sequence is in {video}")
    return 0


def _cached_bodies() -> Path:
    """The file of the default bodies in the cache; it is made if it is missing."""
    name = f"bodies_{_BODIES}_{_TEST_BODIES}_{_BODIES_SEED}_generator{GENERATOR}.npz"
    path = cache_dir() / name
    if not path.is_file():
        print("making the bodies; this takes a few minutes, only the first time")
        bodies = make_bodies(_BODIES, _TEST_BODIES, _BODIES_SEED)
        write_whole(path, bodies.save)
    return path


def _detect(options: argparse.Namespace) -> int:
    """Detect the people in rendered scenes, for the training of a lifter. A run is resumed."""
    count = detect(options.folder, device=options.device, workers=options.workers)
    print(f"{count} shards in {options.folder} have detections")
    return 0


def _estimate(options: argparse.Namespace) -> int:
    """Run an estimator over rendered scenes and write a file for training and testing."""
    config = EstimatorConfig(**given_fields(options, EstimatorConfig))
    done = estimate(
        options.folder, options.output, config, device=options.device, workers=options.workers
    )
    print(
        f"wrote {done.scenes} scenes with {done.people} people to {options.output}: {done.found} "
        f"people found, {done.duplicates} duplicate and {done.wrong} wrong estimates"
    )
    return 0
