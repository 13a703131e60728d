from __future__ import annotations

import numpy as np
import pytest
from evaluation_command import row_of, run, values, written

from pinet_ros.errors import ModelError
from pinet_ros.refinement.inference import EVERYBODY
from pinet_ros.refinement.refiner import Refiner
from pinet_ros.util.device import DeviceError
from pinet_training.datasets.scenes import ScenesError
from pinet_training.evaluation.scene_evaluation import measure_scenes, report_scenes

pytestmark = pytest.mark.slow


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

    refiner = Refiner(device="cpu", config=EVERYBODY)
    for floor, scenes in (("none", excerpt.without_up()), ("up", excerpt)):
        run("scenes", excerpt_path, "--split", "test", "--floor", floor, "--json", report)

        expected = report_scenes(measure_scenes(scenes, refiner))
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
