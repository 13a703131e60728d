"""Published weights in the format of our own, made once and kept in the cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pinet_ros.models.cache import sha256_of

_DIGITS = 8  # of the source's hash, in the name of the file


def kept_weights(source: Path, name: str, save: Callable[[Path], None]) -> Path:
    """Path of a network's published weights; they are made if they are missing.

    Args:
        source: the fetched file.
        name: of the network.
        save: writes the weights.
    """
    path = source.with_name(f"{name}_published_{sha256_of(source)[:_DIGITS]}.safetensors")
    if not path.is_file():
        save(path)
    return path
