from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from pinet_ros.util.files import read_yaml, write_text, write_whole


def test_a_file_is_written_into_a_new_folder(tmp_path):
    write_whole(tmp_path / "new" / "a.bin", lambda stream: stream.write(b"\x00\x01"))
    write_text(tmp_path / "new" / "b.txt", "18°\n")

    assert (tmp_path / "new" / "a.bin").read_bytes() == b"\x00\x01"
    assert (tmp_path / "new" / "b.txt").read_text(encoding="utf-8") == "18°\n"
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.bin", "b.txt"]


@pytest.mark.parametrize("before", [None, "old"])
@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt])
def test_what_interrupts_writing_leaves_all_as_it_was(before, interruption, tmp_path):
    path = tmp_path / "a.txt"
    if before:
        path.write_text(before)

    def write(stream):
        stream.write(b"half of it")
        raise interruption

    with pytest.raises(interruption):
        write_whole(path, write)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == (
        {"a.txt": before} if before else {}
    )


def test_threads_may_write_the_same_file_at_once(tmp_path):
    path, together = tmp_path / "a.txt", Barrier(2, timeout=60)

    def write(stream):
        stream.write(b"half ")
        together.wait()  # both files are open
        stream.write(b"whole")

    with ThreadPoolExecutor(2) as pool:
        for writer in [pool.submit(write_whole, path, write) for _ in range(2)]:
            writer.result()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.txt": "half whole"}


def test_what_is_no_file_is_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_text(pipe, "through")
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    with pytest.raises(IsADirectoryError):
        write_text(tmp_path, "not a file")
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_link_stays_one_and_its_file_is_replaced(tmp_path):
    (tmp_path / "runs").mkdir()
    latest = tmp_path / "latest.txt"
    latest.symlink_to(tmp_path / "runs" / "a.txt")
    write_text(latest, "through the link")
    assert latest.is_symlink()
    assert (tmp_path / "runs" / "a.txt").read_text() == "through the link"


@pytest.mark.parametrize("kind", ["file", "pipe"])
def test_the_standard_output_is_written_to_and_not_replaced(tmp_path, kind):
    code = (
        "from pathlib import Path; from pinet_ros.util.files import write_text;"
        "print('before', flush=True); write_text(Path('/dev/stdout'), 'json')"
    )
    command = [sys.executable, "-c", code]
    if kind == "pipe":
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    else:
        with (tmp_path / "out.txt").open("w") as output:
            subprocess.run(command, stdout=output, check=True)
        said = (tmp_path / "out.txt").read_text()
    assert said == "before\njson"
    assert Path("/dev/stdout").is_symlink()


@pytest.mark.parametrize(
    "text",
    [
        "a: [1",
        "day: 2001-99-99",
        "!!int ''",
        "!!bool x",
        "!!timestamp x",
        "[" * 5000,
        "\t- 1",
        "\a",
    ],
)
def test_what_is_no_yaml_is_an_error_of_one_line(text, tmp_path):
    (tmp_path / "a.yaml").write_text(text)

    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        read_yaml(tmp_path / "a.yaml")
