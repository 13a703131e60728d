"""Rest bodies of many builds, drawn from the parametric model Anny.

Anny (Brégier et al., ECCV 2026; package `anny`, code Apache-2.0) blends MakeHuman's meshes, which
MPFB2 gives out as CC0 1.0. Only its own topology and rig are used here: the topologies "smplx" and
"smpl" are of data for non-commercial use that it would download, and "soma" is of another project.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from pinet_training.rendering.bodies import Bodies, BodiesError

_BATCH = 16
_DENSITY = 980.0  # kg/m^3
_CHILDREN = 0.08  # of the people
_MASS_INDEX = (16.0, 38.0)  # kg/m^2 of plausible adults; children's may be lower
_MASS_INDEX_CHILD = (12.5, 28.0)


def make_bodies(train: int, test: int, seed: int) -> Bodies:
    """Draw bodies of a plausible population: 8 % children, statures of adults 1.70 +- 0.12 m.

    Takes some two minutes, however few they are, and 1 GB of temporary files.

    Args:
        train, test: how many of each split; the splits are drawn apart.
        seed: decides every body; more bodies of a seed begin with the same ones.

    Raises:
        BodiesError: the package anny is not installed.
    """
    counts = {"train": train, "test": test}
    with _anny_model() as model:
        drawn = [
            _draw_bodies(model, count, np.random.default_rng([seed, order]))
            for order, count in enumerate(counts.values())
        ]
        template = _rest(model, {name: np.array([0.5]) for name in model.phenotype_labels})
    vertices, bone_heads = (np.concatenate(arrays) for arrays in zip(*drawn, strict=True))
    labels = np.array(model.bone_labels)
    weights = np.zeros((vertices.shape[1], len(labels)), np.float32)
    indices, values = model.vertex_bone_indices.numpy(), model.vertex_bone_weights.numpy()
    np.add.at(weights, (np.arange(len(weights))[:, None], indices), values)
    bodies = Bodies(
        vertices=vertices,
        bone_heads=bone_heads,
        template_vertices=template[0][0],
        template_bone_heads=template[1][0],
        weights=weights,
        faces=model.faces.numpy().astype(np.int32),
        labels=labels,
        parents=np.array(model.bone_parents, np.int32),
        splits=np.repeat(list(counts), list(counts.values())),
    )
    return _without_cavities(bodies)


@contextmanager
def _anny_model() -> Iterator[Any]:
    """The model, while its intermediate files (1 GB, not needed later) exist."""
    try:
        import anny
        import anny.paths
    except ImportError as error:
        raise BodiesError(
            "bodies are made by the package anny; install it: pip install 'pinet_ros[render]'"
        ) from error
    before = anny.paths.get_anny_cache_path()
    with tempfile.TemporaryDirectory(prefix="anny_") as folder:
        anny.paths.set_anny_cache_path(folder)
        try:
            # compacting the blend shapes would pay off for far more bodies only
            model = anny.Anny(
                rig="anny",
                topology="anny",
                phenotypes="all",
                phenotype_blendshapes="original",
                skinning_method="lbs",
            )
            yield model.to(dtype=torch.float32)
        finally:
            anny.paths.set_anny_cache_path(before)


def _rest(model: Any, phenotypes: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (N,V,3) and bone heads (N,B,3) of bodies described by phenotypes (N,) each."""
    count = len(phenotypes["age"])
    posture = torch.eye(4).repeat(count, model.bone_count, 1, 1)
    values = {name: torch.tensor(v, dtype=torch.float32) for name, v in phenotypes.items()}
    with torch.no_grad():
        output = model(pose_parameters=posture, phenotype_kwargs=values)
    return tuple(
        output[name].expand(count, -1, -1).numpy() for name in ("rest_vertices", "rest_bone_heads")
    )


