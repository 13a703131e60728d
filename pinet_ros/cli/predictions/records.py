"""Reading of data set files, with errors that name file, object and field."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pinet_ros.errors import DatasetError, one_line

_INT32 = np.iinfo(np.int32)


@dataclass(frozen=True)
class Record:
    """An object in a file; errors about its fields name file and object.

    Attributes:
        path: path of the file.
        name: name of the object in the file; "" for the file itself.
        fields: field values by name.
    """

    path: Path
    name: str
    fields: dict[str, Any]

    def __contains__(self, field: str) -> bool:
        return self.fields.get(field) is not None

    def __getitem__(self, field: str) -> Any:
        """Get a required field.

        Raises:
            DatasetError: it is missing.
        """
        if field not in self:
            raise self.error(f"lacks the field {field!r}")
        return self.fields[field]

    def array(self, field: str, *shape: int | None) -> np.ndarray:
        """Get a field of numbers as float64, with NaN for null.

        Args:
            field: name of the field.
            shape: expected shape; None stands for any length.

        Raises:
            DatasetError: it is missing, does not hold numbers, or has another shape.
        """
        value = self[field]
        try:
            array = np.asarray(value, float)
        except (TypeError, ValueError) as error:
            raise self.error(f"{field} must hold numbers in rows of equal length") from error
        fits = len(shape) == array.ndim and all(
            expected in (None, found) for expected, found in zip(shape, array.shape, strict=True)
        )
        if not fits:
            expected = ",".join("any" if n is None else str(n) for n in shape)
            raise self.error(f"{field} must have shape ({expected}), got {array.shape}")
        return array

    def whole_numbers(
        self, field: str, *shape: int | None, low: int = _INT32.min, high: int = _INT32.max
    ) -> np.ndarray:
        """Get a field of integers from `low` to `high` as int64, see `array`.

        Raises:
            DatasetError: it is missing, has another shape, or a number is not such an integer.
        """
        numbers = self.array(field, *shape)
        fits = (low <= numbers) & (numbers <= high) & (numbers == np.rint(numbers))
        if not fits.all():
            raise self.error(
                f"{field} must hold integers from {low} to {high}, got {numbers[~fits][0]:.15g}"
            )
        return numbers.astype(np.int64)

    def records(self, field: str) -> list[Record]:
        """Get a field that is a list of objects, each named by its id or else by its index.

        Raises:
            DatasetError: it is missing, or not a list of objects.
        """
        value = self[field]
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise self.error(f"{field} must be a list of objects")
        kind = field.removesuffix("s")
        return [
            Record(self.path, f"{kind} {each.get('id', f'number {n}')}", each)
            for n, each in enumerate(value)
        ]

    def error(self, problem: str) -> DatasetError:
        """Create an error whose message starts with the file and the object."""
        about = (str(self.path), one_line(self.name), one_line(problem))
        return DatasetError(": ".join(filter(None, about)))


def read_json(path: Path) -> Record:
    """Read a JSON file that contains an object.

    Raises:
        DatasetError: the file does not exist, or does not contain a JSON object.
    """
    require_file(path)
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:  # the latter where it is nested too deeply
        raise DatasetError(f"{path} is not a JSON file: {error}") from error
    if not isinstance(content, dict):
        raise DatasetError(f"{path} must contain a JSON object, got {type(content).__name__}")
    return Record(path, "", content)


def read_arrays(path: Path, names: Collection[str]) -> Record:
    """Read those of the named arrays that an .npz file contains.

    Raises:
        DatasetError: the file does not exist, NumPy cannot read it, or an array holds objects.
    """
    require_file(path)
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            raise ValueError("it is a single array, as in an .npy file")
        with content:
            return Record(path, "", {name: content[name] for name in names if name in content})
    except Exception as error:  # a damaged file can raise almost any error
        raise DatasetError(
            f"{path} is not an .npz file that NumPy can read: {one_line(error)}"
        ) from error


def require_file(path: Path) -> None:
    """Raise a DatasetError if the file does not exist."""
    if not path.is_file():
        raise DatasetError(f"there is no file {path}")


def as_json(array: np.ndarray, decimals: int) -> list | float | None:
    """Convert an array to values for JSON: rounded, with None (null) for NaN."""
    rounded = np.asarray(array, float).round(decimals)
    return np.where(np.isfinite(rounded), rounded, np.array(None, object)).tolist()
