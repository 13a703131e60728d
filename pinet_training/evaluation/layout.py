"""Cells and tables of reports as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tabulate import tabulate

LABELS = {
    "n": "people",
    "found": "people found",
    "complete": "with all joints",
    "mpjpe_mm": "MPJPE, mm",
    "pa_mpjpe_mm": "PA-MPJPE with scale, mm",
    "limbs_mpjpe_mm": "MPJPE of the limbs, mm",
    "limbs_pa_mpjpe_mm": "PA-MPJPE of the limbs, mm",
    "pa_mpjpe_rigid_mm": "PA-MPJPE without scale, mm",
    "pck150": "3DPCK at 150 mm, %",
    "auc": "AUC, %",
    "pck150_absolute": "absolute 3DPCK at 150 mm, %",
    "auc_absolute": "absolute AUC, %",
    "root_mm": "root, mm",
    "root_ap25": "AP of the root in 25 cm, %",
}
_COUNTS = ("n", "found", "complete")

Metrics = dict[str, Any]


def summary(
    title: str,
    columns: dict[str, Metrics],
    differences: dict[str, Metrics],
) -> str:
    """All metrics, a row each; `differences` are columns of intervals behind the others."""
    rows = []
    for metric in next(iter(columns.values())):
        row = [LABELS[metric], *(cell(part.get(metric), metric) for part in columns.values())]
        rows.append(row + [interval(part.get(metric)) for part in differences.values()])
    return table(title, ["", *columns, *(f"{name} [95 %]" for name in differences)], rows)


def cell(value: float | None, metric: str) -> str:
    """A value of a metric, a dash where it is not known."""
    if value is None:
        return "-"
    return str(value) if metric in _COUNTS else f"{value:.1f}"


def interval(
    difference: dict[str, float | None] | None, bounds: str = "[{low:+.1f}, {high:+.1f}]"
) -> str:
    """A difference with its interval, empty where it is not known.

    Args:
        difference: of one metric, as `paired_differences` gives it.
        bounds: format of the interval.
    """
    if difference is None:
        return ""
    known = difference["low"] is not None
    shown = bounds.format(**difference) if known else "(no interval)"
    return f"{difference['mean']:+.1f} {shown}"


def table(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows of text below a title, the first column on the left."""
    align = ("left", *("right" for _ in headers[1:]))
    # the cells are text already: tabulate would round them anew
    return f"{title}\n" + tabulate(rows, headers, colalign=align, disable_numparse=True)


def told(value: float | None) -> str:
    """A number with three digits or so; a dash for none."""
    return "-" if value is None else f"{value:.2f}" if value < 10 else f"{value:.1f}"
