from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stand_ins import refined

from pinet_ros.cli.predictions.predictions import Predictions
from pinet_ros.errors import DatasetError
from pinet_training.evaluation.metrics import MUPOTS_PCK_JOINTS
from pinet_training.evaluation.mupots_evaluation import evaluate_mupots

PELVIS = 14
FIRST = "TS1_img_000000"
COUNTED = range(14)  # all but pelvis, spine and head
PAPER_GROUPS = {"head": [0], "neck": [1], "shoulders": [2, 5], "knees": [9, 12]}


def evaluate(stage, refiner=None, **options):
    """With universal poses that are the true ones."""
    annotations = stage.annotations(universal=stage.truth)
    return evaluate_mupots(annotations, stage.predictions(), refiner, **options)


def by_loop(stage, sequence="", joints=COUNTED, matches=None):
    """3DPCK of all and of matched people, MPJPE of matched ones, by loops over joints.

    `matches` names the prediction of each person where it is not the one of the same row.
    """
    right, measured, found, people = [], [], 0, 0
    for key, truth in stage.truth.items():
        if not key.startswith(sequence):
            continue
        for row in np.flatnonzero(stage.valid[key]):
            people += 1
            match = (matches or {}).get((key, row), row)
            if match is None or match >= len(stage.predicted.get(key, ())):
                continue
            found += 1
            offsets = stage.predicted[key][match].astype(float) - truth[row]
            distances = 1000 * np.linalg.norm(offsets - offsets[PELVIS], axis=1)
            right += [distance < 150 for distance in distances[joints]]
            measured.append(distances.mean())
    total = sum(right)
    return {
        "all": 100 * total / (people * len(joints)),
        "matched": 100 * total / (found * len(joints)),
        "mpjpe_mm": np.mean(measured),
        "n": people,
        "found": found,
    }


def test_everybody_found(stage):
    report = evaluate(stage)

    expected = by_loop(stage)
    assert report["all"]["n"] == report["all"]["found"] == report["all"]["complete"] == 26
    assert report["matched"]["n"] == 26
    assert report["all"]["pck150"] == pytest.approx(expected["all"])
    assert report["matched"]["pck150"] == pytest.approx(expected["all"])
    assert report["all"]["mpjpe_mm"] == pytest.approx(expected["mpjpe_mm"])
    assert {"auc", "pa_mpjpe_mm", "pa_mpjpe_rigid_mm", "root_ap25"} <= set(report["all"])
    assert "after" not in report
    assert len(report["protocol"]["pck_joints"]) == len(MUPOTS_PCK_JOINTS) == 14


def test_permuted_people_are_matched(stage):
    expected = evaluate(stage)
    stage.predicted = {key: people[::-1] for key, people in stage.predicted.items()}

    assert evaluate(stage) == expected


def test_a_missed_person_has_all_joints_wrong(stage):
    stage.predicted[FIRST] = stage.predicted[FIRST][:1]

    report = evaluate(stage)

    expected = by_loop(stage)
    assert (report["all"]["n"], report["all"]["found"], report["matched"]["n"]) == (26, 25, 25)
    assert report["all"]["pck150"] == pytest.approx(expected["all"])
    assert report["matched"]["pck150"] == pytest.approx(expected["matched"])
    for name in ("pck150", "auc", "pck150_absolute", "auc_absolute"):
        missed = report["matched"][name] * 25 / 26
        assert report["all"][name] == pytest.approx(missed), name
    for name in ("mpjpe_mm", "pa_mpjpe_mm", "root_mm"):
        assert report["all"][name] == report["matched"][name], name
    assert report["all"]["mpjpe_mm"] == pytest.approx(expected["mpjpe_mm"])


def test_an_image_without_predictions_is_missed_people(stage):
    del stage.predicted[FIRST]

    report = evaluate(stage)

    assert (report["all"]["n"], report["all"]["found"]) == (26, 24)
    assert report["all"]["pck150"] == pytest.approx(by_loop(stage)["all"])


