"""Settings beside results, so that a run is gone on with by the same ones only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pinet_ros.files import write_text
from pinet_ros.training.datasets.files import read_json


def hold_settings(path: Path, settings: Mapping[str, Any]) -> None:
    """Write settings to a JSON file, or see that it holds the same ones already.

    Raises:
        DatasetError: it holds others, or is damaged.
    """
    wanted = json.loads(json.dumps(settings))  # as they come back, tuples as lists
    if not path.exists():
        write_text(path, json.dumps(wanted, indent=1) + "\n")
        return
    held = read_json(path)
    for name in sorted({*wanted, *held.fields}):
        there, here = held.fields.get(name), wanted.get(name)
        if there != here:
            raise held.error(
                f"{name} is {there!r} there and {here!r} now; go on with the same settings, or "
                f"take another folder than {path.parent}"
            )
