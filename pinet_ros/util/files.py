"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file by a function of its stream; whatever interrupts it leaves no broken file.

    The folder is made, and a file that is there is replaced in the end. What is no file, like
    /dev/stdout, is written directly.

    Raises:
        OSError: the file cannot be written.
    """
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


def write_text(path: Path, text: str) -> None:
    """Write a file of UTF-8 text as `write_whole` does."""
    write_whole(path, lambda stream: stream.write(text.encode()))
