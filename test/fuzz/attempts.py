"""Attempts by number in a process of their own, so that a crash or a hang is a finding too."""

from __future__ import annotations

import gc
import multiprocessing
import os
import re
import resource
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

_SHORT = "PINET_FUZZ" not in os.environ  # a short run among the tests is the same each time
_DEFAULT_SEED = 1 if _SHORT else int.from_bytes(os.urandom(4), "big")
SEED = int(os.environ.get("PINET_FUZZ_SEED", _DEFAULT_SEED))
FIRST = int(os.environ.get("PINET_FUZZ_FIRST", "0"))  # 1 attempt from here on is a replay
# what a log must not hold
FORBIDDEN = re.compile(r"Traceback|this is a bug|Segmentation|core dumped")

_START = 120.0  # seconds until a process is ready
_MEMORY = 12 * 2**30  # bytes of address space; more is a finding instead of a machine that swaps
_LONGEST = 1000  # characters of a message that somebody is to read
_LONGEST_LOGGED = 1300  # with time, name of the node and what it adds
_MOST_FINDINGS = 20  # different ones; then it is enough

Attempt = Callable[[int], str]  # does one, by its number; returns what came of it


class FoundError(AssertionError):
    """Something that must not happen: what is the same each time, and the details of this time."""


@dataclass
class Report:
    """What came of all attempts.

    Attributes:
        outcomes: how many attempts had each outcome.
        findings: where the first of each was, by what it is.
        slowest: seconds and number of the attempt that took longest.
        growth: bytes of memory that the last process took from its warm-up to its end.
    """

    outcomes: Counter = field(default_factory=Counter)
    findings: dict[str, str] = field(default_factory=dict)
    slowest: tuple[float, int] = (0.0, 0)
    growth: int = 0

    def __str__(self) -> str:
        outcomes = ", ".join(f"{count} {what}" for what, count in sorted(self.outcomes.items()))
        found = [f"\n--- {place}\n{what}" for what, place in self.findings.items()]
        return (
            f"seed {SEED}: {outcomes}; the slowest was number {self.slowest[1]} in "
            f"{self.slowest[0]:.1f} s; memory {self.growth / 2**20:+.0f} MiB{''.join(found)}"
        )


def amount(short: int) -> int:
    """How many attempts to make: PINET_FUZZ, or a short run."""
    return int(os.environ.get("PINET_FUZZ", short))


def generator(number: int) -> np.random.Generator:
    """The random numbers of an attempt, from the seed and its number alone."""
    return np.random.default_rng([SEED, number])


def require_sensible(message: str, what: str) -> None:
    """See that the message of the refusal of something is one line that somebody can read."""
    wrong = [
        not message.strip() and "empty",
        len(message) > _LONGEST and f"{len(message)} characters long",
        not message.isprintable() and "not one line of printable characters",
        FORBIDDEN.search(message) and "not for a user",
    ]
    if any(wrong):
        reason = re.sub(r"\d+", "#", str(next(filter(None, wrong))))
        raise FoundError(f"a message about {what} is {reason}", f"{message[:300]!r}")


def run(case: Callable[[], Attempt], folder: Path, count: int, limit: float) -> Report:
    """Make attempts FIRST to FIRST + count; after a crash or a hang, go on behind it.

    Args:
        case: prepares the attempts, in the new process; a function of a module.
        folder: for the log.
        count: number of attempts.
        limit: seconds that one may take.
    """
    report = Report()
    numbers = range(FIRST, FIRST + count)
    while numbers and len(report.findings) < _MOST_FINDINGS:
        ours, theirs = multiprocessing.Pipe()
        log = folder / f"attempts-{numbers.start}.log"
        process = multiprocessing.get_context("spawn").Process(
            target=_serve, args=(case, numbers, theirs, log, SEED), daemon=True
        )
        process.start()
        theirs.close()
        numbers = _follow(process, ours, numbers, limit, report)
        process.kill()
        process.join()
        if wrong := wrong_in_log(log.read_text(errors="replace")):
            report.findings.setdefault("the log is not for a user", f"{log}: {wrong}")
    return report


def wrong_in_log(text: str) -> str:
    """What of a log nobody is to read; empty if it is as it should be."""
    if said := FORBIDDEN.search(text):
        return text[max(0, said.start() - 300) : said.start() + 1500]
    longest = max(text.splitlines(), key=len, default="")
    return longest[:300] if len(longest) > _LONGEST_LOGGED else ""


def _follow(
    process: multiprocessing.process.BaseProcess,
    pipe: Connection,
    numbers: range,
    limit: float,
    report: Report,
) -> range:
    """Collect what a process sends; returns the numbers that are still to be done."""

    def found(what: str, detail: str = "") -> None:
        report.outcomes["finding"] += 1
        report.findings.setdefault(
            what, f"PINET_FUZZ_SEED={SEED} PINET_FUZZ_FIRST={number} PINET_FUZZ=1 {detail}"
        )

    number, patience, started = numbers.start, _START, time.monotonic()
    while True:
        try:
            if not pipe.poll(patience):
                found(f"attempt took longer than {patience:.0f} s")
                return range(number + 1, numbers.stop)
            kind, value = pipe.recv()
        except EOFError:
            process.join(10)
            found(f"the process ended with {process.exitcode}")
            return range(number + 1, numbers.stop)
        if kind == "end":
            report.growth = value
            return range(0)
        if kind == "begin":
            number, patience, started = value, limit, time.monotonic()
        elif kind == "finding":
            found(*value)
        else:
            report.outcomes[value] += 1
            report.slowest = max(report.slowest, (time.monotonic() - started, number))


def _serve(
    case: Callable[[], Attempt], numbers: range, pipe: Connection, log: Path, seed: int
) -> None:
    global SEED
    SEED = seed  # the parent's, which may be a random one
    for stream in (1, 2):
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    attempt = case()
    warm, level = numbers.start + len(numbers) // 5, 0
    for number in numbers:
        if number == warm:
            level = memory()
        pipe.send(("begin", number))
        try:
            pipe.send(("outcome", attempt(number)))
        except BaseException as error:
            pipe.send(("finding", _described(error)))
    gc.collect()
    pipe.send(("end", memory() - level))
    os._exit(0)  # threads of nodes need not end


def memory(pid: int | str = "self") -> int:
    """Bytes of memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def _described(error: BaseException) -> tuple[str, str]:
    """What is the same for the same mistake, and the rest."""
    if isinstance(error, FoundError):
        return error.args
    frames = traceback.extract_tb(error.__traceback__)
    places = dict.fromkeys(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames[-40:])
    return f"{type(error).__name__} at {' > '.join(places)}", str(error)[:300]


def require_clean(report: Report, margin: int) -> None:
    """Print the report, and fail if anything was found or memory grew beyond a margin, bytes."""
    print(report)
    if report.findings or report.growth > margin:
        pytest.fail(str(report), pytrace=False)
