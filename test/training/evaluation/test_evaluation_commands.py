from __future__ import annotations

import argparse
import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from pinet_ros.cli.predictions.predictions import write_predictions
from pinet_ros.errors import DatasetError, PinetError
from pinet_ros.models.catalog import ModelError
from pinet_ros.refinement.inference import EVERYBODY
from pinet_ros.refinement.refiner import Refiner
from pinet_ros.util.device import DeviceError
from pinet_training.cli.evaluate_command import add_commands
from pinet_training.datasets.coco import write_coco
from pinet_training.datasets.scenes import ScenesError
from pinet_training.evaluation.metrics import JOINT_GROUPS, METRICS
from pinet_training.evaluation.mupots_evaluation import evaluate_mupots
from pinet_training.evaluation.scene_evaluation import measure_scenes, report_scenes

pytestmark = pytest.mark.slow

FIRST = "TS1_img_000000"


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


@pytest.fixture
def folder(stage, tmp_path):
    """The stage as MATLAB writes MuPoTS-3D; the second frame's first person is not valid."""
    stage.valid["TS1_img_000001"][0] = False
    for sequence in ("TS1", "TS2"):
        keys = [key for key in stage.truth if key.startswith(sequence)]
        cells = np.empty((len(keys), len(stage.truth[keys[0]])), object)
        for frame, person in np.ndindex(cells.shape):
            pose = stage.truth[keys[frame]][person]
            cells[frame, person] = {
                "annot2": stage.camera.project(pose).T,
                "annot3": 1000 * pose.T,
                "univ_annot3": 900 * pose.T,
                "isValidFrame": np.array([[stage.valid[keys[frame]][person]]]),
            }
        (tmp_path / "MuPoTS-3D" / sequence).mkdir(parents=True)
        path = tmp_path / "MuPoTS-3D" / sequence / "annot.mat"
        scipy.io.savemat(path, {"annotations": cells})
    return tmp_path / "MuPoTS-3D"


@pytest.fixture
def predictions(stage, tmp_path):
    stage.predicted[FIRST] = stage.predicted[FIRST][:1]  # one is missed
    write_predictions(tmp_path / "predictions.npz", stage.predictions())
    return tmp_path / "predictions.npz"


@pytest.fixture
def small_file(excerpt_path, tmp_path):
    """The people of the excerpt's first scenes; one of at least three in a scene is missed."""
    fields = dict(np.load(excerpt_path))
    scenes = fields["estimate_scene"]
    best = (fields["estimate_person"] >= 0) & ~fields["estimate_duplicate"]
    few = scenes < 12
    crowded = np.flatnonzero(np.bincount(scenes[best]) >= 3)[0]
    few[np.flatnonzero(best & (scenes == crowded))[0]] = False
    assert crowded < 12
    fields |= {name: f[few] for name, f in fields.items() if name.startswith("estimate_")}
    np.savez(tmp_path / "small.npz", **fields)
    return tmp_path / "small.npz"


