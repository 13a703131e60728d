from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.io
from evaluation_command import row_of, run, values, written

from pinet_ros.cli.predictions.predictions import Predictions, write_predictions
from pinet_ros.errors import DatasetError, PinetError
from pinet_ros.refinement.inference import EVERYBODY
from pinet_ros.refinement.refiner import Refiner
from pinet_training.datasets.coco import write_coco
from pinet_training.evaluation.metrics import JOINT_GROUPS, METRICS
from pinet_training.evaluation.mupots_evaluation import evaluate_mupots

pytestmark = pytest.mark.slow

FIRST = "TS1_img_000000"


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


def test_some_sequences_of_mupots_are_evaluated_by_name(
    stage, folder, predictions, tmp_path, capsys
):
    report, table = tmp_path / "report.json", tmp_path / "report.csv"
    files = ("mupots", "--annotations", folder, "--predictions", predictions, "--refine")

    run(*files, "--sequences", "TS2", "--json", report, "--csv", table)

    found = written(report)
    assert list(found["per_sequence"]) == ["TS2"]
    assert found["all"]["n"] == 18
    assert found["difference"]["mpjpe_mm"]["low"] is None  # of one sequence alone
    assert values(table)["pooled", "all", "all", "difference_low", "mpjpe_mm"] == ""
    assert "(no interval)" in capsys.readouterr().out
    with pytest.raises(DatasetError, match="MuPoTS-3D has no sequence 'TS3'; there are TS1, TS2"):
        run(*files, "--sequences", "TS1-TS3")
    only = {key: people for key, people in stage.predictions().images.items() if "TS1" in key}
    write_predictions(predictions, Predictions(None, only))
    with pytest.raises(DatasetError, match="no predictions for the chosen sequences TS2; choose"):
        run(*files, "--sequences", "TS2")


def test_annotations_without_universal_poses_have_no_normalised_bones(
    stage, predictions, tmp_path
):
    images = stage.annotations().images
    path, report = tmp_path / "MuPoTS-3D.json", tmp_path / "report.json"
    write_coco(path, [replace(image, width=2048, height=2048) for image in images])

    with pytest.raises(DatasetError, match="no universal poses"):
        run(
            *("mupots", "--annotations", path, "--predictions", predictions),
            *("--normalise-bones", "--json", report),
        )

    assert not report.exists()


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
