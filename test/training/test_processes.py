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
from pinet_ros.training.processes import run_in_processes

_folder: Path | None = None


def _set_up(folder: Path) -> None:
    global _folder
    _folder = folder


def _write(name: str) -> None:
    (_folder / name).write_text(str(os.getpid()))


def _fail(name: str) -> None:
    raise ValueError(f"cannot do {name}")


def _end() -> None:
    os._exit(1)


def _sleep(folder: str) -> None:
    (Path(folder) / "pid").write_text(str(os.getpid()))
    time.sleep(600)


def _nothing() -> None:
    pass


def test_every_task_is_done_by_workers_that_were_set_up(tmp_path):
    names = [f"task{number}" for number in range(7)]
    run_in_processes(
        _write, [(name,) for name in names], workers=2, set_up=_set_up, shared=(tmp_path,)
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    pids = {int(path.read_text()) for path in tmp_path.iterdir()}
    assert os.getpid() not in pids
    assert len(pids) <= 2


def test_an_error_of_a_task_is_raised():
    with pytest.raises(ValueError, match="cannot do it"):
        run_in_processes(_fail, [("it",)], workers=1, set_up=_nothing)


def test_an_error_while_a_worker_is_set_up_is_raised():
    with pytest.raises(ValueError, match="cannot do it"):
        run_in_processes(_fail, [("that",)], workers=1, set_up=_fail, shared=("it",))


def test_a_worker_that_is_killed_is_told():
    with pytest.raises(PinetError, match="a worker process was killed"):
        run_in_processes(_end, [()], workers=1, set_up=_nothing)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_when_their_parent_is_killed_or_stopped(sent, tmp_path):
    script = (
        "from test_processes import _nothing, _sleep\n"
        "from pinet_ros.training.processes import run_in_processes\n"
        f"run_in_processes(_sleep, [({str(tmp_path)!r},)], workers=1, set_up=_nothing)\n"
    )
    folders = [str(Path(__file__).parent), *sys.path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(folders)}
    parent = subprocess.Popen([sys.executable, "-c", script], env=environment)
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
