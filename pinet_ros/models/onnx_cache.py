"""Exported ONNX files in the cache folder, so that a network is exported only once."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from pinet_ros.models.cache import cache_dir
from pinet_ros.util.files import write_whole

_log = logging.getLogger(__name__)

_VERSION = 1  # increase it when the export changes
_DIGEST = 64  # characters of a SHA-256


def path(name: str, hashes: Iterable[str]) -> Path:
    """Return the path of a network's export.

    Args:
        name: name of the network.
        hashes: SHA-256 of the files that the network is loaded from.
    """
    source = hashlib.sha256("".join(hashes).encode()).hexdigest()[:12]
    return cache_dir() / f"{name}-{source}-{_VERSION}.onnx"


def get(file: Path, export: Callable[[], bytes]) -> bytes:
    """Return the content of an ONNX file; export it if it is missing or damaged.

    Args:
        file: where the file is kept, see `path`.
        export: returns the content of the exported file.
    """
    if file.is_file():
        content = file.read_bytes()
        if _is_sealed(content):
            return content
        _log.warning("%s is damaged; exporting it again", file)
    content = _seal(export())
    try:
        write_whole(file, lambda stream: stream.write(content))
    except OSError as error:
        _log.warning("%s cannot be saved, so every start exports it again: %s", file, error)
    return content


def _seal(content: bytes) -> bytes:
    """Append the SHA-256 of everything before it, as the last entry of the file's metadata.

    Two concatenated protocol buffers are one with the fields of both.
    """
    from onnx import ModelProto, StringStringEntryProto  # slow, and rarely needed

    entry = StringStringEntryProto(key="sha256", value="0" * _DIGEST)
    content += ModelProto(metadata_props=[entry]).SerializeToString()[:-_DIGEST]
    return content + _digest(content)


def _is_sealed(content: bytes) -> bool:
    return content[-_DIGEST:] == _digest(content[:-_DIGEST])


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
