"""Errors that the user can fix; their messages say how."""

from __future__ import annotations


class PinetError(Exception):
    """Base of all errors that the user can fix.

    The message says what was expected, what was found and what to do. The command line and the
    nodes show it without a traceback.
    """


class DatasetError(PinetError):
    """Annotations or predictions cannot be used; the message names the file and the field."""