def test_an_invalid_frame_does_not_count(stage):
    stage.valid[FIRST][:] = False
    stage.valid["TS2_img_000001"][1] = False
    stage.truth[FIRST][:] = np.nan

    report = evaluate(stage)

    expected = by_loop(stage)
    assert report["all"]["n"] == expected["n"] == 23
    assert report["all"]["pck150"] == pytest.approx(expected["all"])
    assert report["matched"]["mpjpe_mm"] == pytest.approx(expected["mpjpe_mm"])


def test_wrong_detections_change_the_average_precision_alone(stage):
    stage.scores = {key: np.full(len(people), 0.5) for key, people in stage.predicted.items()}
    before = evaluate(stage)["all"]
    stage.predicted[FIRST] = np.concatenate(
        [stage.predicted[FIRST], stage.truth[FIRST][:1] + np.array([0, 3, 4])]
    )
    stage.scores[FIRST] = np.array([0.5, 0.5, 0.9])

    after = evaluate(stage)["all"]

    hits = before["root_ap25"] / 100  # of one point of the curve: precision * recall
    right = np.sqrt(hits) * 26
    assert after["root_ap25"] == pytest.approx(100 * right / 27 * right / 26)
    assert before | {"root_ap25": None} == after | {"root_ap25": None}


def test_a_partly_known_person_is_found_and_not_measured_in_millimetres(stage):
    stage.predicted[FIRST][0, 3] = np.nan

    report = evaluate(stage)["all"]

    assert (report["found"], report["complete"]) == (26, 25)
    assert report["pck150"] == pytest.approx(by_loop(stage)["all"])
    assert np.isfinite(report["mpjpe_mm"])


def test_per_sequence_and_the_average_of_table_1(stage):
    stage.predicted[FIRST] = stage.predicted[FIRST][:1]

    report = evaluate(stage)

    assert list(report["per_sequence"]) == ["TS1", "TS2"]
    for name, sequence in report["per_sequence"].items():
        expected = by_loop(stage, name)
        assert sequence["all"]["n"] == expected["n"]
        for people in ("all", "matched"):
            assert sequence[people]["pck150"] == pytest.approx(expected[people])
        assert sequence["all"]["mpjpe_mm"] == pytest.approx(expected["mpjpe_mm"])
    for people in ("all", "matched"):
        mean = np.mean([s[people]["pck150"] for s in report["per_sequence"].values()])
        assert report["sequence_average"][people]["pck150"] == pytest.approx(mean)
        assert mean != pytest.approx(report[people]["pck150"])


@pytest.mark.parametrize("normalise_bones", [False, True])
def test_the_average_of_table_2_is_over_images(normalise_bones, stage):
    stage.predicted[FIRST] = stage.predicted[FIRST][:1]
    del stage.predicted["TS2_img_000003"]

    report = evaluate(stage, refined, normalise_bones=normalise_bones)

    # an evaluation of each image alone, by the means over its people
    alone = [
        evaluate_mupots(
            replace(annotations, images=(image,)),
            Predictions(None, {image.key: stage.predictions().images[image.key]}),
            normalise_bones=normalise_bones,
        )["all"]
        for annotations in [stage.annotations(universal=stage.truth)]
        for image in annotations.images
        if image.key in stage.predicted
    ]
    assert len(alone) == 9
    for part in (report, report["after"]):
        assert list(part["image_average"]) == ["mpjpe_mm", "pa_mpjpe_mm"]
        for name, value in part["image_average"].items():
            assert value == pytest.approx(np.mean([image[name] for image in alone]))
            assert value != pytest.approx(report["all"][name], rel=1e-6)


def test_per_joint_is_over_all_people(stage):
    stage.predicted[FIRST] = stage.predicted[FIRST][:1]

    per_joint = evaluate(stage)["per_joint"]

    for name, joints in PAPER_GROUPS.items():
        assert per_joint[name]["pck150"] == pytest.approx(by_loop(stage, joints=joints)["all"])
    counts = {"head": 1, "neck": 1}
    overall = np.average(
        [group["auc"] for group in per_joint.values()],
        weights=[counts.get(name, 2) for name in per_joint],
    )
    assert overall == pytest.approx(evaluate(stage)["all"]["auc"])


