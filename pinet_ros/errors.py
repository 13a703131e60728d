"""Errors that the user can fix; their messages say how."""

from __future__ import annotations


class PinetError(Exception):
    """Base of all errors that the user can fix.

    The message says what was expected, what was found and what to do. The command line and the
    nodes show it without a traceback.
    """

    def __str__(self) -> str:
        """The message; bytes of file names that are not UTF-8 are shown as escapes."""
        return printable(super().__str__())


class DatasetError(PinetError):
    """Annotations or predictions cannot be used; the message names the file and the field."""


def printable(text: object) -> str:
    """Text that any stream can write: what is not Unicode becomes an escape."""
    return str(text).encode("utf-8", "backslashreplace").decode()
