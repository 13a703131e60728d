"""Options: dataclass fields that node parameters and command-line arguments are derived from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any

_OPTION = "option"


@dataclass(frozen=True)
class Option:
    """What is known about a field besides its name and default.

    Attributes:
        description: one phrase, for `ros2 param describe`, `--help` and the docs.
        choices: allowed strings; empty for any.
        minimum, maximum: of a number.
        live: whether it may change while a node runs.
    """

    description: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    live: bool = False


def option(
    default: Any,
    description: str,
    *,
    choices: Sequence[str] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    live: bool = False,
) -> Any:
    """A dataclass field with a default and the attributes of Option."""
    described = Option(description, tuple(choices), minimum, maximum, live)
    return field(default=default, metadata={_OPTION: described})


def options_of(config: Any) -> dict[Field, Option]:
    """The fields of a dataclass, or of its instance, that were made with `option`."""
    return {each: each.metadata[_OPTION] for each in fields(config) if _OPTION in each.metadata}


def violation(config: Any) -> str | None:
    """What is wrong with the first value that is outside its choices or range; None if nothing."""
    for each, described in options_of(config).items():
        value = getattr(config, each.name)
        if described.choices and value not in described.choices:
            known = ", ".join(described.choices)
            return f"{each.name} must be one of {known}, got {value!r}"
        low, high = described.minimum, described.maximum
        if (low is not None and not value >= low) or (high is not None and not value <= high):
            return f"{each.name} must be {low} to {high}, got {value!r}"
    return None
