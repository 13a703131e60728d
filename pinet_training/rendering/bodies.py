"""Bodies of many builds at rest, stored in one .npz file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pinet_ros.cli.predictions.records import Record, read_arrays
from pinet_ros.errors import DatasetError, PinetError
from pinet_training.datasets.scene_fields import SPLITS

_STEP = 2.5e-5  # metres: resolution of the vertices' offsets from the template in a file

# Arrays of a file: type of the values, and the shape in the letters of Bodies.
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
    """Bodies that cannot be made, read or written."""


@dataclass(frozen=True, eq=False)
class Bodies:
    """N bodies at rest (standing, arms half lowered, facing -y) in the body frame.

    The body frame has x to the person's left, y to the back and z up.

    Attributes:
        vertices: (N,V,3) float32 metres.
        bone_heads: (N,B,3) float32 metres, where each bone starts.
        template_vertices: (V,3) float32 metres, of the medium body.
        template_bone_heads: (B,3) float32 metres, of the medium body.
        weights: (V,B) float32 skinning weights: how much each vertex follows each bone. Those of a
            vertex sum to 1.
        faces: (F,3) int32 vertices of each triangle, counterclockwise from outside.
        labels: (B,) names of the bones, those of Anny.
        parents: (B,) int32, index of each bone's parent, which comes before it; -1 for the root.
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
        """Select the bodies of one split.

        Args:
            split: "train" or "test".

        Raises:
            BodiesError: the split has no bodies.
        """
        chosen = self.splits == split
        if not chosen.any():
            raise BodiesError(
                f"split {split!r} has no bodies; choose one of {', '.join(np.unique(self.splits))}"
            )
        return replace(
            self,
            vertices=self.vertices[chosen],
            bone_heads=self.bone_heads[chosen],
            splits=self.splits[chosen],
        )

    def save(self, file: Path | BinaryIO) -> None:
        """Write a compressed .npz file; vertices are rounded to within 0.02 mm.

        Args:
            file: path or binary stream to write to.

        Raises:
            BodiesError: a vertex is too far from the template's to be stored.
        """
        steps = np.rint((self.vertices - self.template_vertices) / _STEP)
        if np.abs(steps).max() > np.iinfo(np.int16).max:
            raise BodiesError(
                "a vertex is more than 0.8 m from the template's; are the bodies in metres?"
            )
        arrays = {name: value for name, value in vars(self).items() if name != "vertices"}
        np.savez_compressed(file, vertex_steps=steps.astype(np.int16), **arrays)

    @classmethod
    def load(cls, path: Path) -> Bodies:
        """Read a file written by `save`.

        Raises:
            BodiesError: the file is missing, damaged, or not a file of bodies.
        """
        try:
            arrays = _checked(read_arrays(Path(path), _ARRAYS))
        except DatasetError as error:
            raise BodiesError(
                f"{error}; give a file written by Bodies.save, or remove this one to make the "
                "bodies again"
            ) from error
        steps = arrays.pop("vertex_steps")
        # with a step of the template's type, so that the vertices are float32
        vertices = arrays["template_vertices"] + steps * np.float32(_STEP)
        return cls(vertices=vertices, **arrays)


def _checked(file: Record) -> dict[str, np.ndarray]:
    """The arrays of a file of bodies, after checking that they fit together.

    Raises:
        DatasetError: an array is missing or does not match the others.
    """
    sizes = {"3": 3}
    for name, (kind, dimensions) in _ARRAYS.items():
        array = np.asarray(file[name])
        for dimension, size in zip(dimensions, array.shape, strict=False):
            sizes.setdefault(dimension, size)
        expected = tuple(sizes.get(dimension, -1) for dimension in dimensions)
        if array.shape != expected or not array.size or not np.issubdtype(array.dtype, kind):
            raise file.error(
                f"{name} must be ({','.join(dimensions)}) {kind.__name__}, with sizes that match "
                f"the other arrays, got {array.shape} {array.dtype}"
            )
    _require_consistent(file, sizes["V"])
    return file.fields


def _require_consistent(file: Record, vertex_count: int) -> None:
    parents, faces = file["parents"], file["faces"]
    numbers = np.arange(len(parents))
    unknown = sorted({*file["splits"].tolist()} - {*SPLITS})
    problems = {
        "coordinates and weights must be finite": not all(
            np.isfinite(file[name]).all()
            for name, (kind, _) in _ARRAYS.items()
            if kind is np.float32
        ),
        f"faces must be from 0 to {vertex_count - 1}, got {faces.min()} to {faces.max()}": (
            faces.min() < 0 or faces.max() >= vertex_count
        ),
        "parents must come before their children": ((parents < -1) | (parents >= numbers)).any(),
        f"splits must be {' or '.join(SPLITS)}, got {', '.join(unknown)}": bool(unknown),
    }
    for problem, found in problems.items():
        if found:
            raise file.error(problem)
