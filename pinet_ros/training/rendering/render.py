"""Rendering a data set: its scenes in shards, by several processes, each scene by its seed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pinet_ros.models.cache import sha256_of
from pinet_ros.training.datasets.scenes import SPLITS
from pinet_ros.training.processes import run_in_processes
from pinet_ros.training.rendering.backgrounds import Backgrounds
from pinet_ros.training.rendering.bodies import Bodies
from pinet_ros.training.rendering.motion import Motions
from pinet_ros.training.rendering.renderer import Renderer
from pinet_ros.training.rendering.rig import Rig
from pinet_ros.training.rendering.shards import RenderedScenes
from pinet_ros.training.rendering.stage import Shot, Stage

_PER_SHARD = 50
_TEST_EVERY = 8  # one scene in so many is for testing


@dataclass(frozen=True)
class Ingredients:
    """What scenes are made of.

    Attributes:
        motion: file or folder of motion capture, see `load_clips`.
        bodies: file of bodies, see `Bodies.load`.
        backgrounds: folder of pictures, None for made ones.
        width, height: of the pictures, pixels.
        seed: of all that is random.
    """

    motion: Path
    bodies: Path
    backgrounds: Path | None
    width: int
    height: int
    seed: int


def render_scenes(
    folder: Path, ingredients: Ingredients, scenes: int, workers: int
) -> RenderedScenes:
    """Render a data set, or the shards that it lacks; scenes are rounded up to whole shards.

    The scenes of a shard do not depend on how many there are: a larger number goes on with the
    same data set. One in eight is for testing, with bodies, clips of motion and backgrounds that
    no other scene has.

    Raises:
        PinetError: an ingredient cannot be used, OpenGL is missing, or the folder holds scenes
            that were made of others.
    """
    rendered = RenderedScenes.begin(folder, _settings(ingredients))
    missing = rendered.missing_shards(-(-scenes // _PER_SHARD))
    run_in_processes(
        _render_shard,
        [(number,) for number in missing],
        workers=workers,
        set_up=_set_up,
        shared=(rendered.folder, ingredients),
        unit="shard",
    )
    return rendered


def _settings(ingredients: Ingredients) -> dict[str, object]:
    backgrounds = ingredients.backgrounds
    return {
        "seed": ingredients.seed,
        "size": [ingredients.width, ingredients.height],
        "scenes_per_shard": _PER_SHARD,
        "motion": _digest(ingredients.motion),
        "bodies": _digest(ingredients.bodies),
        "backgrounds": None if backgrounds is None else _digest(backgrounds),
    }


def _digest(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of a folder's files."""
    if path.is_file():
        return sha256_of(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    lines = [f"{file.relative_to(path)} {sha256_of(file)}" for file in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


# What every process holds: the data set, its seed, and a stage for each split.
_rendered: RenderedScenes
_seed: int
_stages: dict[str, Stage]


def _set_up(folder: Path, ingredients: Ingredients) -> None:
    global _rendered, _seed, _stages
    os.environ.setdefault("LP_NUM_THREADS", "1")  # of Mesa's renderer on the CPU
    cv2.setNumThreads(1)
    _rendered, _seed = RenderedScenes(folder), ingredients.seed
    renderer = Renderer(ingredients.width, ingredients.height)
    bodies = Bodies.load(ingredients.bodies)
    _stages = {
        split: Stage(
            Rig(bodies.part(split)),
            Motions.load(ingredients.motion, split),
            Backgrounds.load(ingredients.backgrounds, split),
            renderer,
        )
        for split in SPLITS
    }


def _render_shard(number: int) -> None:
    scenes = range(number * _PER_SHARD, (number + 1) * _PER_SHARD)
    splits = ["test" if scene % _TEST_EVERY == 0 else "train" for scene in scenes]
    shots = [
        _stages[split].shoot(np.random.default_rng([_seed, scene]))
        for scene, split in zip(scenes, splits, strict=True)
    ]
    truth = {"scene_split": np.array(splits), **_gathered(shots)}
    _rendered.write(number, [(shot.image, shot.quality) for shot in shots], truth)


def _gathered(shots: Sequence[Shot]) -> dict[str, np.ndarray]:
    """The arrays of TRUTH of some scenes and of their people."""
    counts = [len(shot.people["person_body"]) for shot in shots]
    scene = {name: np.array([shot.scene[name] for shot in shots]) for name in shots[0].scene}
    people = {
        name: np.concatenate([shot.people[name] for shot in shots]) for name in shots[0].people
    }
    return {**scene, **people, "person_scene": np.repeat(range(len(shots)), counts)}
