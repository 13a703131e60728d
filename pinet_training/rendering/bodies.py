"""Rest bodies of many builds, kept in one file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pinet_ros.cli.predictions.records import Record, read_arrays
from pinet_ros.errors import DatasetError, PinetError
from pinet_training.datasets.scenes import SPLITS

_STEP = 2.5e-5  # metres: what a vertex' distance from the template's is a multiple of in a file

# What a file holds: kind of values, and the shape by the letters of Bodies.
_ARRAYS: dict[str, tuple[type, str]] = {
    "vertex_steps": (np.int16, "NV3"),
    "bone_heads": (np.float32, "NB3"),
    "template_vertices": (np.float32, "V3"),
    "template_bone_heads": (np.float32, "B3"),
    "weights": (np.float32, "VB"),
    "faces": (np.int32, "F3"),
    "labels": (np.str_, "B"),
    "parents": (np.int32, "B"),
    "splits": (np.str_, "N"),
}


class BodiesError(PinetError):
    """Bodies that cannot be made or read."""


@dataclass(frozen=True, eq=False)
class Bodies:
    """Bodies at rest (standing, arms half lowered, facing -y) in the body frame.

    Attributes:
        vertices: (N,V,3) float32 metres.
        bone_heads: (N,B,3) float32 metres, where each bone begins.
        template_vertices: (V,3) float32 of the medium body.
        template_bone_heads: (B,3) float32 of the medium body.
        weights: (V,B) float32, how far each vertex goes with each bone; they sum to 1.
        faces: (F,3) int32, counterclockwise from outside.
        labels: (B,) names of the bones, as Anny has them.
        parents: (B,) int32, before their children; -1 for the root.
        splits: (N,) "train" or "test".
    """

    vertices: np.ndarray
    bone_heads: np.ndarray
    template_vertices: np.ndarray
    template_bone_heads: np.ndarray
    weights: np.ndarray
    faces: np.ndarray
    labels: np.ndarray
    parents: np.ndarray
    splits: np.ndarray

    def __len__(self) -> int:
        return len(self.vertices)

    def part(self, split: str) -> Bodies:
        """The bodies of one split.

        Raises:
            BodiesError: there is none.
        """
        wanted = self.splits == split
        if not wanted.any():
            raise BodiesError(
                f"no body is in split {split!r}; there are {', '.join(np.unique(self.splits))}"
            )
        return replace(
            self,
            vertices=self.vertices[wanted],
            bone_heads=self.bone_heads[wanted],
            splits=self.splits[wanted],
        )

    def save(self, file: Path | BinaryIO) -> None:
        """Write a compressed .npz; vertices are rounded to within 0.02 mm.

        Raises:
            BodiesError: a vertex is too far from the template's to be written.
        """
        steps = np.rint((self.vertices - self.template_vertices) / _STEP)
        if np.abs(steps).max() > np.iinfo(np.int16).max:
            raise BodiesError(
                "a vertex is more than 0.8 m from the template's; is the body in metres?"
            )
        arrays = {name: value for name, value in vars(self).items() if name != "vertices"}
        np.savez_compressed(file, vertex_steps=steps.astype(np.int16), **arrays)

    @classmethod
    def load(cls, path: Path) -> Bodies:
        """Read what `save` wrote.

        Raises:
            BodiesError: no such file, or it is something else.
        """
        try:
            arrays = _checked(read_arrays(Path(path), _ARRAYS))
        except DatasetError as error:
            raise BodiesError(
                f"{error}; give a file that Bodies.save wrote, or remove this one to have the "
                "bodies made anew"
            ) from error
        steps = arrays.pop("vertex_steps")
        # in the template's type, so that what is kept is float32
        vertices = arrays["template_vertices"] + steps * np.float32(_STEP)
        return cls(vertices=vertices, **arrays)


def _checked(file: Record) -> dict[str, np.ndarray]:
    """The arrays of a file of bodies, if they belong together.

    Raises:
        DatasetError: they do not.
    """
    sizes = {"3": 3}
    for name, (kind, dimensions) in _ARRAYS.items():
        array = np.asarray(file[name])
        for dimension, size in zip(dimensions, array.shape, strict=False):
            sizes.setdefault(dimension, size)
        wanted = tuple(sizes.get(dimension, -1) for dimension in dimensions)
        if array.shape != wanted or not array.size or not np.issubdtype(array.dtype, kind):
            raise file.error(
                f"{name} must be ({','.join(dimensions)}) {kind.__name__}, with sizes that fit "
                f"the other arrays, got {array.shape} {array.dtype}"
            )
    _require_consistent(file, sizes["V"])
    return file.fields


def _require_consistent(file: Record, vertex_count: int) -> None:
    parents, faces = file["parents"], file["faces"]
    numbers = np.arange(len(parents))
    unknown = sorted({*file["splits"].tolist()} - {*SPLITS})
    problems = {
        "the coordinates and weights must be finite": not all(
            np.isfinite(file[name]).all()
            for name, (kind, _) in _ARRAYS.items()
            if kind is np.float32
        ),
        "faces must be of its vertices": faces.min() < 0 or faces.max() >= vertex_count,
        "parents must come before their children": ((parents < -1) | (parents >= numbers)).any(),
        f"splits must be {' or '.join(SPLITS)}, got {', '.join(unknown)}": bool(unknown),
    }
    for problem, there in problems.items():
        if there:
            raise file.error(problem)
