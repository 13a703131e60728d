"""Plugins: functions that the package pinet_training registers as entry points."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from pinet_ros.errors import PinetError

_HOW_TO_INSTALL = (
    "install it with `pip install ./pinet_training` in a checkout of pinet_ros, or build with "
    "`colcon build --cmake-args -DPINET_TRAINING=ON`"
)


def plugin_names(group: str) -> list[str]:
    """Sorted names of the entry points in a group."""
    return sorted({entry.name for entry in entry_points(group=group)})


def load_plugin(group: str, name: str, what: str) -> Callable[..., Any]:
    """Load a function that the package pinet_training registers.

    Args:
        group, name: group and name of the entry point.
        what: description of the feature, for the error message.

    Raises:
        PinetError: pinet_training, or a package it needs, is not installed.
    """
    found = entry_points(group=group, name=name)
    if not found:
        raise PinetError(
            f"{what} is part of the package pinet_training, which is not installed: "
            f"{_HOW_TO_INSTALL}"
        )
    try:
        return next(iter(found)).load()
    except ModuleNotFoundError as error:
        raise PinetError(
            f"{what} needs {error.name}, which is not installed; {_HOW_TO_INSTALL}"
        ) from error