def test_mupots_end_to_end(stage, folder, predictions, tmp_path, capsys):
    report, table = tmp_path / "new" / "report.json", tmp_path / "new" / "report.csv"

    status = run(
        *("mupots", "--annotations", folder, "--predictions", predictions, "--refine"),
        *("--json", report, "--csv", table),
    )

    assert status == 0
    expected = evaluate_mupots(
        stage.annotations(), stage.predictions(), Refiner(device="cpu", config=EVERYBODY)
    )
    found = written(report)
    assert (found["all"]["n"], found["all"]["found"], found["matched"]["n"]) == (25, 24, 24)
    for when in ((), ("after",)):
        part, wanted = found, expected
        for key in when:
            part, wanted = part[key], wanted[key]
        assert part["all"] == pytest.approx(wanted["all"], rel=1e-4)
        assert part["matched"] == pytest.approx(wanted["matched"], rel=1e-4)
        for name in ("TS1", "TS2"):
            in_sequence = wanted["per_sequence"][name]["all"]
            assert part["per_sequence"][name]["all"] == pytest.approx(in_sequence, rel=1e-4)
        assert list(part["per_joint"]) == list(JOINT_GROUPS)
    assert set(found["difference"]) == {*METRICS, "root_mm"}

    by_name = values(table)
    after = found["after"]
    for name, value in {
        ("pooled", "all", "all", "before", "pck150"): found["all"]["pck150"],
        ("pooled", "matched", "all", "after", "auc"): after["matched"]["auc"],
        ("sequence_average", "all", "all", "after", "pck150"): (
            after["sequence_average"]["all"]["pck150"]
        ),
        ("image_average", "matched", "all", "after", "pa_mpjpe_mm"): (
            after["image_average"]["pa_mpjpe_mm"]
        ),
        ("TS2", "matched", "all", "before", "pa_mpjpe_mm"): (
            found["per_sequence"]["TS2"]["matched"]["pa_mpjpe_mm"]
        ),
        ("pooled", "all", "knees", "after", "mpjpe_mm"): after["per_joint"]["knees"]["mpjpe_mm"],
        ("pooled", "all", "all", "difference_low", "auc"): found["difference"]["auc"]["low"],
    }.items():
        assert float(by_name[name]) == value

    printed = capsys.readouterr().out
    for label, part in (("initial", found), ("refined", after)):
        sequences = part["per_sequence"].values()
        for people in ("all", "matched"):
            shown = row_of(printed, f"Table 1: 3DPCK at 150 mm, %, {people}", label)
            average = part["sequence_average"][people]["pck150"]
            assert shown == [
                f"{v:.1f}" for v in (*(s[people]["pck150"] for s in sequences), average)
            ]
        for metric, title in (("mpjpe_mm", "MPJPE, mm"), ("pa_mpjpe_mm", "PA-MPJPE with scale")):
            shown = row_of(printed, f"Table 2: {title}", label)
            average = part["image_average"][metric]
            assert shown == [f"{v:.1f}" for v in (*(s["all"][metric] for s in sequences), average)]
        shown = row_of(printed, "Table 3", label)
        groups = [group["pck150"] for group in part["per_joint"].values()]
        assert shown == [f"{value:.1f}" for value in (*groups, part["all"]["pck150"])]


def test_mupots_without_refinement_and_with_normalised_bones(
    stage, folder, predictions, tmp_path, capsys
):
    report = tmp_path / "report.json"
    files = ("mupots", "--annotations", folder, "--predictions", predictions)

    run(*files, "--normalise-bones", "--json", report)

    universal = {key: 0.9 * truth for key, truth in stage.truth.items()}
    annotations = stage.annotations(universal)
    expected = evaluate_mupots(annotations, stage.predictions(), normalise_bones=True)
    found = written(report)
    assert "after" not in found
    assert "difference" not in found
    assert found["all"] == pytest.approx(expected["all"], rel=1e-4)
    assert "refined" not in capsys.readouterr().out


def test_annotations_in_the_style_of_coco(stage, predictions, tmp_path):
    annotations, report = stage.annotations(), tmp_path / "report.json"
    write_coco(
        tmp_path / "MuPoTS-3D.json",
        [replace(image, width=2048, height=2048) for image in annotations.images],
    )
    files = ("--annotations", tmp_path / "MuPoTS-3D.json", "--predictions", predictions)

    run("mupots", *files, "--json", report)

    expected = evaluate_mupots(annotations, stage.predictions())
    found = written(report)
    assert list(found["per_sequence"]) == ["TS1", "TS2"]
    for people in ("all", "matched"):
        assert found[people] == pytest.approx(expected[people], rel=1e-4)


def test_nobody_found_is_printed_and_written(stage, folder, tmp_path, capsys):
    stage.predicted = {key: np.zeros((0, 17, 3)) for key in stage.predicted}
    write_predictions(tmp_path / "nobody.npz", stage.predictions())
    report, table = tmp_path / "report.json", tmp_path / "report.csv"

    run(
        *("mupots", "--annotations", folder, "--predictions", tmp_path / "nobody.npz"),
        *("--refine", "--json", report, "--csv", table),
    )

    assert written(report)["all"]["mpjpe_mm"] is None
    assert values(table)["pooled", "all", "all", "before", "mpjpe_mm"] == ""
    assert row_of(capsys.readouterr().out, "Table 2: MPJPE", "initial") == ["-", "-", "-"]


def test_bad_mupots_arguments_leave_nothing_behind(folder, predictions, tmp_path):
    report = tmp_path / "new" / "report.json"
    files = ("mupots", "--annotations", folder, "--predictions", predictions, "--json", report)

    with pytest.raises(PinetError, match="add --refine"):
        run(*files, "--weights", "some.safetensors")
    (folder / "TS2" / "annot.mat").unlink()
    with pytest.raises(DatasetError, match=r"annot\.mat"):
        run(*files)

    assert not report.parent.exists()


