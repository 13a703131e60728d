"""The commands `pinet train` and `pinet evaluate`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pinet_ros.device import describe_device, select_device
from pinet_ros.refinement.checkpoint import save_network
from pinet_ros.refinement.refiner import Refiner
from pinet_ros.training.evaluation.scenes import evaluate_controls, evaluate_scenes
from pinet_ros.training.recipe import Recipe
from pinet_ros.training.samples import OTHERS
from pinet_ros.training.datasets.scenes import SPLITS, ScenesError, load_scenes
from pinet_ros.training.train import train


def add_commands(subparsers: argparse._SubParsersAction) -> None:
    """Register the commands; `run` of the parsed arguments executes one and gives its status."""
    kinds = subparsers.add_parser("train", help="train PI-Net").add_subparsers(required=True)
    _add_train_scenes(kinds.add_parser("scenes", help="on a file of scenes"))
    kinds = subparsers.add_parser("evaluate", help="measure PI-Net").add_subparsers(required=True)
    _add_evaluate_scenes(kinds.add_parser("scenes", help="on a file of scenes"))


def _add_train_scenes(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.ArgumentDefaultsHelpFormatter
    parser.add_argument("scenes", type=Path, help=".npz file of scenes")
    parser.add_argument(
        "--output", type=_weights_path, required=True, help="weights to write, .safetensors"
    )
    parser.add_argument("--epochs", type=int, default=Recipe.epochs)
    parser.add_argument("--batch-size", type=int, default=Recipe.batch_size)
    parser.add_argument("--learning-rate", type=float, default=Recipe.learning_rate)
    parser.add_argument("--weight-decay", type=float, default=Recipe.weight_decay)
    parser.add_argument(
        "--others", choices=OTHERS, default=Recipe.others, help="whom a person is refined with"
    )
    parser.add_argument(
        "--validation",
        type=float,
        default=Recipe.validation,
        help="part of the bodies that is held out to validate on",
    )
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--device", default="cpu", help="auto, cpu, cuda or cuda:N")
    parser.set_defaults(run=_train_scenes)


def _add_evaluate_scenes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenes", type=Path, help=".npz file of scenes")
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--weights", type=Path, help="by default those of the package")
    parser.add_argument(
        "--controls", action="store_true", help="also alone, duplicates and wrong neighbours"
    )
    parser.add_argument("--device", default="cpu", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.set_defaults(run=_evaluate_scenes)


def _weights_path(text: str) -> Path:
    """A name that can be loaded again, which should be known before an hour of training."""
    if not text.endswith(".safetensors"):
        raise argparse.ArgumentTypeError(f"weights end in .safetensors, got {text}")
    return Path(text)


def _train_scenes(arguments: argparse.Namespace) -> int:
    scenes = load_scenes(arguments.scenes)
    device = select_device(arguments.device)
    recipe = Recipe(
        epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        learning_rate=arguments.learning_rate,
        weight_decay=arguments.weight_decay,
        others=arguments.others,
        validation=arguments.validation,
        seed=arguments.seed,
    )
    print(f"training on {describe_device(device)}: {recipe}")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    training = train(scenes, recipe, device)
    save_network(arguments.output, training.network, recipe.formulation)
    print(f"wrote {arguments.output}")
    return 0


def _evaluate_scenes(arguments: argparse.Namespace) -> int:
    scenes = load_scenes(arguments.scenes).select(split=arguments.split)
    if not len(scenes.select(minimum_people=2)):
        raise ScenesError(
            f"{arguments.scenes} has no scenes of the {arguments.split} split with two or more "
            "people found"
        )
    refiner = Refiner.load(arguments.weights, select_device(arguments.device))
    report = evaluate_scenes(scenes, refiner)
    print(_table(report, "initial", "before"))
    print(_table(report, "refined", "after"))
    if arguments.controls:
        report["controls"] = evaluate_controls(scenes, refiner)
        for name, control in report["controls"].items():
            print(_table(control, name.replace("_", " "), "after"))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    return 0


def _table(report: dict[str, dict], label: str, when: str) -> str:
    return "\n".join(
        f"{cameras:6} (n={kind['n']:4}) {label:16} MPJPE {kind[when]['mpjpe_mm']:6.1f} mm  "
        f"PA-MPJPE {kind[when]['pa_mpjpe_mm']:5.1f} mm  3DPCK150 {kind[when]['pck150']:4.1f} %  "
        f"root {kind[when]['root_mm']:4.0f} mm"
        for cameras, kind in report.items()
    )
