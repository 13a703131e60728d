"""Reports of an evaluation as text, laid out like tables 1, 2 and 3 of the paper."""

from __future__ import annotations

from typing import Any

from pinet_training.evaluation.layout import (
    LABELS,
    Metrics,
    cell,
    interval,
    summary,
    table,
)
from pinet_training.evaluation.metrics import JOINT_GROUPS
from pinet_training.evaluation.scene_errors import WHEN
from pinet_training.evaluation.scene_evaluation import NO_CAMERAS


def mupots_tables(report: dict[str, Any]) -> str:
    """A report of `evaluate_mupots`, one row for the initial poses and one for the refined."""
    treatments = {"initial": report}
    if "after" in report:
        treatments["refined"] = report["after"]
    sections = [
        summary(
            "Means over people",
            {
                f"{label}, {people}": part[people]
                for people in ("all", "matched")
                for label, part in treatments.items()
            },
            {"refined - initial, all": report["difference"]} if "difference" in report else {},
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
                f"Table 2: {LABELS[metric]}, people found; the average is over images, of the "
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
    """A report of `report_scenes`, with the controls of `report_controls` beside it if any."""
    controls = report.get("controls", {})
    sections = []
    for cameras, kind in report.items():
        if cameras in NO_CAMERAS:
            continue
        kinds = {"refined": kind}
        kinds |= {name.replace("_", " "): control[cameras] for name, control in controls.items()}
        everybody = {label: values["all"] for label, values in kinds.items()}
        title = f"{cameras} cameras, {kind['n']} people"
        rows = {
            label: (kind["per_joint"][when], kind[when])
            for label, when in (("initial", "before"), ("refined", "after"))
        }
        differences = {"refined - initial": kind["difference"]}
        if controls:
            differences["refined - alone"] = report["together_minus_alone"][cameras]
        sections += [
            summary(title, _columns(kinds), differences),
            _by_joint(f"{title}: 3DPCK at 150 mm, %", rows),
            summary(
                f"{cameras} cameras, all {kind['all']['n']} people; missed people have all "
                "joints wrong",
                _columns(everybody),
                {},
            ),
        ]
    sections += [
        _by_group(f"By {name.replace('_', ' ')}", groups)
        for name, groups in report.get("breakdown", {}).items()
        if groups
    ]
    return "\n\n".join(sections)


def _by_group(title: str, groups: dict[str, dict[str, Any]]) -> str:
    """A row for each group of people: before, after and the difference of some metrics."""
    metrics = ("mpjpe_mm", "pa_mpjpe_mm", "root_mm")
    rows = []
    for name, group in groups.items():
        row = [name, str(group["n"])]
        for metric in metrics:
            row += [cell(group[when][metric], metric) for when in WHEN]
            row.append(interval(group["difference"].get(metric)))
        rows.append(row)
    columns = (h for metric in metrics for h in (LABELS[metric], "after", "difference [95 %]"))
    return table(title, ["", LABELS["n"], *columns], rows)


def _columns(kinds: dict[str, dict[str, Any]]) -> dict[str, Metrics]:
    """The initial poses, which all treatments share, and those after each treatment."""
    after = {label: kind["after"] for label, kind in kinds.items()}
    return {"initial": next(iter(kinds.values()))["before"], **after}


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
        cells.append([label, *(cell(value, metric) for value in values)])
    first, _ = next(iter(rows.values()))
    names = [name or "-" for name in first["per_sequence"]]
    return table(title, ["", *names, "AVG"], cells)


def _by_joint(title: str, rows: dict[str, tuple[dict[str, Metrics], Metrics]]) -> str:
    """A row for each treatment, a column for each group of joints, and all joints that count."""
    cells = [
        [
            label,
            *(cell(groups[name]["pck150"], "pck150") for name in JOINT_GROUPS),
            cell(whole["pck150"], "pck150"),
        ]
        for label, (groups, whole) in rows.items()
    ]
    return table(title, ["", *JOINT_GROUPS, "all"], cells)
