from __future__ import annotations

from argparse import ArgumentParser

import pytest

from pinet_ros.arguments import (
    add_estimator,
    chosen_estimator,
    natural_number,
    positive_integer,
    register,
)
from pinet_ros.estimator import PoseEstimator


@pytest.fixture
def parser():
    parser = ArgumentParser()
    parser.add_argument("--count", type=positive_integer)
    return parser


def test_whole_numbers_from_one_are_taken(parser):
    assert [parser.parse_args(["--count", text]).count for text in ("1", "12")] == [1, 12]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0", "argument --count: must be at least 1, got 0"),
        ("-3", "argument --count: must be at least 1, got -3"),
        ("1.5", "argument --count: must be a whole number, got '1.5'"),
        ("two", "argument --count: must be a whole number, got 'two'"),
    ],
)
def test_others_are_refused(text, message, parser, capsys):
    with pytest.raises(SystemExit):
        parser.parse_args([f"--count={text}"])
    assert message in capsys.readouterr().err


def test_natural_numbers_begin_with_zero(capsys):
    parser = ArgumentParser()
    parser.add_argument("--seed", type=natural_number)
    assert parser.parse_args(["--seed=0"]).seed == 0
    with pytest.raises(SystemExit):
        parser.parse_args(["--seed=-1"])
    assert "argument --seed: must be at least 0, got -1" in capsys.readouterr().err


def _run(options):
    """What it does."""
    return options.count


def test_commands_are_registered_with_their_arguments_and_what_runs_them(capsys):
    parser = ArgumentParser()

    def add(command):
        command.add_argument("--count", type=positive_integer)

    register(parser.add_subparsers(), [("first", add, _run, "the first one")])

    options = parser.parse_args(["first", "--count", "3"])
    assert options.run(options) == 3
    for arguments, expected in ((["--help"], "the first one"), (["first", "-h"], "What it does.")):
        with pytest.raises(SystemExit):
            parser.parse_args(arguments)
        assert expected in capsys.readouterr().out


def test_an_estimator_is_by_default_as_it_is_loaded_by_default():
    parser = ArgumentParser()
    add_estimator(parser)

    assert PoseEstimator.load.__kwdefaults__.items() >= vars(parser.parse_args([])).items()


def test_what_is_chosen_of_an_estimator_is_passed_on_and_nothing_else(parser):
    add_estimator(parser)
    files = ["--posenet=pose.pth.tar", "--rootnet=root.pth.tar", "--detector-weights=d.pt"]
    chosen = parser.parse_args(["--count", "3", "--lifter", "mppe", "--mirror", *files])
    assert chosen_estimator(chosen) == {
        "detector": "nanodet",
        "detector_weights": "d.pt",
        "lifter": "mppe",
        "posenet": "pose.pth.tar",
        "rootnet": "root.pth.tar",
        "mirror": True,
    }
