"""The real-time path: one slot for the latest input and one thread that works on it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class LatestWorker:
    """Runs a function on the latest item given, in its own thread; older items are dropped.

    The slot holds one item, so a slow function makes results rarer but never older.
    """

    def __init__(self, work: Callable[[Any], None]) -> None:
        """Take the function; `start` runs it. It must handle its own errors."""
        self._work = work
        self._changed = threading.Condition()
        self._item: Any = None
        self._running = False
        self._thread: threading.Thread | None = None
        self.received = 0
        self.dropped = 0

    def start(self) -> None:
        """Start the thread; does nothing when it runs."""
        if self._running:
            return
        self._running = True
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the item in work; an item in the slot is forgotten."""
        with self._changed:
            self._running = False
            self._item = None
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def put(self, item: Any) -> None:
        """Place an item (not None) in the slot, in place of one that still waits there."""
        with self._changed:
            self.received += 1
            if self._item is not None:
                self.dropped += 1
            self._item = item
            self._changed.notify()

    def _loop(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._item is not None or not self._running)
                if not self._running:
                    return
                item, self._item = self._item, None
            self._work(item)
