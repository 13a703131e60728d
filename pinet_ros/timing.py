"""How long the stages take: what diagnostics and benchmarks show."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


class StageTimes:
    """The latest durations of named stages."""

    def __init__(self, window: int = 300) -> None:
        """Keep the last `window` durations of each stage."""
        self._seconds: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=window))

    def add(self, stage: str, seconds: float) -> None:
        self._seconds[stage].append(seconds)

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Time the body; a body that raises is not counted."""
        start = time.perf_counter()
        yield
        self.add(stage, time.perf_counter() - start)

    def percentile_ms(self, percent: float) -> dict[str, float]:
        """Milliseconds of each stage, in the order in which the stages first came."""
        return {
            stage: 1e3 * float(np.percentile(list(seconds), percent))
            for stage, seconds in list(self._seconds.items())
        }
