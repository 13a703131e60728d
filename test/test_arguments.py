from __future__ import annotations

from argparse import ArgumentParser

import pytest

from pinet_ros.arguments import positive_integer


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
