"""`pinet evaluate` in the test's own process, and the files that it writes."""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

from pinet_training.cli.evaluate_command import add_commands


def run(*arguments) -> int:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    parsed = parser.parse_args(["evaluate", *map(str, arguments)])
    return parsed.run(parsed)


def written(path: Path):
    """A report, of which nothing may be NaN, which is not JSON."""

    def refuse(constant):
        raise AssertionError(f"{constant} in {path}")

    return json.loads(path.read_text(), parse_constant=refuse)


def values(path: Path) -> dict[tuple, str]:
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["group", "people", "joints", "when", "metric", "value"]
    by_name = {tuple(row[:-1]): row[-1] for row in rows}
    assert len(by_name) == len(rows)
    return by_name


def row_of(printed: str, title: str, label: str) -> list[str]:
    """The cells of a row below a title."""
    lines = printed[printed.index(title) :].splitlines()
    return next(line for line in lines if line.startswith(label))[len(label) :].split()
