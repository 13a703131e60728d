"""The tables of an ablation, as text and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from tabulate import tabulate

from pinet_ros.refinement.checkpoint import build_network
from pinet_ros.util.files import write_text
from pinet_training.evaluation.bootstrap import paired_differences
from pinet_training.evaluation.layout import interval
from pinet_training.refiner.ablation import FULL, INPUT, TABLES, Ablation, Entry
from pinet_training.refiner.variants import count_parameters

_METRICS = {"mpjpe_mm": "MPJPE", "pa_mpjpe_mm": "PA-MPJPE", "pck150": "3DPCK", "root_mm": "root"}


def write_ablation(ablation: Ablation, folder: Path) -> str:
    """Write `ablation.json` and `ablation.md` of finished runs.

    For each row, the JSON contains the `mean` of each metric over the seeds and its sample
    standard deviation `std` (None for one seed), the number of `parameters`, and `to_full`: the
    difference of the errors from the full network's, with the 95 % interval of the paired
    bootstrap over scenes, or sequences of a video; each person's errors are averaged over the
    seeds first.

    Args:
        ablation: the runs, which must be finished.
        folder: the folder to write to.

    Returns:
        The tables as text.
    """
    full = _person_means(ablation, FULL)
    report = {
        title: {entry.label: _row(ablation, entry, full) for entry in table}
        for title, table in TABLES.items()
    }
    text = "\n\n".join(f"{title}\n\n{_table(rows)}" for title, rows in report.items())
    write_text(folder / "ablation.json", json.dumps(report, indent=2) + "\n")
    write_text(folder / "ablation.md", text + "\n")
    return text


def _row(ablation: Ablation, entry: Entry, full: dict[str, np.ndarray]) -> dict:
    seeds = ablation.errors(entry)
    values = {name: np.array([np.nanmean(errors[name]) for errors in seeds]) for name in _METRICS}
    row = {
        name: {
            "mean": float(value.mean()),
            "std": float(value.std(ddof=1)) if len(value) > 1 else None,
        }
        for name, value in values.items()
    }
    row["parameters"] = _parameters(ablation, entry)
    if entry != FULL:
        own = _person_means(ablation, entry)
        row["to_full"] = paired_differences(full, own, ablation.units)
    return row


def _person_means(ablation: Ablation, entry: Entry) -> dict[str, np.ndarray]:
    """(N,) errors of each metric, averaged over the seeds."""
    seeds = ablation.errors(entry)
    return {name: np.mean([errors[name] for errors in seeds], axis=0) for name in _METRICS}


def _parameters(ablation: Ablation, entry: Entry) -> int | None:
    if entry == INPUT:
        return None
    return count_parameters(build_network(ablation.recipe(entry).network))


def _table(rows: dict[str, dict]) -> str:
    lines = []
    for label, row in rows.items():
        parameters = row["parameters"]
        lines.append(
            [
                label,
                *(_value(row[name]) for name in _METRICS),
                f"{parameters / 1e6:.2f} M" if parameters else "",
                _difference(row.get("to_full"), "mpjpe_mm"),
                _difference(row.get("to_full"), "root_mm"),
            ]
        )
    headers = ["", *_METRICS.values(), "parameters", "MPJPE − full", "root − full"]
    return tabulate(lines, headers, tablefmt="github", disable_numparse=True)


def _value(value: dict[str, float | None]) -> str:
    spread = "" if value["std"] is None else f" ± {value['std']:.1f}"
    return f"{value['mean']:.1f}{spread}"


def _difference(differences: dict | None, name: str) -> str:
    if differences is None:
        return ""
    return interval(differences[name], "({low:+.1f} to {high:+.1f})")
