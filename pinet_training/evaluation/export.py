"""Reports of an evaluation as files: JSON as it is, CSV with one value a line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pinet_ros.util.files import write_text
from pinet_training.evaluation.scene_evaluation import NO_CAMERAS

_COLUMNS = ("group", "people", "joints", "when", "metric", "value")
_BOUNDS = {"mean": "difference", "low": "difference_low", "high": "difference_high"}

Row = tuple[str, str, str, str, str, float | None]


def write_json(path: Path, report: dict[str, Any]) -> None:
    """Write a report whole or not at all; the folder is made."""
    write_text(path, json.dumps(report, indent=2, allow_nan=False) + "\n")


def write_csv(path: Path, rows: Iterator[Row]) -> None:
    """Write rows whole or not at all, a value that is not known as an empty field.

    Columns:
        group: `pooled` for all images, `sequence_average`, `image_average`, the name of a
            sequence, or the kind of camera of scenes; for real people clip and camera, `all`, or
            the person.
        people: `all` or `matched`; for scenes what people were refined with: `together` or the
            name of a control, with the suffix `_all` if missed people count too, and
            `together_minus_alone` for the gain from the others.
        joints: `all`, or the name of a group of joints.
        when: `before`, `after`, or `difference` with `difference_low` and `difference_high`;
            `truth` for how well the true joints are known.
        metric, value: as in the report.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    writer.writerows(rows)
    write_text(path, text.getvalue())


def mupots_rows(report: dict[str, Any]) -> Iterator[Row]:
    """The values of a report of `evaluate_mupots`."""
    for when, part in (("before", report), ("after", report.get("after"))):
        if part is None:
            continue
        groups = {
            "pooled": {people: part[people] for people in ("all", "matched")},
            "sequence_average": part["sequence_average"],
            "image_average": {"matched": part["image_average"]},
            **part["per_sequence"],
        }
        for group, of_people in groups.items():
            for people, metrics in of_people.items():
                yield from _rows(group, people, "all", when, metrics)
        for joints, metrics in part["per_joint"].items():
            yield from _rows("pooled", "all", joints, when, metrics)
    yield from _difference_rows("pooled", "all", report.get("difference", {}))


def scenes_rows(report: dict[str, Any]) -> Iterator[Row]:
    """The values of a report of `report_scenes`, and of `report_controls` if any."""
    kinds = {name: report[name] for name in report if name not in NO_CAMERAS}
    for people, cameras_of in {"together": kinds, **report.get("controls", {})}.items():
        for cameras, kind in cameras_of.items():
            yield cameras, people, "all", "before", "n", kind["n"]
            for when in ("before", "after"):
                yield from _rows(cameras, people, "all", when, kind[when])
                for joints, metrics in kind["per_joint"][when].items():
                    yield from _rows(cameras, people, joints, when, metrics)
            yield from _difference_rows(cameras, people, kind["difference"])
            yield from _everybody_rows(cameras, f"{people}_all", kind["all"])
    for cameras, differences in report.get("together_minus_alone", {}).items():
        yield from _difference_rows(cameras, "together_minus_alone", differences)
    for name, groups in report.get("breakdown", {}).items():
        for label, group in groups.items():
            yield name, label, "all", "before", "n", group["n"]
            for when in ("before", "after"):
                yield from _rows(name, label, "all", when, group[when])
            yield from _difference_rows(name, label, group["difference"])


def real_rows(report: dict[str, Any]) -> Iterator[Row]:
    """The values of a report of `evaluate_real`."""
    parts = {name: report[name] for name in ("all", "rendered_woman")}
    for group, part in {**report["camera"], **parts}.items():
        for count in ("n", "moments"):
            yield group, "matched", "all", "before", count, part[count]
        for when in ("before", "after"):
            for joints, metrics in _by_joint(part[when]).items():
                yield from _rows(group, "matched", joints, when, metrics)
        for joints, differences in _by_joint(part["difference"]).items():
            yield from _difference_rows(group, "matched", differences, joints)
    for who, truth in report["truth"].items():
        yield from _rows(who, "matched", "all", "truth", truth)


def _by_joint(metrics: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The metrics over all joints and over each group of joints."""
    whole = {name: value for name, value in metrics.items() if name != "per_joint"}
    return {"all": whole, **metrics["per_joint"]}


def _everybody_rows(cameras: str, people: str, everybody: dict[str, Any]) -> Iterator[Row]:
    for count in ("n", "found"):
        yield cameras, people, "all", "before", count, everybody[count]
    for when in ("before", "after"):
        yield from _rows(cameras, people, "all", when, everybody[when])


def _rows(
    group: str, people: str, joints: str, when: str, metrics: dict[str, float | None]
) -> Iterator[Row]:
    for metric, value in metrics.items():
        yield group, people, joints, when, metric, value


def _difference_rows(
    group: str,
    people: str,
    differences: dict[str, dict[str, float] | None],
    joints: str = "all",
) -> Iterator[Row]:
    for metric, interval in differences.items():
        for bound, when in _BOUNDS.items():
            yield group, people, joints, when, metric, interval and interval[bound]
