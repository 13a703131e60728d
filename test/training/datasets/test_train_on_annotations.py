"""`pinet train` on annotated images: what it holds out, and what it says."""

from __future__ import annotations

import json

import pytest
from command_line import fails, run

pytestmark = pytest.mark.slow

SHORT = ("--epochs", 1, "--variant", "gru1")


@pytest.fixture
def annotated(made, tmp_path):
    """Write annotations with initial poses of the images of these names."""

    def write(*names):
        images = {name: made.people_mm(number) for number, name in enumerate(names)}
        content = made.coco(images)
        for number, person in enumerate(content["annotations"]):
            person["keypoints_cam_posenet"] = made.people_mm(100 + number, count=1)[0].tolist()
        return made.write_json(tmp_path / "people.json", content)

    return write


def test_validation_is_on_other_sequences_and_beside_the_input(annotated, tmp_path, capsys):
    path = annotated(*(f"TS{sequence}/{frame}.jpg" for sequence in (1, 2, 3) for frame in (1, 2)))

    run("train", path, "--output", tmp_path / "run", *SHORT)

    said = capsys.readouterr().out
    assert "validation on 1 of 3 sequences (TS" in said
    assert "2 of 6 scenes" in said
    (epoch,) = json.loads((tmp_path / "run" / "metrics.json").read_text())["epochs"]
    errors = epoch["validation"]
    shown = f"MPJPE {errors['mpjpe_mm']:.1f} mm (input {errors['input_mpjpe_mm']:.1f})"
    assert shown in said


@pytest.mark.parametrize("names", [("1.jpg", "2.jpg"), ("TS1/1.jpg", "TS1/2.jpg")])
def test_a_single_sequence_is_trained_on_whole_and_the_output_says_so(
    names, annotated, tmp_path, capsys
):
    run("train", annotated(*names), "--output", tmp_path / "run", *SHORT)

    said = capsys.readouterr().out
    assert "no validation: all images are of one sequence" in said
    assert "MPJPE" not in said
    (epoch,) = json.loads((tmp_path / "run" / "metrics.json").read_text())["epochs"]
    assert epoch["validation"] is None


def test_some_sequences_are_trained_on_by_name(annotated, tmp_path, capsys):
    path = annotated(*(f"TS{number}/1.jpg" for number in range(1, 6)))
    command = ("train", path, "--output", tmp_path / "run", *SHORT, "--validation", 0.5)

    assert "has no sequence 'TS7'; there are TS1, TS2, TS3, TS4, TS5" in fails(
        *command, "--sequences", "TS1,TS7"
    )
    run(*command, "--sequences", "TS1-TS4")

    assert "validation on 2 of 4 sequences" in capsys.readouterr().out


def test_a_file_of_scenes_has_no_sequences(excerpt_path, tmp_path):
    message = fails("train", excerpt_path, "--output", tmp_path / "run", "--sequences", "TS1")

    assert "is a file of scenes, which has no sequences; leave 'TS1' out" in message