def test_evaluates_scenes_with_controls(small_file, tmp_path, capsys):
    report, table = tmp_path / "new" / "report.json", tmp_path / "new" / "report.csv"

    run("scenes", small_file, "--controls", "--json", report, "--csv", table)

    found = written(report)
    controls = found["controls"]
    assert list(controls) == ["alone", "duplicate", "wrong_neighbours"]
    level = found["level"]
    by_name = values(table)
    for name, value in {
        ("level", "together", "all", "before", "n"): level["n"],
        ("level", "together_all", "all", "before", "n"): level["all"]["n"],
        ("level", "together_all", "all", "before", "found"): level["n"],
        ("level", "together_all", "all", "after", "root_ap25"): (
            level["all"]["after"]["root_ap25"]
        ),
        ("level", "alone_all", "all", "after", "pck150_absolute"): (
            controls["alone"]["level"]["all"]["after"]["pck150_absolute"]
        ),
        ("level", "together", "wrists", "after", "auc"): (
            level["per_joint"]["after"]["wrists"]["auc"]
        ),
        ("level", "alone", "all", "difference_high", "root_mm"): (
            controls["alone"]["level"]["difference"]["root_mm"]["high"]
        ),
        ("level", "together_minus_alone", "all", "difference_low", "pa_mpjpe_mm"): (
            found["together_minus_alone"]["level"]["pa_mpjpe_mm"]["low"]
        ),
        ("people", "2", "all", "before", "n"): found["breakdown"]["people"]["2"]["n"],
        ("people", "2", "all", "after", "root_mm"): (
            found["breakdown"]["people"]["2"]["after"]["root_mm"]
        ),
    }.items():
        assert float(by_name[name]) == value

    printed = capsys.readouterr().out
    columns = [level["before"], level["after"]]
    columns += [control["level"]["after"] for control in controls.values()]
    shown = row_of(printed, f"level cameras, {level['n']} people", "MPJPE, mm")
    assert shown[:5] == [f"{column['mpjpe_mm']:.1f}" for column in columns]
    interval = level["difference"]["mpjpe_mm"]
    low, high = f"[{interval['low']:+.1f},", f"{interval['high']:+.1f}]"
    assert shown[5:8] == [f"{interval['mean']:+.1f}", low, high]
    worth = found["together_minus_alone"]["level"]["mpjpe_mm"]
    low, high = f"[{worth['low']:+.1f},", f"{worth['high']:+.1f}]"
    assert shown[8:] == [f"{worth['mean']:+.1f}", low, high]
    pairs = found["breakdown"]["people"]["2"]
    shown = row_of(printed, "By people", "2")
    assert shown[:3] == [
        str(pairs["n"]),
        f"{pairs['before']['mpjpe_mm']:.1f}",
        f"{pairs['after']['mpjpe_mm']:.1f}",
    ]
    title = f"level cameras, {level['n']} people: 3DPCK"
    knees = level["per_joint"]["after"]["knees"]["pck150"]
    assert row_of(printed, title, "refined")[6] == f"{knees:.1f}"

    everybody = level["all"]
    assert everybody["n"] == everybody["found"] + 1 == level["n"] + 1
    shown = row_of(printed, f"level cameras, all {everybody['n']} people", "AP of the root")
    columns = [everybody["before"], everybody["after"]]
    columns += [control["level"]["all"]["after"] for control in controls.values()]
    assert shown[-5:] == [f"{column['root_ap25']:.1f}" for column in columns]


def test_the_report_of_scenes_is_that_of_the_weights(excerpt, excerpt_path, tmp_path):
    report = tmp_path / "report.json"

    run("scenes", excerpt_path, "--split", "test", "--json", report)

    expected = report_scenes(measure_scenes(excerpt, Refiner(device="cpu", config=EVERYBODY)))
    assert _leaves(written(report)) == pytest.approx(_leaves(expected), rel=1e-5, abs=1e-5)


def _leaves(report, key=""):
    """The figures of a nested report by their paths."""
    if not isinstance(report, dict):
        return {key: report}
    return {k: v for name in report for k, v in _leaves(report[name], f"{key}/{name}").items()}


def test_a_split_without_people_is_an_error(excerpt_path):
    with pytest.raises(ScenesError, match=r"no scenes of the train split with two or more"):
        run("scenes", excerpt_path, "--split", "train")


def test_bad_scenes_arguments_are_errors(excerpt_path, tmp_path):
    with pytest.raises(ModelError, match=r"nothing.safetensors"):
        run("scenes", excerpt_path, "--weights", tmp_path / "nothing.safetensors")
    with pytest.raises(ScenesError, match=r"nothing.npz"):
        run("scenes", tmp_path / "nothing.npz")
    with pytest.raises(DeviceError, match=r"quantum"):
        run("scenes", excerpt_path, "--device", "quantum")
