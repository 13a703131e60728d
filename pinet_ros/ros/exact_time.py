"""ExactTime: sets of messages, one from each input, with exactly the same stamp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from builtin_interfaces.msg import Time

from pinet_ros.errors import PinetError


class StampError(PinetError):
    """A message cannot be matched by its stamp."""


class ExactTime:
    """Calls back with each set of messages, one from each input, that have the same stamp.

    Uses message_filters if it is installed; it is not on PyPI. A full queue drops what arrived
    first. message_filters alone would drop the lowest stamp, which is the newest message when a
    bag starts again.
    """

    def __init__(
        self, inputs: int, size: int, callback: Callable[[tuple[Any, ...]], None]
    ) -> None:
        """Keep up to `size` messages of each input until their partners arrive.

        Args:
            inputs: number of inputs.
            size: number of messages to keep.
            callback: called with each set, in the order of the inputs.
        """
        self._size = size
        self._latest = [0] * inputs  # stamps, nanoseconds
        try:
            from message_filters import SimpleFilter, TimeSynchronizer
        except ImportError:
            synchronizer = _Synchronizer(inputs, callback)
            self._add, self._queues = synchronizer.add, synchronizer.queues
            return
        filters = [SimpleFilter() for _ in range(inputs)]
        self._synchronizer = TimeSynchronizer(filters, size)
        self._synchronizer.registerCallback(lambda *messages: callback(messages))
        self._add = lambda source, message: filters[source].signalMessage(message)
        self._queues = self._synchronizer.queues

    def add(self, source: int, message: Any) -> None:
        """Add a message of an input, in the thread that all messages are added in.

        Args:
            source: index of the input.
            message: a message with a header.

        Raises:
            StampError: the stamp is 0 or that of the previous message of this input.
        """
        stamp = nanoseconds(message.header.stamp)
        previous, self._latest[source] = self._latest[source], stamp
        kind = type(message).__name__
        if not stamp:
            raise StampError(
                f"{kind} messages have a stamp of 0, so that it is unknown which belong together; "
                "let the driver set header.stamp"
            )
        if stamp == previous:
            raise StampError(
                f"two {kind} messages have the same stamp, so that it is unknown which others "
                "belong to them; let the driver set header.stamp, and check that there is only "
                "one publisher"
            )
        queue = self._queues[source]
        queue.pop(stamp, None)
        if len(queue) == self._size:
            del queue[next(iter(queue))]
        self._add(source, message)


def nanoseconds(stamp: Time) -> int:
    """A stamp as one number."""
    return stamp.sec * 10**9 + stamp.nanosec


class _Synchronizer:
    """Stand-in for message_filters.TimeSynchronizer.

    Attributes:
        queues: for each input, the waiting messages by their stamps in nanoseconds.
    """

    def __init__(self, inputs: int, callback: Callable[[tuple[Any, ...]], None]) -> None:
        self.queues: list[dict[int, Any]] = [{} for _ in range(inputs)]
        self._callback = callback

    def add(self, source: int, message: Any) -> None:
        stamp = nanoseconds(message.header.stamp)
        self.queues[source][stamp] = message
        if all(stamp in each for each in self.queues):
            self._callback(tuple(each.pop(stamp) for each in self.queues))
