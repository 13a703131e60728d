"""Runs long tasks in worker processes that end when their parent ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context, parent_process
from threading import Thread
from typing import Any

from tqdm import tqdm

from pinet_ros.errors import PinetError


def available_cores() -> int:
    """Return the number of cores this process may use; containers and taskset can limit it."""
    if hasattr(os, "sched_getaffinity"):  # not on every platform
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_in_processes(
    task: Callable[..., None],
    arguments: Sequence[tuple],
    *,
    workers: int,
    set_up: Callable[..., Any],
    shared: tuple[Any, ...] = (),
    unit: str = "it",
    names: Sequence[object] | None = None,
) -> None:
    """Call `task(state, *arguments[i])` for all i; stop at the first error and raise it.

    After an error, the tasks that have started are finished; after Ctrl-C they are terminated.

    Args:
        task: called with what `set_up` returned, unless that was None, and then its arguments.
        arguments: the arguments of each task.
        workers: number of processes.
        set_up: called as `set_up(*shared)` once in each process.
        shared: arguments of `set_up`.
        unit: name of one task, for the progress bar and errors.
        names: names of the tasks, for errors; by default they are numbered from 1.

    Raises:
        PinetError: a worker process was killed.
    """
    if not arguments:
        return
    workers = min(workers, len(arguments))
    names = range(1, len(arguments) + 1) if names is None else names
    others = set(active_children())
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _set_up, (set_up, shared))
    waiting: list[Future] = []
    try:
        for each in arguments:
            waiting.append(pool.submit(_call, task, each))
        progress = tqdm(as_completed(waiting), total=len(waiting), unit=unit, disable=None)
        for finished in progress:
            finished.result()
    except BrokenProcessPool as error:
        # tasks start in order, so the killed one is among the first unfinished ones
        done = {n for n, each in enumerate(waiting) if each.done() and not each.exception()}
        left = [str(name) for n, name in enumerate(names) if n not in done]
        raise PinetError(
            f"a worker process was killed at {unit} {' or '.join(left[:workers])}, most likely by "
            f"the system because memory ran out; run again with fewer than {workers} processes "
            "(--workers, --jobs), or free memory: finished tasks are kept"
        ) from error
    except KeyboardInterrupt:
        for worker in set(active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


# In a worker: the result of its set-up, or the error that the set-up raised.
_state: Any = None
_failure: Exception | None = None


def _set_up(set_up: Callable[..., Any], shared: tuple[Any, ...]) -> None:
    global _state, _failure
    # A worker whose parent was killed would otherwise wait for tasks forever.
    Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent handles it
    try:
        _state = set_up(*shared)
    except Exception as error:  # raised here, it would not reach the parent
        _failure = error


def _call(task: Callable[..., None], arguments: tuple) -> None:
    if _failure is not None:
        raise _failure
    if _state is not None:
        arguments = (_state, *arguments)
    task(*arguments)


def _end_with_parent() -> None:
    parent_process().join()
    os._exit(1)
