from __future__ import annotations

from argparse import ArgumentParser

import pytest

from pinet_ros.cli.arguments import (
    add_options,
    given_fields,
    natural_number,
    positive_integer,
    register,
)
from pinet_ros.estimator import EstimatorConfig


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
        ("1.5", "argument --count: must be an integer, got '1.5'"),
        ("two", "argument --count: must be an integer, got 'two'"),
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


def test_the_options_of_a_config_are_arguments_with_its_defaults():
    parser = ArgumentParser()
    add_options(parser, EstimatorConfig)

    assert EstimatorConfig(**vars(parser.parse_args([]))) == EstimatorConfig()


def test_what_is_chosen_is_passed_on_and_nothing_else(parser):
    add_options(parser, EstimatorConfig, without=("runtime",))
    files = ["--posenet=pose.pth.tar", "--rootnet=root.pth.tar"]
    chosen = parser.parse_args(["--count", "3", "--lifter", "mppe", "--mirror", *files])

    assert EstimatorConfig(**given_fields(chosen, EstimatorConfig)) == EstimatorConfig(
        lifter="mppe", posenet="pose.pth.tar", rootnet="root.pth.tar", mirror=True
    )
    with pytest.raises(SystemExit):
        parser.parse_args(["--runtime", "torch"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--detector", "hog"], "argument --detector: invalid choice: 'hog'"),
        (["--max-people", "many"], "argument --max-people: invalid int value: 'many'"),
    ],
)
def test_values_that_an_option_cannot_have_are_refused(arguments, message, parser, capsys):
    add_options(parser, EstimatorConfig)
    with pytest.raises(SystemExit):
        parser.parse_args(arguments)
    assert message in capsys.readouterr().err
