"""Triangle meshes with colors and patterns, which scenes consist of."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

# Kinds of pattern on a surface, see Mesh.pattern.
PATTERN_PLAIN = 0
PATTERN_STRIPES_ACROSS = 1
PATTERN_STRIPES_ALONG = 2
PATTERN_CHECKS = 3
PATTERN_NOISE = 4
PATTERN_BRICKS = 5
PATTERN_WOOD = 6


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles whose vertices have everything that the renderer needs.

    Attributes:
        vertices: (V,3) float32 metres.
        normals: (V,3) float32 unit vectors, pointing out of the surface.
        faces: (F,3) int32 vertices of each triangle, counterclockwise from outside.
        colors: (V,3) float32 diffuse reflectance, linear RGB, 0 to 1.
        surface: (V,3) float32 metres, the coordinates that patterns are drawn in. Those of a
            person are the template's vertices at rest, so that a pattern sticks to the cloth.
        pattern: (V,2) float32, one of the PATTERN constants and its cycles per metre (0 for
            smooth skin).
    """

    vertices: np.ndarray
    normals: np.ndarray
    faces: np.ndarray
    colors: np.ndarray
    surface: np.ndarray
    pattern: np.ndarray

    def transformed(self, rotation: np.ndarray, translation: np.ndarray) -> Mesh:
        """The mesh rotated by rotation (3,3), then moved by translation (3,), metres."""
        rotation = np.asarray(rotation, np.float32)
        vertices = self.vertices @ rotation.T + np.asarray(translation, np.float32)
        return replace(self, vertices=vertices, normals=self.normals @ rotation.T)


class VertexNormals:
    """Computes the vertex normals of many surfaces that have the same triangles."""

    def __init__(self, faces: np.ndarray, count: int) -> None:
        """Prepare for surfaces of `count` vertices with the triangles `faces` (F,3)."""
        self._faces = np.ascontiguousarray(faces.T)
        around = np.tile(np.arange(len(faces)), 3)
        ones = np.ones(len(around), np.float32)
        self._sum = csr_matrix((ones, (self._faces.ravel(), around)), (count, len(faces)))

    def __call__(self, vertices: np.ndarray) -> np.ndarray:
        """Unit normals (V,3) float32 of vertices (V,3): area-weighted means of their faces."""
        x, y, z = (np.asarray(axis, np.float32)[self._faces] for axis in vertices.T)
        (ax, bx), (ay, by), (az, bz) = (axis[1:] - axis[0] for axis in (x, y, z))
        areas = [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx]
        normals = self._sum @ np.stack(areas, axis=1)
        lengths = np.sqrt(np.einsum("vi,vi->v", normals, normals))
        return normals / np.maximum(lengths, 1e-12)[:, None]
