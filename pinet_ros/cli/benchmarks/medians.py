"""Timing of several implementations in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def medians_ms(ways: Mapping[str, Callable[[], object]], repetitions: int) -> dict[str, float]:
    """Median milliseconds of each implementation; they alternate, so that load affects all alike.

    Call each once before, to warm up. Each must put its result on the CPU, so that work on a GPU
    is included.

    Args:
        ways: implementations by name.
        repetitions: runs of each.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repetitions):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - start)
    return {name: 1000 * statistics.median(values) for name, values in seconds.items()}
