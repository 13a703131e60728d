"""Command line arguments that several commands take, and registering these."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace, _SubParsersAction
from collections.abc import Callable, Iterable

DEFAULT = "by default %(default)s"  # in the help of an argument

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
    """Add what chooses an estimator: --detector, --lifter and --mirror."""
    # torch takes seconds, and some commands do not need it
    from pinet_ros.estimator import DETECTORS, LIFTERS, PoseEstimator

    live = PoseEstimator.load.__kwdefaults__
    parser.add_argument("--detector", choices=DETECTORS, default=live["detector"], help=DEFAULT)
    parser.add_argument("--lifter", choices=LIFTERS, default=live["lifter"], help=DEFAULT)
    parser.add_argument("--mirror", action="store_true", help="average with the mirrored image")


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