def _draw_bodies(
    model: Any, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (count,V,3) and bone heads (count,B,3) of plausible bodies."""
    faces = model.faces.numpy()
    kept_vertices = [np.zeros((0, len(model.template_vertices), 3), np.float32)]
    kept_heads = [np.zeros((0, model.bone_count, 3), np.float32)]
    missing = count
    while missing > 0:
        phenotypes, stature = _draw_phenotypes(rng)
        # stature is a linear function of the phenotype height as long as all else stays
        low, high = (
            np.ptp(_rest(model, phenotypes | {"height": np.full(_BATCH, end)})[0][..., 2], axis=1)
            for end in (0.0, 1.0)
        )
        phenotypes["height"] = np.clip((stature - low) / (high - low), 0.05, 0.95)
        vertices, heads = _rest(model, phenotypes)
        plausible = _plausible(vertices, faces, phenotypes["age"] < 0.5, stature)
        kept_vertices.append(vertices[plausible][:missing])
        kept_heads.append(heads[plausible][:missing])
        missing -= len(kept_vertices[-1])
    return np.concatenate(kept_vertices), np.concatenate(kept_heads)


def _draw_phenotypes(rng: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Anny's phenotypes (each from 0 to 1) but height, of a batch, and statures (metres).

    Of ages, 1/3 is a child, 2/3 grown up, 1 old; of genders, 0 is male and 1 female.
    """
    child = rng.random(_BATCH) < _CHILDREN
    age = np.where(child, rng.uniform(0.33, 0.5, _BATCH), rng.uniform(0.58, 0.95, _BATCH))
    female = rng.random(_BATCH) < 0.5
    gender = np.abs(female - np.abs(rng.normal(0, 0.12, _BATCH)).clip(max=0.5))
    ancestry = dict(
        zip(("african", "asian", "caucasian"), rng.dirichlet([0.5] * 3, _BATCH).T, strict=True)
    )
    # most people are near the middle of how heavy and how muscular people are
    middling = {name: rng.beta(2.2, 2.2, _BATCH) for name in ("muscle", "weight")}
    others = ("proportions", "cupsize", "firmness")
    free = {name: rng.uniform(0.1, 0.9, _BATCH) for name in others}
    stature = 1.77 - 0.13 * gender + rng.normal(0, 0.1, _BATCH)
    grown = np.interp(age, [1 / 3, 2 / 3], [0.75, 1]) * child + ~child
    return {"age": age, "gender": gender} | ancestry | middling | free, stature * grown


def _plausible(
    vertices: np.ndarray, faces: np.ndarray, child: np.ndarray, stature: np.ndarray
) -> np.ndarray:
    """Which (N,) of the bodies (N,V,3) have the stature wanted and a weight that people have."""
    tall = np.ptp(vertices[..., 2], axis=1)
    first, second, third = (vertices[:, faces[:, corner]] for corner in range(3))
    volume = np.einsum("nfi,nfi->n", first, np.cross(second, third)) / 6
    mass_index = _DENSITY * volume / tall**2
    low, high = np.where(child[:, None], _MASS_INDEX_CHILD, _MASS_INDEX).T
    return (np.abs(tall - stature) < 0.05) & (mass_index > low) & (mass_index < high)


def _without_cavities(bodies: Bodies) -> Bodies:
    """The bodies without what nobody sees: tongue, teeth and the mouth's inside."""
    head = bodies.weights.argmax(axis=1) == list(bodies.labels).index("head")
    outside = ~head | _seen(bodies.template_vertices, bodies.faces)
    faces = bodies.faces[outside[bodies.faces].all(axis=1)]
    kept = np.isin(np.arange(len(head)), faces)
    number = np.cumsum(kept) - 1
    return replace(
        bodies,
        vertices=bodies.vertices[:, kept],
        template_vertices=bodies.template_vertices[kept],
        weights=bodies.weights[kept],
        faces=number[faces].astype(np.int32),
    )


def _seen(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Which (V,) vertices are in sight from any of 120 directions, by depth images of points."""
    rng = np.random.default_rng(0)
    cell, slack = 0.004, 0.003  # metres: a pixel, and how far behind the surface still counts
    parts = [(i / 6, j / 6, 1 - (i + j) / 6) for i in range(7) for j in range(7 - i)]
    points = np.einsum("kc,fcd->fkd", np.array(parts), vertices[faces]).reshape(-1, 3)
    size = int(2 * np.linalg.norm(vertices, axis=1).max() / cell) + 2
    seen = np.zeros(len(vertices), bool)
    for _ in range(120):
        axes = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        nearest = np.full(size * size, np.inf)
        np.minimum.at(nearest, _pixel(points @ axes, cell, size), points @ axes[:, 2])
        turned = vertices @ axes
        seen |= turned[:, 2] <= nearest[_pixel(turned, cell, size)] + slack
    return seen


def _pixel(points: np.ndarray, cell: float, size: int) -> np.ndarray:
    column, row = np.floor(points[:, :2] / cell).astype(int).T + size // 2
    return row * size + column
