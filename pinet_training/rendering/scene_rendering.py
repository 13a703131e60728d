"""Renders a data set: shards of scenes in several processes, each scene from its own seed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pinet_ros.errors import DatasetError, PinetError
from pinet_ros.models.cache import sha256_of
from pinet_training.datasets.scene_fields import SPLITS
from pinet_training.datasets.visible_files import visible_files
from pinet_training.rendering.backgrounds import Backgrounds
from pinet_training.rendering.bodies import Bodies
from pinet_training.rendering.motion import Motions
from pinet_training.rendering.renderer import Renderer
from pinet_training.rendering.rig import Rig
from pinet_training.rendering.sequence_stage import SequenceStage
from pinet_training.rendering.shards import RenderedScenes
from pinet_training.rendering.snapshot import Shot
from pinet_training.rendering.stage import Stage
from pinet_training.runs.processes import run_in_processes

# Version of the generator: increased whenever the same seed and ingredients give other bodies or
# images.
GENERATOR = 4

_PER_SHARD = 50  # scenes, or about as many frames of sequences
_TEST_EVERY = 8  # every eighth scene or sequence is in the test split


@dataclass(frozen=True)
class Ingredients:
    """Everything that scenes are generated from.

    Attributes:
        motion: file or folder of motion capture, see `load_clips`.
        bodies: file of bodies, see `Bodies.load`.
        backgrounds: folder of images; None for generated backgrounds.
        width, height: size of the rendered images, pixels.
        seed: of all random choices, 0 or more.
        frames: of each sequence; 1 for single scenes.
        rate: frames per second of sequences.
    """

    motion: Path
    bodies: Path
    backgrounds: Path | None
    width: int
    height: int
    seed: int
    frames: int = 1
    rate: float = 30.0

    @property
    def per_shard(self) -> int:
        """How many scenes or sequences a shard has."""
        return max(1, _PER_SHARD // self.frames)


def render_scenes(
    folder: Path, ingredients: Ingredients, scenes: int, workers: int
) -> RenderedScenes:
    """Render a data set, or the shards that are missing from it.

    With several frames, each scene is a sequence of so many. A scene does not depend on how many
    scenes there are: a larger number adds shards to the same data set. One scene in eight is in
    the test split. Bodies, motion clips and background images of this split are not used in the
    train split.

    Args:
        folder: of the data set.
        ingredients: what to generate the scenes from.
        scenes: how many scenes or sequences, rounded up to whole shards. Shards have 50 scenes,
            and sequences have a shard each if they are longer than half of that.
        workers: number of processes.

    Returns:
        The data set.

    Raises:
        PinetError: an ingredient cannot be used, OpenGL is not available, the folder contains
            scenes made from other ingredients, or a scene has no person in the image.
    """
    settings = _settings(ingredients)
    _require_usable(ingredients)  # before anything is written
    motions = Motions.load(ingredients.motion)
    rendered = RenderedScenes.begin(folder, settings)
    missing = rendered.missing_shards(-(-scenes // ingredients.per_shard))
    run_in_processes(
        _render_shard,
        [(number,) for number in missing],
        workers=workers,
        set_up=_set_up,
        shared=(rendered, ingredients, motions),
        unit="shard",
        names=missing,
    )
    return rendered


def require_ingredient(path: Path) -> None:
    """Check that a file or folder exists.

    Raises:
        DatasetError: it does not exist.
    """
    if not path.exists():
        raise DatasetError(f"there is no file or folder {path}; check the path")


def _require_usable(ingredients: Ingredients) -> None:
    """Check that bodies and backgrounds of both splits can be loaded and read."""
    bodies = Bodies.load(ingredients.bodies)
    for split in SPLITS:
        bodies.part(split)
        Backgrounds.load(ingredients.backgrounds, split).require_readable()


def _settings(ingredients: Ingredients) -> dict[str, object]:
    backgrounds = ingredients.backgrounds
    return {
        "generator": GENERATOR,
        "seed": ingredients.seed,
        "size": [ingredients.width, ingredients.height],
        "scenes_per_shard": ingredients.per_shard,
        "frames": ingredients.frames,
        "rate": ingredients.rate if ingredients.frames > 1 else None,
        "motion": _digest(ingredients.motion),
        "bodies": _digest(ingredients.bodies),
        "backgrounds": None if backgrounds is None else _digest(backgrounds),
    }


def _digest(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of a folder's visible files."""
    require_ingredient(path)
    if path.is_file():
        return sha256_of(path)
    lines = [f"{file.relative_to(path)} {sha256_of(file)}" for file in visible_files(path)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class _Studio:
    """The state of a worker process.

    Attributes:
        rendered: the data set.
        ingredients: what it is generated from.
        stages: by split.
    """

    rendered: RenderedScenes
    ingredients: Ingredients
    stages: dict[str, Stage | SequenceStage]


def _set_up(
    rendered: RenderedScenes, ingredients: Ingredients, motions: dict[str, Motions]
) -> _Studio:
    os.environ.setdefault("LP_NUM_THREADS", "1")  # of Mesa's renderer on the CPU
    cv2.setNumThreads(1)
    renderer = Renderer(ingredients.width, ingredients.height)
    bodies = Bodies.load(ingredients.bodies)
    stages: dict[str, Stage | SequenceStage] = {}
    for split in SPLITS:
        rig, backgrounds = (
            Rig(bodies.part(split)),
            Backgrounds.load(ingredients.backgrounds, split),
        )
        if ingredients.frames == 1:
            stages[split] = Stage(rig, motions[split], backgrounds, renderer)
        else:
            stages[split] = SequenceStage(
                rig, motions[split], backgrounds, renderer, ingredients.frames, ingredients.rate
            )
    return _Studio(rendered, ingredients, stages)


def _render_shard(studio: _Studio, number: int) -> None:
    if number in studio.rendered.shards():
        return  # another run has rendered it in the meantime
    per_shard, frames = studio.ingredients.per_shard, studio.ingredients.frames
    scenes = np.arange(number * per_shard, (number + 1) * per_shard)
    splits = np.where(scenes % _TEST_EVERY == 0, "test", "train")
    shots = [
        shot
        for scene, split in zip(scenes.tolist(), splits.tolist(), strict=True)
        for shot in _shoot(studio, scene, split)
    ]
    numbers = np.tile(np.arange(frames), per_shard)
    truth = {
        "scene_split": np.repeat(splits, frames),
        "scene_sequence": np.repeat(scenes, frames),
        "scene_frame": numbers,
        "scene_time": numbers / studio.ingredients.rate,
        **_gathered(shots),
    }
    studio.rendered.write(number, [(shot.image, shot.quality) for shot in shots], truth)


def _shoot(studio: _Studio, scene: int, split: str) -> list[Shot]:
    """The frames of a sequence, or the single one of a scene."""
    rng = np.random.default_rng([studio.ingredients.seed, scene])
    try:
        shots = studio.stages[split].shoot(rng)
    except RuntimeError as error:
        raise PinetError(
            f"scene {scene} cannot be made: {error}; choose another seed, or a common image size "
            "such as 640x480"
        ) from error
    return [shots] if isinstance(shots, Shot) else shots


def _gathered(shots: Sequence[Shot]) -> dict[str, np.ndarray]:
    """The shots' rows of TRUTH, of scenes and of people, as arrays."""
    counts = [len(shot.people["person_body"]) for shot in shots]
    scene = {name: np.array([shot.scene[name] for shot in shots]) for name in shots[0].scene}
    people = {
        name: np.concatenate([shot.people[name] for shot in shots]) for name in shots[0].people
    }
    return {**scene, **people, "person_scene": np.repeat(range(len(shots)), counts)}
