"""Command line arguments that several commands take, and registering these."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace, _SubParsersAction
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any

DEFAULT = "by default %(default)s"  # in the help of an argument

_ESTIMATOR = ("detector", "detector_weights", "lifter", "posenet", "rootnet", "mirror")

# A command's name, what adds its arguments, what runs it (its docstring is the description) and
# gives its exit status, and its summary.
Command = tuple[str, Callable[[ArgumentParser], None], Callable[[Namespace], int], str]


def register(subparsers: _SubParsersAction, commands: Iterable[Command]) -> None:
    """Add commands; `run` of the parsed arguments executes one and gives its status."""
    for name, add_arguments, run, summary in commands:
        parser = subparsers.add_parser(name, help=summary, description=run.__doc__)
        add_arguments(parser)
        parser.set_defaults(run=run)


def add_estimator(parser: ArgumentParser) -> None:
    """Add what chooses an estimator: its networks, their files and --mirror."""
    # torch takes seconds, and some commands do not need it
    from pinet_ros.estimator import DETECTORS, LIFTERS, PoseEstimator

    live = PoseEstimator.load.__kwdefaults__
    parser.add_argument("--detector", choices=DETECTORS, default=live["detector"], help=DEFAULT)
    parser.add_argument(
        "--detector-weights",
        default=live["detector_weights"],
        metavar="FILE",
        help="of a detector of torchvision, by default torchvision's own; or random",
    )
    parser.add_argument("--lifter", choices=LIFTERS, default=live["lifter"], help=DEFAULT)
    for network in ("posenet", "rootnet"):
        parser.add_argument(
            f"--{network}", default=live[network], metavar="FILE", help="of the lifter mppe"
        )
    parser.add_argument("--mirror", action="store_true", help="average with the mirrored image")


def chosen_estimator(options: Namespace) -> dict[str, str | bool]:
    """What `add_estimator` has added, as PoseEstimator.load and EstimatorSettings take it."""
    return {name: getattr(options, name) for name in _ESTIMATOR}


def given_fields(options: Namespace, kind: type) -> dict[str, Any]:
    """The fields of a dataclass that were given as options of the same names."""
    names = [field.name for field in fields(kind)]
    return {
        name: value for name, value in vars(options).items() if name in names and value is not None
    }


def positive_integer(text: str) -> int:
    """A whole number of at least 1, for the `type` of an argument."""
    return _whole_number(text, lowest=1)


def natural_number(text: str) -> int:
    """A whole number of at least 0, for the `type` of an argument."""
    return _whole_number(text, lowest=0)


def _whole_number(text: str, lowest: int) -> int:
    try:
        number = int(text)
    except ValueError as error:
        raise ArgumentTypeError(f"must be a whole number, got {text!r}") from error
    if number < lowest:
        raise ArgumentTypeError(f"must be at least {lowest}, got {number}")
    return number