def test_joints_in_the_image_are_projected_where_there_are_none(stage):
    expected = evaluate(stage)
    predictions = stage.predictions()
    for key, people in predictions.images.items():
        unknown = np.full_like(people.joints_image, np.nan)
        predictions.images[key] = replace(people, joints_image=unknown)

    assert evaluate_mupots(stage.annotations(), predictions) == expected

    annotations = stage.annotations()
    blind = replace(
        annotations, images=tuple(replace(image, camera=None) for image in annotations.images)
    )
    with pytest.raises(DatasetError, match=f"{FIRST}.*no joints_image"):
        evaluate_mupots(blind, predictions)


def test_normalised_bones_forgive_the_size_of_the_body(stage):
    for key, truth in stage.truth.items():
        stage.predicted[key] = truth[:, [PELVIS]] + 1.3 * (truth - truth[:, [PELVIS]])

    plain, normalised = evaluate(stage), evaluate(stage, normalise_bones=True)

    assert plain["all"]["mpjpe_mm"] > 50
    assert normalised["all"]["mpjpe_mm"] == pytest.approx(0, abs=1e-3)
    assert normalised["matched"]["pck150_absolute"] == 100
    assert normalised["protocol"]["normalised_bones"]
    assert not plain["protocol"]["normalised_bones"]


def test_normalised_bones_compare_with_the_universal_skeleton(stage):
    universal = {key: 0.7 * truth for key, truth in stage.truth.items()}
    annotations, predictions = stage.annotations(universal), stage.predictions()

    normalised = evaluate_mupots(annotations, predictions, normalise_bones=True)
    plain = evaluate_mupots(annotations, predictions)

    assert plain == evaluate(stage)
    of_truth = evaluate(stage, normalise_bones=True)["all"]
    assert normalised["all"]["mpjpe_mm"] == pytest.approx(0.7 * of_truth["mpjpe_mm"], rel=1e-5)
    assert normalised["all"]["root_mm"] == pytest.approx(plain["all"]["root_mm"], rel=1e-5)
    assert normalised["all"]["root_ap25"] == plain["all"]["root_ap25"]


def test_bones_are_not_normalised_without_universal_poses(stage):
    message = f"MuPoTS-3D: image '{FIRST}' has no universal poses.*leave --normalise-bones out"

    with pytest.raises(DatasetError, match=message):
        evaluate_mupots(stage.annotations(), stage.predictions(), normalise_bones=True)
    partly = {key: truth.copy() for key, truth in stage.truth.items()}
    partly[FIRST][1, 3] = np.nan
    with pytest.raises(DatasetError, match=message):
        evaluate_mupots(stage.annotations(partly), stage.predictions(), normalise_bones=True)
    stage.valid[FIRST][1] = False
    report = evaluate_mupots(stage.annotations(partly), stage.predictions(), normalise_bones=True)
    assert report["protocol"]["normalised_bones"]


def test_nobody_found_is_none_and_not_nan(stage):
    stage.predicted = {key: np.zeros((0, 17, 3)) for key in stage.predicted}

    report = evaluate(stage, refined)

    for part in (report, report["after"]):
        assert part["all"]["pck150"] == part["all"]["root_ap25"] == 0
        assert part["all"]["mpjpe_mm"] is None
        assert part["matched"]["n"] == 0
        assert part["matched"]["pck150"] is None
        assert part["sequence_average"]["matched"]["auc"] is None
        assert part["image_average"] == {"mpjpe_mm": None, "pa_mpjpe_mm": None}
    assert report["difference"]["pck150"] == {"mean": 0, "low": 0, "high": 0}
    assert report["difference"]["mpjpe_mm"] is None


def test_no_valid_people_is_an_error(stage):
    for valid in stage.valid.values():
        valid[:] = False

    with pytest.raises(DatasetError, match="MuPoTS-3D has no valid people"):
        evaluate(stage)


def test_predictions_of_another_data_set_are_an_error(stage):
    images = stage.predictions().images

    with pytest.raises(DatasetError, match="TS3_img_000000"):
        evaluate_mupots(
            stage.annotations(), Predictions(None, images | {"TS3_img_000000": images[FIRST]})
        )
    first_sequence = {key: people for key, people in images.items() if key.startswith("TS1")}
    with pytest.raises(DatasetError, match="TS2"):
        evaluate_mupots(stage.annotations(), Predictions(None, first_sequence))
