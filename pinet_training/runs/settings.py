"""Settings stored with results, so that a run resumes only with those it was started with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pinet_ros.cli.predictions.records import read_json
from pinet_ros.util.files import write_text


@dataclass(frozen=True)
class Difference:
    """A value that differs between stored and requested settings; None where it is missing.

    Attributes:
        name: name of the value, preceded by the names of what contains it, as in "recipe.target".
        held: the stored value.
        wanted: the requested value.
    """

    name: str
    held: Any
    wanted: Any

    def __str__(self) -> str:
        return f"{self.name} is {self.held!r}, expected {self.wanted!r}"


def as_json(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as they are read back from a JSON file: tuples become lists."""
    return json.loads(json.dumps(settings))


def first_difference(
    held: Mapping[str, Any], wanted: Mapping[str, Any], within: str = ""
) -> Difference | None:
    """Find the first value, by name, that differs between settings.

    Args:
        held: the stored settings.
        wanted: the requested settings.
        within: prefix of the names, as in "recipe.".

    Returns:
        The difference, None if the settings are equal.
    """
    for name in sorted({*held, *wanted}):
        stored, requested = held.get(name), wanted.get(name)
        if isinstance(stored, Mapping) and isinstance(requested, Mapping):
            if difference := first_difference(stored, requested, f"{within}{name}."):
                return difference
        elif stored != requested:
            return Difference(f"{within}{name}", stored, requested)
    return None


def hold_settings(path: Path, settings: Mapping[str, Any], *, replace: bool = False) -> None:
    """Write settings to a JSON file, or check that it already contains the same ones.

    Args:
        path: the file, in the folder of the results.
        settings: values that JSON can represent.
        replace: overwrite the file in any case; for a folder without results.

    Raises:
        DatasetError: the file contains other settings, or is damaged.
    """
    wanted = as_json(settings)
    if replace or not path.exists():
        write_text(path, json.dumps(wanted, indent=1) + "\n")
        return
    held = read_json(path)
    if difference := first_difference(held.fields, wanted):
        raise held.error(
            f"{difference}; continue with the settings in this file, choose another folder, or "
            f"remove the folder {path.parent} to start over"
        )
