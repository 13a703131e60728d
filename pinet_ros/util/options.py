"""Options: dataclass fields that become node parameters and command-line arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any

_OPTION = "option"


@dataclass(frozen=True)
class Option:
    """Metadata of a dataclass field that is an option.

    Attributes:
        description: one phrase for `ros2 param describe`, `--help` and the docs.
        choices: allowed values; empty if all are.
        minimum, maximum: range of a number, inclusive; None for no limit.
        live: whether the value may change while a node runs; its `process` must then read it.
    """

    description: str
    choices: tuple[str | int, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    live: bool = False


def option(
    default: Any,
    description: str,
    *,
    choices: Sequence[str | int] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    live: bool = False,
) -> Any:
    """Create a dataclass field with a default and the attributes of Option."""
    described = Option(description, tuple(choices), minimum, maximum, live)
    return field(default=default, metadata={_OPTION: described})


def options_of(config: Any) -> dict[Field, Option]:
    """Fields of a dataclass, or of an instance of one, that were created with `option`."""
    return {each: each.metadata[_OPTION] for each in fields(config) if _OPTION in each.metadata}


def violation(config: Any) -> str | None:
    """Message about the first value outside its choices or range; None if all are valid."""
    for each, described in options_of(config).items():
        value = getattr(config, each.name)
        if described.choices and value not in described.choices:
            known = ", ".join(map(str, described.choices))
            return f"{each.name} must be one of {known}, got {value!r}"
        low, high = described.minimum, described.maximum
        if (low is not None and not value >= low) or (high is not None and not value <= high):
            return f"{each.name} must be {low} to {high}, got {value!r}"
    return None
