"""Rest bodies of many builds, sampled from the parametric body model Anny.

Anny (Brégier et al., ECCV 2026; package `anny`, code Apache-2.0) blends MakeHuman's meshes, which
MPFB2 publishes under CC0 1.0. Only Anny's own topology and rig are used here: the topologies
"smplx" and "smpl" need data that it would download and that is licensed for non-commercial use
only, and "soma" comes from another project.
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
_CHILDREN = 0.15  # share of the people
_YEARS = (3.0, 16.0)  # of the children
# Age in years and phenotype: the model's own ages are a baby at 0, a child of 10 years at 1/3 and
# an adult of 25 years at 2/3.
_AGES = ((1.0, 10.0, 16.0, 25.0), (0.0, 1 / 3, 0.54, 2 / 3))
# Median stature in metres by age in years (WHO growth standard and reference, girls and boys).
_GROWTH = ((3, 5, 8, 10, 12, 14, 16), (0.955, 1.095, 1.27, 1.38, 1.50, 1.61, 1.68))
_MASS_INDEX = (16.0, 38.0)  # kg/m^2: lowest and highest plausible body mass index of adults
_MASS_INDEX_CHILD = (12.5, 28.0)  # of children it may be lower


def make_bodies(train: int, test: int, seed: int) -> Bodies:
    """Sample bodies of a plausible population: 15 % children from 3 to 16 years, statures of
    adults 1.70 +- 0.12 m.

    Takes about two minutes, even for a few bodies, and 1 GB of temporary files.

    Args:
        train, test: number of bodies of each split; the splits are sampled independently.
        seed: decides every body; a split with more bodies starts with the same ones.

    Returns:
        The bodies, those of the train split first.

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
    """The model, usable inside the context; removes its intermediate files (1 GB) at the end."""
    try:
        import anny
        import anny.paths
    except ImportError as error:
        raise BodiesError(
            "making bodies needs the package anny; install it: pip install 'pinet_ros[render]'"
        ) from error
    before = anny.paths.get_anny_cache_path()
    with tempfile.TemporaryDirectory(prefix="anny_") as folder:
        anny.paths.set_anny_cache_path(folder)
        try:
            # compacting the blend shapes only pays off for many more bodies
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
    """Vertices (N,V,3) and bone heads (N,B,3), metres, of bodies with phenotypes (N,)."""
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
    """Vertices (count,V,3) and bone heads (count,B,3), metres, of random plausible bodies."""
    faces = model.faces.numpy()
    kept_vertices = [np.zeros((0, len(model.template_vertices), 3), np.float32)]
    kept_heads = [np.zeros((0, model.bone_count, 3), np.float32)]
    missing = count
    while missing > 0:
        phenotypes, stature, child = _draw_phenotypes(rng)
        # stature is linear in the phenotype height while the other phenotypes are constant
        low, high = (
            np.ptp(_rest(model, phenotypes | {"height": np.full(_BATCH, end)})[0][..., 2], axis=1)
            for end in (0.0, 1.0)
        )
        phenotypes["height"] = np.clip((stature - low) / (high - low), 0.05, 0.95)
        vertices, heads = _rest(model, phenotypes)
        plausible = _plausible(vertices, faces, child, stature)
        kept_vertices.append(vertices[plausible][:missing])
        kept_heads.append(heads[plausible][:missing])
        missing -= len(kept_vertices[-1])
    return np.concatenate(kept_vertices), np.concatenate(kept_heads)


def _draw_phenotypes(
    rng: np.random.Generator,
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Phenotypes of a batch, each from 0 to 1, without height; statures in metres; who is a child.

    An age of 1/3 is a child, 2/3 an adult, 1 an old person; a gender of 0 is male, 1 female.
    """
    child = rng.random(_BATCH) < _CHILDREN
    years = rng.uniform(*_YEARS, _BATCH)
    age = np.where(child, np.interp(years, *_AGES), rng.uniform(0.58, 0.95, _BATCH))
    female = rng.random(_BATCH) < 0.5
    gender = np.abs(female - np.abs(rng.normal(0, 0.12, _BATCH)).clip(max=0.5))
    ancestry = dict(
        zip(("african", "asian", "caucasian"), rng.dirichlet([0.5] * 3, _BATCH).T, strict=True)
    )
    # most people have a medium weight and musculature
    build = {name: rng.beta(2.2, 2.2, _BATCH) for name in ("muscle", "weight")}
    others = ("proportions", "cupsize", "firmness")
    free = {name: rng.uniform(0.1, 0.9, _BATCH) for name in others}
    stature = 1.77 - 0.13 * gender + rng.normal(0, 0.1, _BATCH)
    young = np.interp(years, *_GROWTH) * rng.normal(1, 0.045, _BATCH)
    phenotypes = {"age": age, "gender": gender} | ancestry | build | free
    return phenotypes, np.where(child, young, stature), child


def _plausible(
    vertices: np.ndarray, faces: np.ndarray, child: np.ndarray, stature: np.ndarray
) -> np.ndarray:
    """Which (N,) of the bodies (N,V,3) have the requested stature and a realistic mass index."""
    height = np.ptp(vertices[..., 2], axis=1)
    first, second, third = (vertices[:, faces[:, corner]] for corner in range(3))
    volume = np.einsum("nfi,nfi->n", first, np.cross(second, third)) / 6
    mass_index = _DENSITY * volume / height**2
    low, high = np.where(child[:, None], _MASS_INDEX_CHILD, _MASS_INDEX).T
    return (np.abs(height - stature) < 0.05) & (mass_index > low) & (mass_index < high)


def _without_cavities(bodies: Bodies) -> Bodies:
    """The bodies without the parts that are never seen: tongue, teeth, inside of the mouth."""
    head = bodies.weights.argmax(axis=1) == list(bodies.labels).index("head")
    outside = ~head | _visible(bodies.template_vertices, bodies.faces)
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


def _visible(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Which (V,) vertices are seen from at least one of 120 directions, by depth images."""
    rng = np.random.default_rng(0)
    cell, slack = 0.004, 0.003  # metres: a pixel, and the depth tolerance behind the surface
    parts = [(i / 6, j / 6, 1 - (i + j) / 6) for i in range(7) for j in range(7 - i)]
    points = np.einsum("kc,fcd->fkd", np.array(parts), vertices[faces]).reshape(-1, 3)
    size = int(2 * np.linalg.norm(vertices, axis=1).max() / cell) + 2
    visible = np.zeros(len(vertices), bool)
    for _ in range(120):
        axes = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        nearest = np.full(size * size, np.inf)
        np.minimum.at(nearest, _pixel(points @ axes, cell, size), points @ axes[:, 2])
        rotated = vertices @ axes
        visible |= rotated[:, 2] <= nearest[_pixel(rotated, cell, size)] + slack
    return visible


def _pixel(points: np.ndarray, cell: float, size: int) -> np.ndarray:
    """Index of the pixel that each of the points (N,3) falls into, in a square depth image."""
    column, row = np.floor(points[:, :2] / cell).astype(int).T + size // 2
    return row * size + column
