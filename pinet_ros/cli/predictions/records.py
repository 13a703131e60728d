"""Files of data sets, read with errors that name what is wrong."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pinet_ros.errors import DatasetError

_INT32 = np.iinfo(np.int32)


@dataclass(frozen=True)
class Record:
    """One object of a file, whose fields are read with errors that name it.

    Attributes:
        path: the file.
        name: of the object in that file, "" for the file itself.
        fields: as they were read.
    """

    path: Path
    name: str
    fields: dict[str, Any]

    def __contains__(self, field: str) -> bool:
        return self.fields.get(field) is not None

    def __getitem__(self, field: str) -> Any:
        """A field that must be there.

        Raises:
            DatasetError: it is not.
        """
        if field not in self:
            raise self.error(f"lacks the field {field!r}")
        return self.fields[field]

    def array(self, field: str, *shape: int | None) -> np.ndarray:
        """A field of numbers as float64, null being NaN; None in the shape is any length.

        Raises:
            DatasetError: it is not there, not of numbers, or of another shape.
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
            wanted = ",".join("any" if n is None else str(n) for n in shape)
            raise self.error(f"{field} must have shape ({wanted}), got {array.shape}")
        return array

    def whole_numbers(
        self, field: str, *shape: int | None, low: int = _INT32.min, high: int = _INT32.max
    ) -> np.ndarray:
        """A field of whole numbers from `low` to `high` as int64, see `array`.

        Raises:
            DatasetError: it is not there, of another shape, or a number is another.
        """
        numbers = self.array(field, *shape)
        fits = (low <= numbers) & (numbers <= high) & (numbers == np.rint(numbers))
        if not fits.all():
            raise self.error(
                f"{field} must be whole and from {low} to {high}, got {numbers[~fits][0]:.15g}"
            )
        return numbers.astype(np.int64)

    def records(self, field: str) -> list[Record]:
        """A field that is a list of objects, each named by its id or else by its place.

        Raises:
            DatasetError: it is not there, or not such a list.
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
        """An error that begins with the file and the object."""
        return DatasetError(": ".join(filter(None, (str(self.path), self.name, problem))))


def read_json(path: Path) -> Record:
    """Read a JSON file whose content is one object.

    Raises:
        DatasetError: there is no such file, or it holds something else.
    """
    require_file(path)
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise DatasetError(f"{path} is not a JSON file: {error}") from error
    if not isinstance(content, dict):
        raise DatasetError(f"{path} must hold a JSON object, got a {type(content).__name__}")
    return Record(path, "", content)


def read_arrays(path: Path, names: Collection[str]) -> Record:
    """Read those arrays of an .npz file that are named.

    Raises:
        DatasetError: there is no such file, NumPy cannot read it, or an array is of objects.
    """
    require_file(path)
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            raise ValueError("it is one array alone, as an .npy file has it")
        with content:
            return Record(path, "", {name: content[name] for name in names if name in content})
    except Exception as error:  # zipfile and NumPy raise nearly everything on a damaged file
        raise DatasetError(f"{path} is not an .npz file that NumPy reads: {error}") from error


def require_file(path: Path) -> None:
    """Raise a DatasetError where there is no such file."""
    if not path.is_file():
        raise DatasetError(f"there is no file {path}")


def as_json(array: np.ndarray, decimals: int) -> list | float | None:
    """An array as JSON has it: rounded, null for NaN."""
    rounded = np.asarray(array, float).round(decimals)
    return np.where(np.isfinite(rounded), rounded, np.array(None, object)).tolist()
