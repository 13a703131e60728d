"""Registration of commands, and command-line arguments that several commands share."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace, _SubParsersAction
from collections.abc import Callable, Collection, Iterable
from dataclasses import fields
from typing import Any

from pinet_ros.util.options import options_of

DEFAULT = "default: %(default)s"  # in the help of an argument

# Name of a command; function that adds its arguments; function that runs it and returns the exit
# status, whose docstring is the description; summary.
Command = tuple[str, Callable[[ArgumentParser], None], Callable[[Namespace], int], str]


def register(subparsers: _SubParsersAction, commands: Iterable[Command]) -> None:
    """Add commands; `run` of the parsed arguments executes one and returns its exit status."""
    for name, add_arguments, run, summary in commands:
        parser = subparsers.add_parser(name, help=summary, description=run.__doc__)
        add_arguments(parser)
        parser.set_defaults(run=run)


def add_options(parser: ArgumentParser, config: type, *, without: Collection[str] = ()) -> None:
    """Add an argument for each field of a dataclass that was created with `option`.

    Args:
        parser: parser to add them to.
        config: the dataclass; `given_fields` collects the values.
        without: names of fields to leave out.
    """
    for each, described in options_of(config).items():
        if each.name in without:
            continue
        flag = f"--{each.name.replace('_', '-')}"
        if isinstance(each.default, bool):
            parser.add_argument(flag, action="store_true", help=described.description)
            continue
        parser.add_argument(
            flag,
            type=type(each.default),
            choices=described.choices or None,
            default=each.default,
            help=described.description + (f"; {DEFAULT}" if each.default else ""),
        )


def add_device(parser: ArgumentParser, default: str = "auto") -> None:
    """Add --device."""
    parser.add_argument("--device", default=default, help=f"auto, cpu, cuda or cuda:N; {DEFAULT}")


def given_fields(options: Namespace, kind: type) -> dict[str, Any]:
    """Fields of a dataclass that were given as arguments with the same names."""
    names = [field.name for field in fields(kind)]
    return {
        name: value for name, value in vars(options).items() if name in names and value is not None
    }


def positive_integer(text: str) -> int:
    """Parse an integer of at least 1, as `type` of an argument."""
    return _integer(text, lowest=1)


def natural_number(text: str) -> int:
    """Parse an integer of at least 0, as `type` of an argument."""
    return _integer(text, lowest=0)


def _integer(text: str, lowest: int) -> int:
    try:
        number = int(text)
    except ValueError as error:
        raise ArgumentTypeError(f"must be an integer, got {text!r}") from error
    if number < lowest:
        raise ArgumentTypeError(f"must be at least {lowest}, got {number}")
    return number
