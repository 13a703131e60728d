"""ExactTime: pairs of messages with exactly the same stamp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class ExactTime:
    """Calls back with each pair of a first and a second message that have the same stamp.

    Uses message_filters if it is installed; it is not on PyPI.
    """

    def __init__(self, size: int, callback: Callable[[tuple[Any, Any]], None]) -> None:
        """Keep up to `size` messages of each kind until their partner arrives.

        Args:
            size: number of messages to keep.
            callback: called with each pair, first message first.
        """
        try:
            from message_filters import SimpleFilter, TimeSynchronizer
        except ImportError:
            self._first, self._second = _pairing(size, callback)
            return
        filters = [SimpleFilter(), SimpleFilter()]
        self._synchronizer = TimeSynchronizer(filters, size)
        self._synchronizer.registerCallback(lambda *pair: callback(pair))
        self._first, self._second = (each.signalMessage for each in filters)

    def add_first(self, message: Any) -> None:
        """Add a first message."""
        self._first(message)

    def add_second(self, message: Any) -> None:
        """Add a second message."""
        self._second(message)


def _pairing(
    size: int, callback: Callable[[tuple[Any, Any]], None]
) -> tuple[Callable[[Any], None], Callable[[Any], None]]:
    """Two functions that add first and second messages, for use in one thread."""
    waiting: tuple[dict, dict] = ({}, {})

    def add(message: Any, side: int) -> None:
        stamp = (message.header.stamp.sec, message.header.stamp.nanosec)
        partner = waiting[1 - side].pop(stamp, None)
        if partner is not None:
            callback((message, partner) if side == 0 else (partner, message))
            return
        waiting[side][stamp] = message
        if len(waiting[side]) > size:  # drop by arrival, not by stamp: the clock may jump back
            waiting[side].pop(next(iter(waiting[side])))

    return (lambda message: add(message, 0)), (lambda message: add(message, 1))
