"""MATLAB files, read with errors that name what is wrong."""

from __future__ import annotations

from pathlib import Path

from scipy.io import loadmat

from pinet_ros.cli.predictions.records import Record, require_file
from pinet_ros.errors import DatasetError, one_line


def read_mat(path: Path) -> Record:
    """Read the variables of a MATLAB file, cells and structs as object and structured arrays.

    Raises:
        DatasetError: there is no such file, or scipy cannot read it.
    """
    require_file(path)
    try:
        content = loadmat(path)
    except Exception as error:  # scipy raises nearly everything on a damaged file
        raise DatasetError(
            f"{path} is not a MATLAB file that scipy reads (save it as version 7, not 7.3): "
            f"{one_line(error)}"
        ) from error
    return Record(path, "", {k: v for k, v in content.items() if not k.startswith("__")})
