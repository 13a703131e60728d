"""Atomic writing of files."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from pinet_ros.errors import one_line


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file atomically: an interruption leaves no broken file.

    Missing folders are created, and an existing file is replaced at the end; of a link, the file
    that it leads to. A path that is no regular file, such as a pipe, is written directly, and
    so is this process's output, /dev/stdout, whatever it leads to.

    Args:
        path: path of the file.
        write: writes the content to the stream it is given.

    Raises:
        OSError: the file cannot be written.
    """
    if is_standard_output(path):
        write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_file():
        with path.open("wb") as stream:
            write(stream)
        return
    writer = f"{os.getpid()}-{threading.get_ident()}"  # others may be writing the same file
    partial = path.with_name(f"{path.name}.{writer}.partial")
    try:
        with partial.open("wb") as stream:
            write(stream)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def is_standard_output(path: Path) -> bool:
    """Whether a path names the standard output of this process."""
    return str(path) in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")


def read_yaml(path: str | Path) -> Any:
    """Read a YAML file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not YAML; the message is one line.
    """
    content = Path(path).read_text(encoding="utf-8")
    try:
        return yaml.safe_load(content)
    except Exception as error:  # besides its own errors PyYAML lets those of any value through
        raise ValueError(one_line(error) or type(error).__name__) from error


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, see `write_whole`."""
    write_whole(path, lambda stream: stream.write(text.encode()))
