"""Worker processes: all tasks are done, errors come through, nobody outlives the parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pinet_ros.errors import PinetError
from pinet_training.runs.processes import available_cores, run_in_processes


def _set_up(folder: Path) -> Path:
    (folder / f"set up {os.getpid()}").touch()
    return folder


def _write(folder: Path, name: str) -> None:
    (folder / name).write_text(str(os.getpid()))


def _write_beside(path: str) -> None:
    Path(path).touch()


def _fail(name: str) -> None:
    raise ValueError(f"cannot do {name}")


def _end_at(last: int, number: int) -> None:
    if number == last:
        os._exit(1)


def _sleep(folder: str) -> None:
    (Path(folder) / "pid").write_text(str(os.getpid()))
    time.sleep(600)


def _nothing() -> None:
    pass


def test_every_task_is_done_with_what_its_worker_was_set_up_with(tmp_path):
    names = [f"task{number}" for number in range(7)]
    run_in_processes(
        _write, [(name,) for name in names], workers=2, set_up=_set_up, shared=(tmp_path,)
    )
    set_up = {path.name for path in tmp_path.glob("set up *")}
    tasks = sorted(path for path in tmp_path.iterdir() if path.name not in set_up)
    assert [path.name for path in tasks] == names
    pids = {int(path.read_text()) for path in tasks}
    assert os.getpid() not in pids
    assert {f"set up {pid}" for pid in pids} <= set_up
    assert len(set_up) <= 2


def test_a_set_up_that_returns_nothing_leaves_tasks_to_their_arguments(tmp_path):
    path = tmp_path / "done"
    run_in_processes(_write_beside, [(str(path),)], workers=1, set_up=_nothing)
    assert path.exists()


def test_an_error_of_a_task_is_raised():
    with pytest.raises(ValueError, match="cannot do it"):
        run_in_processes(_fail, [("it",)], workers=1, set_up=_nothing)


def test_an_error_while_a_worker_is_set_up_is_raised():
    with pytest.raises(ValueError, match="cannot do it"):
        run_in_processes(_fail, [("that",)], workers=1, set_up=_fail, shared=("it",))


def _number(number: int) -> int:
    return number


def test_a_worker_that_is_killed_is_told_with_its_task():
    arguments = [(number,) for number in range(5)]
    with pytest.raises(PinetError) as caught:
        run_in_processes(
            _end_at,
            arguments,
            workers=1,
            set_up=_number,
            shared=(3,),
            unit="shard",
            names=["zero", "one", "two", "three", "four"],
        )
    message = str(caught.value)
    assert "a worker process was killed at shard three, most likely" in message
    assert "because memory ran out; run again with fewer" in message


def test_tasks_without_names_are_numbered_and_all_that_may_be_meant_are_told():
    with pytest.raises(PinetError, match=r"killed at it 1 or 2, most likely .* fewer than 2 "):
        run_in_processes(os._exit, [(1,)] * 3, workers=2, set_up=_nothing)


def test_cores_are_those_that_the_process_may_use():
    assert 1 <= available_cores() <= os.cpu_count()
    if not hasattr(os, "sched_setaffinity"):
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert available_cores() == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_when_their_parent_is_killed_or_stopped(sent, tmp_path):
    script = (
        "from test_processes import _nothing, _sleep\n"
        "from pinet_training.runs.processes import run_in_processes\n"
        f"run_in_processes(_sleep, [({str(tmp_path)!r},)], workers=1, set_up=_nothing)\n"
    )
    folders = [str(Path(__file__).parent), *sys.path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(folders)}
    # a shell has what it runs in the background ignore Ctrl-C, and so would these tests' processes
    parent = subprocess.Popen(
        [sys.executable, "-c", script],
        env=environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        _wait_for(lambda: (tmp_path / "pid").is_file() and (tmp_path / "pid").read_text())
        worker = int((tmp_path / "pid").read_text())
        assert _is_alive(worker)
        parent.send_signal(sent)
        parent.wait(60)
    finally:
        parent.kill()
    _wait_for(lambda: not _is_alive(worker))


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _wait_for(condition, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
