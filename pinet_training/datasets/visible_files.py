"""The files of a folder that its owner sees."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path


def visible_files(folder: Path, suffixes: Collection[str] | None = None) -> list[Path]:
    """All files in a folder and its subfolders, sorted, except hidden ones.

    Systems leave hidden files behind, which are not what their name says: ._a.jpg beside a.jpg
    on a disk that a Mac wrote to.

    Args:
        folder: where to look.
        suffixes: in lower case, of the files to return; None for all.
    """
    return sorted(
        path
        for path in folder.rglob("*")
        if (suffixes is None or path.suffix.lower() in suffixes)
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )
