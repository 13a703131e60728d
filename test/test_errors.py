from __future__ import annotations

import pytest

from pinet_ros.errors import PinetError, one_line, printable


def test_a_terminal_obeys_nothing_that_a_message_holds():
    error = PinetError("image \x1b[2J\u202e, caf\udce9.png,\x07 in two\nlines")
    assert str(error) == r"image \x1b[2J\u202e, caf\udce9.png,\x07 in two" + "\nlines"
    assert printable("18° 人") == "18° 人"


def test_of_a_line_that_is_too_long_the_ends_are_shown():
    shown = str(PinetError(f"joint set '{'x' * 100_000}' is not known; use coco_17"))
    assert len(shown) < 1000
    assert shown.startswith("joint set 'xxx")
    assert shown.endswith("xxx' is not known; use coco_17")


@pytest.mark.parametrize("text", ["a\n  b:\tc\n", ValueError("a\n\nb: c")])
def test_the_error_of_a_library_becomes_one_line(text):
    assert one_line(text) == "a b: c"
