"""Errors that the user can fix; their messages say how."""

from __future__ import annotations

_LONGEST = 800  # characters of a line; a file or a message may hold names of any length


class PinetError(Exception):
    """Base of all errors that the user can fix.

    The message says what was expected, what was found and what to do. The command line and the
    nodes show it without a traceback.
    """

    def __str__(self) -> str:
        """The message, as `printable`; the middle of a line that is too long is left out."""
        return "\n".join(_shortened(line) for line in printable(super().__str__()).split("\n"))


class DatasetError(PinetError):
    """Annotations or predictions cannot be used; the message names the file and the field."""


class ModelError(PinetError):
    """A model is unknown, missing or broken, or does not fit its network."""


def printable(text: object) -> str:
    """Text that any terminal can show: other characters become escapes, but for line breaks.

    Others are bytes of file names that are not UTF-8, and control characters of any source.
    """
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in shown
    )


def one_line(text: object) -> str:
    """Text of somebody else, such as an error of a library, as a part of a message."""
    return _shortened(printable(" ".join(str(text).split())))


def _shortened(line: str) -> str:
    if len(line) <= _LONGEST:
        return line
    return f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 2 :]}"
