"""Reports of an evaluation as text, laid out like tables 1, 2 and 3 of the paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tabulate import tabulate

from pinet_ros.training.evaluation.metrics import JOINT_GROUPS

_LABELS = {
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
_WHEN = ("before", "after")
_TRUTH = ("", "moments", "median, px", "90th percentile, px", "views that agree")
_COUNTS = ("n", "found", "complete")

Metrics = dict[str, Any]


def mupots_tables(report: dict[str, Any]) -> str:
    """A report of `evaluate_mupots`, one row for the initial poses and one for the refined."""
    treatments = {"initial": report}
    if "after" in report:
        treatments["refined"] = report["after"]
    sections = [
        _summary(
            "Means over people",
            {
                f"{label}, {people}": part[people]
                for people in ("all", "matched")
                for label, part in treatments.items()
            },
            report.get("difference"),
            "refined - initial, all",
        ),
        *(
            _by_sequence(
                f"Table 1: 3DPCK at 150 mm, %, {people} people; the average is over sequences",
                {
                    label: (part, part["sequence_average"][people])
                    for label, part in treatments.items()
                },
                people,
                "pck150",
            )
            for people in ("all", "matched")
        ),
        *(
            _by_sequence(
                f"Table 2: {_LABELS[metric]}, people found; the average is over images, of the "
                "mean over the people of each",
                {label: (part, part["image_average"]) for label, part in treatments.items()},
                "all",
                metric,
            )
            for metric in ("pa_mpjpe_mm", "mpjpe_mm")
        ),
        _by_joint(
            "Table 3: 3DPCK at 150 mm, %, all true people",
            {label: (part["per_joint"], part["all"]) for label, part in treatments.items()},
        ),
    ]
    return "\n\n".join(sections)


def scenes_tables(report: dict[str, Any]) -> str:
    """A report of `evaluate_scenes`, the controls beside it if any, and its breakdown."""
    controls = report.get("controls", {})
    sections = []
    for cameras, kind in report.items():
        if cameras in ("breakdown", "controls"):
            continue
        kinds = {"refined": kind}
        kinds |= {name.replace("_", " "): control[cameras] for name, control in controls.items()}
        everybody = {label: of_company["all"] for label, of_company in kinds.items()}
        title = f"{cameras} cameras, {kind['n']} people"
        rows = {
            label: (kind["per_joint"][when], kind[when])
            for label, when in (("initial", "before"), ("refined", "after"))
        }
        sections += [
            _summary(title, _columns(kinds), kind["difference"], "refined - initial"),
            _by_joint(f"{title}: 3DPCK at 150 mm, %", rows),
            _summary(
                f"{cameras} cameras, all {kind['all']['n']} people; whoever was missed has all "
                "joints wrong",
                _columns(everybody),
            ),
        ]
    sections += [
        _by_group(f"By {name.replace('_', ' ')}", groups)
        for name, groups in report.get("breakdown", {}).items()
        if groups
    ]
    return "\n\n".join(sections)


def real_tables(report: dict[str, Any]) -> str:
    """A report of `evaluate_real`: a row for each camera, and what all of them give."""
    whole, truth = report["all"], report["reprojection"]
    parts = {**report["camera"], "all": whole, "rendered woman": report["rendered_woman"]}
    metrics = [name for name in whole["before"] if name != "per_joint"]
    rows = [
        [
            name,
            str(part["n"]),
            *(f"{_cell(part['before'][m], m)} > {_cell(part['after'][m], m)}" for m in metrics),
        ]
        for name, part in parts.items()
    ]
    by_joint = [
        [when, *(_cell(whole[when]["per_joint"][name]["mpjpe_mm"], "") for name in JOINT_GROUPS)]
        for when in _WHEN
    ]
    return "\n\n".join(
        [
            _table(
                "Real people, before > after refinement",
                ["", "people", *(_LABELS[metric] for metric in metrics)],
                rows,
            ),
            _summary(
                f"The man in all cameras, {whole['n']} times",
                {when: {m: whole[when][m] for m in metrics} for when in _WHEN},
                whole["difference"],
                "after - before",
            ),
            _table("MPJPE of his joints, mm", ["", *JOINT_GROUPS], by_joint),
            _table("How far the views' landmarks are from the truth", _TRUTH, _truth_rows(truth)),
        ]
    )


def _truth_rows(truth: dict[str, dict[str, Any]]) -> list[list[str]]:
    return [
        [
            who.replace("_", " "),
            str(part["moments"]),
            *(_cell(part.get(name), name) for name in ("median_px", "p90_px", "views")),
        ]
        for who, part in truth.items()
    ]


def _by_group(title: str, groups: dict[str, dict[str, Any]]) -> str:
    """A row for each group of people: before, after and the difference of some metrics."""
    metrics = ("mpjpe_mm", "pa_mpjpe_mm", "root_mm")
    rows = []
    for name, group in groups.items():
        row = [name, str(group["n"])]
        for metric in metrics:
            row += [_cell(group[when][metric], metric) for when in _WHEN]
            row.append(_interval(group["difference"].get(metric)))
        rows.append(row)
    columns = (h for metric in metrics for h in (_LABELS[metric], "after", "difference [95 %]"))
    return _table(title, ["", _LABELS["n"], *columns], rows)


def _columns(kinds: dict[str, dict[str, Any]]) -> dict[str, Metrics]:
    """The initial poses, which all treatments share, and those after each treatment."""
    after = {label: kind["after"] for label, kind in kinds.items()}
    return {"initial": next(iter(kinds.values()))["before"], **after}


def _summary(
    title: str,
    columns: dict[str, Metrics],
    differences: dict[str, dict[str, float] | None] | None = None,
    difference_title: str = "",
) -> str:
    """All metrics, a row each."""
    rows = []
    for metric in next(iter(columns.values())):
        row = [_LABELS[metric], *(_cell(part.get(metric), metric) for part in columns.values())]
        if differences:
            row.append(_interval(differences.get(metric)))
        rows.append(row)
    headers = ["", *columns]
    if differences:
        headers.append(f"{difference_title} [95 %]")
    return _table(title, headers, rows)


def _by_sequence(
    title: str,
    rows: dict[str, tuple[dict[str, Any], Metrics]],
    people: str,
    metric: str,
) -> str:
    """A row for each treatment, a column for each sequence, and the average that it is given."""
    cells = []
    for label, (part, average) in rows.items():
        values = [sequence[people][metric] for sequence in part["per_sequence"].values()]
        values.append(average[metric])
        cells.append([label, *(_cell(value, metric) for value in values)])
    first, _ = next(iter(rows.values()))
    names = [name or "-" for name in first["per_sequence"]]
    return _table(title, ["", *names, "AVG"], cells)


def _by_joint(title: str, rows: dict[str, tuple[dict[str, Metrics], Metrics]]) -> str:
    """A row for each treatment, a column for each group of joints, and all joints that count."""
    cells = [
        [
            label,
            *(_cell(groups[name]["pck150"], "pck150") for name in JOINT_GROUPS),
            _cell(whole["pck150"], "pck150"),
        ]
        for label, (groups, whole) in rows.items()
    ]
    return _table(title, ["", *JOINT_GROUPS, "all"], cells)


def _cell(value: float | None, metric: str) -> str:
    if value is None:
        return "-"
    return str(value) if metric in _COUNTS else f"{value:.1f}"


def _interval(difference: dict[str, float] | None) -> str:
    if difference is None:
        return ""
    return f"{difference['mean']:+.1f} [{difference['low']:+.1f}, {difference['high']:+.1f}]"


def _table(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    align = ("left", *("right" for _ in headers[1:]))
    # the cells are text already: tabulate would round them anew
    return f"{title}\n" + tabulate(rows, headers, colalign=align, disable_numparse=True)
