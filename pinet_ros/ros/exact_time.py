"""Pairs of messages with exactly the same stamp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class ExactTime:
    """Calls back with each first and second message of the same stamp.

    message_filters does the work where it is installed; it is not on PyPI.
    """

    def __init__(self, size: int, callback: Callable[[tuple[Any, Any]], None]) -> None:
        """Keep up to `size` messages of each kind until their partner comes."""
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
        self._first(message)

    def add_second(self, message: Any) -> None:
        self._second(message)


def _pairing(
    size: int, callback: Callable[[tuple[Any, Any]], None]
) -> tuple[Callable[[Any], None], Callable[[Any], None]]:
    """Two functions that take the messages, for one thread."""
    waiting: tuple[dict, dict] = ({}, {})

    def add(message: Any, side: int) -> None:
        stamp = (message.header.stamp.sec, message.header.stamp.nanosec)
        partner = waiting[1 - side].pop(stamp, None)
        if partner is not None:
            callback((message, partner) if side == 0 else (partner, message))
            return
        waiting[side][stamp] = message
        if len(waiting[side]) > size:  # the first to come goes, as the clock may have gone back
            waiting[side].pop(next(iter(waiting[side])))

    return (lambda message: add(message, 0)), (lambda message: add(message, 1))
