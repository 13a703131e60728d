"""Reads .safetensors files."""

from __future__ import annotations

from pathlib import Path

from safetensors import safe_open
from torch import Tensor

from pinet_ros.errors import ModelError, one_line


def read_safetensors(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Read metadata and tensors by name.

    Raises:
        ModelError: the file is missing, damaged or of another kind.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except Exception as error:  # a damaged file can raise almost any error
        raise ModelError(
            f"{path} is damaged or not a safetensors file: {one_line(error)}; copy it "
            "again, or reinstall pinet_ros if it came with the package"
        ) from error
