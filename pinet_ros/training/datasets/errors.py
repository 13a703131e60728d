"""The error of all files of data sets and predictions."""

from __future__ import annotations

from pinet_ros.errors import PinetError


class DatasetError(PinetError):
    """Annotations or predictions cannot be used; names the file, and the field or the key."""
