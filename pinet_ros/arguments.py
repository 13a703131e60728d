"""Types of command line arguments that several commands take."""

from __future__ import annotations

from argparse import ArgumentTypeError


def positive_integer(text: str) -> int:
    """A whole number of at least 1, for the `type` of an argument."""
    try:
        number = int(text)
    except ValueError as error:
        raise ArgumentTypeError(f"must be a whole number, got {text!r}") from error
    if number < 1:
        raise ArgumentTypeError(f"must be at least 1, got {number}")
    return number
