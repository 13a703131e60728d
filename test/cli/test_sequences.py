from __future__ import annotations

import numpy as np
import pytest
from command_line import fails, run

from pinet_ros.cli.predictions.predictions import (
    Predictions,
    read_predictions,
    write_predictions,
)
from pinet_ros.cli.predictions.sequences import keep_sequences, select_sequences
from pinet_ros.errors import DatasetError
from pinet_ros.people import People
from pinet_ros.skeleton import MUPOTS_17

MUPOTS = [f"TS{number}" for number in range(1, 21)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("TS7", ["TS7"]),
        ("TS1-TS3", ["TS1", "TS2", "TS3"]),
        ("TS9-11", ["TS9", "TS10", "TS11"]),
        ("TS19-TS20, TS3,TS3", ["TS3", "TS19", "TS20"]),
        ("TS1-TS20", MUPOTS),
    ],
)
def test_names_and_ranges_are_selected_in_the_order_of_the_data_set(expression, expected):
    assert select_sequences(expression, MUPOTS, "MuPoTS") == expected


def test_a_name_with_a_hyphen_is_a_name_and_zeros_may_lead():
    there = ["2019-2021", "walk-1", "cam08", "cam09", "cam10"]

    assert select_sequences("walk-1,2019-2021", there, "set") == ["2019-2021", "walk-1"]
    assert select_sequences("cam8-cam10", there, "set") == ["cam08", "cam09", "cam10"]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("TS4", "set has no sequence 'TS4'; there are TS1, TS2, TS3$"),
        ("TS1-TS5", "set has no sequence 'TS4'; there are"),
        ("TS1-MPI2", "set has no sequence 'TS1-MPI2'; there are"),
        ("TS1,,TS2", "set has no sequence ''; there are"),
        ("", "set has no sequence ''; there are"),
        ("TS3-TS1", "a range of sequences must go upwards, got 'TS3-TS1'; swap its ends"),
    ],
)
def test_what_names_no_sequence_is_an_error_with_those_that_are_there(expression, message):
    with pytest.raises(DatasetError, match=message):
        select_sequences(expression, ["TS1", "TS2", "TS3"], "set")


def test_a_long_list_is_cut_and_images_without_folders_have_no_sequences():
    with pytest.raises(DatasetError, match=r"1, 2, .*, 30 and 10 more"):
        select_sequences("x", [str(number) for number in range(1, 41)], "set")
    with pytest.raises(DatasetError, match=r"set has no sequences, .*leave --sequences out"):
        select_sequences("TS1", [""], "set")


def _predictions(*keys):
    return Predictions("found.npz", {key: People.empty(MUPOTS_17) for key in keys})


def test_predictions_are_kept_by_the_beginning_of_their_keys():
    predictions = _predictions("TS1_img_0", "TS10_img_0", "TS2_img_0", "my_video_0001", "flat")

    def kept(expression):
        return list(keep_sequences(predictions, expression).images)

    assert kept("TS1") == ["TS1_img_0"]
    assert kept("TS1-TS2") == ["TS1_img_0", "TS2_img_0"]
    assert kept("my_video,TS10") == ["TS10_img_0", "my_video_0001"]
    with pytest.raises(DatasetError, match=r"found.npz has no sequence 'TS3'; .*TS1, TS10, TS2"):
        kept("TS1-TS3")
    with pytest.raises(DatasetError, match=r"found.npz has no sequences"):
        keep_sequences(_predictions("flat"), "TS1")


def test_refine_takes_some_sequences(tmp_path):
    joints = np.random.default_rng(0).normal([0, 0, 4], 0.3, (2, 17, 3))
    people = People.from_joints(MUPOTS_17, joints)
    images = {f"TS{number}_img_000000": people for number in (1, 2, 3)}
    source, output = tmp_path / "found.npz", tmp_path / "refined.npz"
    write_predictions(source, Predictions(None, images))
    command = ("refine", source, "--output", output, "--device", "cpu", "--sequences")

    message = fails(*command, "TS2-TS4")
    assert "found.npz has no sequence 'TS4'; there are TS1, TS2, TS3" in message
    assert not output.exists()
    run(*command, "TS2-TS3")

    assert list(read_predictions(output).images) == ["TS2_img_000000", "TS3_img_000000"]
