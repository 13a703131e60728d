"""Reports of the evaluation on real people as text."""

from __future__ import annotations

from typing import Any

from pinet_training.evaluation.layout import LABELS, cell, interval, summary, table
from pinet_training.evaluation.metrics import JOINT_GROUPS

_WHEN = ("before", "after")
_TRUTH = {
    "moments": "moments",
    "median_px": "median, px",
    "p90_px": "90th percentile, px",
    "views": "views that agree",
    "doubtful": "joints dropped",
    "known": "joints known, part",
}


def real_tables(report: dict[str, Any]) -> str:
    """A report of `evaluate_real`: the man, each camera's view of him, and the rendered woman."""
    whole = report["all"]
    parts = {**report["camera"], "all": whole, "rendered woman": report["rendered_woman"]}
    metrics = [name for name in whole["before"] if name != "per_joint"]
    views = [
        [name, str(part["n"]), *(_change(part, metric) for metric in metrics)]
        for name, part in parts.items()
    ]
    return "\n\n".join(
        [
            table(
                "Real people, before > after refinement, difference [95 %]",
                ["", "people", *(LABELS[metric] for metric in metrics)],
                views,
            ),
            summary(
                f"The man in all cameras, {whole['n']} times, at {whole['moments']} moments",
                {when: {m: whole[when][m] for m in metrics} for when in _WHEN},
                {"after - before": whole["difference"]},
            ),
            *(_by_joint(who, parts[who]) for who in ("all", "rendered woman")),
            _truth(report["truth"]),
        ]
    )


def _change(part: dict[str, Any], metric: str) -> str:
    """A value before and after, and the difference with its interval."""
    before, after = (cell(part[when][metric], metric) for when in _WHEN)
    return f"{before} > {after}  {interval(part['difference'][metric])}"


def _by_joint(who: str, part: dict[str, Any]) -> str:
    """A row for each group of joints."""
    changes = (
        {when: part[when]["per_joint"][name] for when in (*_WHEN, "difference")}
        for name in JOINT_GROUPS
    )
    metrics = ("mpjpe_mm", "pa_mpjpe_mm")
    return table(
        f"Joints, {who}, before > after refinement, difference [95 %]",
        ["", *(LABELS[metric] for metric in metrics)],
        [
            [name, *(_change(change, metric) for metric in metrics)]
            for name, change in zip(JOINT_GROUPS, changes, strict=True)
        ],
    )


def _truth(truth: dict[str, dict[str, Any]]) -> str:
    rows = [
        [who.replace("_", " "), *(_truth_cell(part, name) for name in _TRUTH)]
        for who, part in truth.items()
    ]
    title = "The truth: the landmarks' reprojection errors, and the joints that are known"
    return table(title, ["", *_TRUTH.values()], rows)


def _truth_cell(part: dict[str, Any], name: str) -> str:
    value = part.get(name)
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.2f}"
