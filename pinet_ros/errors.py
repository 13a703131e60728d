"""The base of all errors whose message is meant for the person who runs the program."""

from __future__ import annotations


class PinetError(Exception):
    """Says what was expected, what was found and what to do; shown without a traceback."""


class DatasetError(PinetError):
    """Annotations or predictions cannot be used; names the file, and the field or the key."""
