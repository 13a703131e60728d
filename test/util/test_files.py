from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
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
