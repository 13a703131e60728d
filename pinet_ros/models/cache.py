"""The cache folder of fetched files, and the integrity of these files."""

from __future__ import annotations

import enum
import hashlib
import os
from pathlib import Path

from pinet_ros.models.catalog import ModelFile


class FileState(enum.Enum):
    """State of one file in the cache folder."""

    PRESENT = "present"
    MISSING = "missing"
    BROKEN = "broken"


def cache_dir() -> Path:
    """Return the folder of fetched files: $PINET_CACHE, or pinet_ros in the user's XDG cache."""
    if chosen := os.environ.get("PINET_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "pinet_ros"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def file_state(file: ModelFile) -> FileState:
    """Return whether a file is in the cache folder with the right content."""
    path = cache_dir() / file.name
    if not path.is_file():
        return FileState.MISSING
    return FileState.PRESENT if sha256_of(path) == file.sha256 else FileState.BROKEN
