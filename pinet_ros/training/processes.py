"""Long tasks in worker processes that never outlive their parent."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context, parent_process
from threading import Thread
from typing import Any

from tqdm import tqdm

from pinet_ros.errors import PinetError


def run_in_processes(
    task: Callable[..., None],
    arguments: Sequence[tuple],
    *,
    workers: int,
    set_up: Callable[..., None],
    shared: tuple[Any, ...] = (),
    unit: str = "it",
) -> None:
    """Call `task(*arguments[i])` for all i, with progress; the first error ends it and is raised.

    After an error the tasks that are begun are finished; after Ctrl-C they are ended as well.

    Args:
        workers: number of processes.
        set_up: called as `set_up(*shared)` once in each process.
        unit: what one task is, for the progress bar.

    Raises:
        PinetError: a worker was killed.
    """
    if not arguments:
        return
    others = set(active_children())
    pool = ProcessPoolExecutor(
        min(workers, len(arguments)), get_context("spawn"), _set_up, (set_up, shared)
    )
    try:
        waiting = [pool.submit(_call, task, each) for each in arguments]
        progress = tqdm(as_completed(waiting), total=len(waiting), unit=unit, disable=None)
        for finished in progress:
            finished.result()
    except BrokenProcessPool as error:
        raise PinetError(
            "a worker process was killed, as happens when the memory is full; try again with "
            "fewer of them"
        ) from error
    except KeyboardInterrupt:
        for worker in set(active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


_failure: Exception | None = None  # of a worker that could not be set up


def _set_up(set_up: Callable[..., None], shared: tuple[Any, ...]) -> None:
    global _failure
    # A worker whose parent was killed would wait for tasks for ever.
    Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent sees to it
    try:
        set_up(*shared)
    except Exception as error:  # raised here it would not reach the parent
        _failure = error


def _call(task: Callable[..., None], arguments: tuple) -> None:
    if _failure is not None:
        raise _failure
    task(*arguments)


def _end_with_parent() -> None:
    parent_process().join()
    os._exit(1)
