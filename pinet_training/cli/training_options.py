"""Options that trainings share."""

from __future__ import annotations

import argparse

from pinet_ros.cli.arguments import add_device, natural_number


def add_training_options(parser: argparse.ArgumentParser, samples: str) -> None:
    """Add the settings that all recipes have, and --resume.

    Args:
        parser: of the command.
        samples: what a batch consists of, for the help.
    """
    parser.add_argument("--epochs", type=int, help="number of epochs")
    parser.add_argument("--batch-size", type=int, help=f"{samples} per step, over all workers")
    parser.add_argument("--learning-rate", type=float, help="highest learning rate")
    parser.add_argument("--seed", type=int, help="seed of all random numbers")
    parser.add_argument(
        "--resume", action="store_true", help="resume the training in the folder, if there is one"
    )


def add_loading_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a training on images: processes that load them, and the device."""
    parser.add_argument(
        "--loaders",
        type=natural_number,
        metavar="N",
        help="number of processes that load images, for each worker",
    )
    add_device(parser)
