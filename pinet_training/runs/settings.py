"""Settings beside results, so that a run is gone on with by the same ones only."""

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
    """A value that two settings do not share; None in those that lack it.

    Attributes:
        name: with the names of what it is within before it, as in "recipe.target".
        held: what it was.
        wanted: what it is to be.
    """

    name: str
    held: Any
    wanted: Any

    def __str__(self) -> str:
        return f"{self.name} is {self.held!r} there and {self.wanted!r} here"


def as_json(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as they come back from a JSON file, tuples as lists."""
    return json.loads(json.dumps(settings))


def first_difference(
    held: Mapping[str, Any], wanted: Mapping[str, Any], within: str = ""
) -> Difference | None:
    """The first value by which settings differ, None where they are the same."""
    for name in sorted({*held, *wanted}):
        there, here = held.get(name), wanted.get(name)
        if isinstance(there, Mapping) and isinstance(here, Mapping):
            if difference := first_difference(there, here, f"{within}{name}."):
                return difference
        elif there != here:
            return Difference(f"{within}{name}", there, here)
    return None


def hold_settings(path: Path, settings: Mapping[str, Any], *, replace: bool = False) -> None:
    """Write settings to a JSON file, or see that it holds the same ones already.

    Args:
        path: of the file, in the folder of the results.
        settings: of what JSON has.
        replace: write them in any case, as long as there are no results.

    Raises:
        DatasetError: it holds others, or is damaged.
    """
    wanted = as_json(settings)
    if replace or not path.exists():
        write_text(path, json.dumps(wanted, indent=1) + "\n")
        return
    held = read_json(path)
    if difference := first_difference(held.fields, wanted):
        raise held.error(
            f"{difference}; go on with what is there, choose another folder, or remove the folder "
            f"{path.parent} to begin anew"
        )
