"""Timing several ways to do the same, in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def medians_ms(ways: Mapping[str, Callable[[], object]], repetitions: int) -> dict[str, float]:
    """Milliseconds of each way; they take turns, so that all see the same machine.

    Call each once before, and let its result be on the CPU, so that a GPU has finished too.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repetitions):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - start)
    return {name: 1000 * statistics.median(values) for name, values in seconds.items()}
