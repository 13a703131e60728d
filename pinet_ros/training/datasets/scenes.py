"""Scenes: what an estimator gave for people whose true poses are known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pinet_ros.errors import PinetError
from pinet_ros.people import People
from pinet_ros.skeleton import MUPOTS_17
from pinet_ros.training.datasets.errors import DatasetError
from pinet_ros.training.datasets.scene_fields import read_scene_fields

SPLITS = ("train", "test")

_NEAREST, _FARTHEST = 0.3, 15.0  # metres: depths of the root that an estimate is believed at
_PART_IN_IMAGE = 0.5  # of the joints of a person who is to be found
_PELVIS = MUPOTS_17.index("pelvis")


class ScenesError(PinetError):
    """A file of scenes cannot be used."""


@dataclass(frozen=True, eq=False)
class Scene:
    """The people of one image, N of them found and M missed, joints of MUPOTS_17.

    Attributes:
        estimates: (N,17,3) float32, the initial poses, metres, camera optical frame.
        truth: (N,17,3) float32, the true poses of the same people.
        boxes: (N,4) float32, the detector's boxes, x_min y_min x_max y_max in pixels.
        bodies: (N,) which body each person has.
        cameras: kind of camera or name of the data set, by which figures are reported.
        split: one of SPLITS.
        missed: (M,17,3) float32, the true poses of those who were to be found and were not;
            nobody by default.
        scores: (N,) float32, the detector's; NaN by default.
    """

    estimates: np.ndarray
    truth: np.ndarray
    boxes: np.ndarray
    bodies: np.ndarray
    cameras: str
    split: str
    missed: np.ndarray | None = None
    scores: np.ndarray | None = None

    def __post_init__(self) -> None:
        defaults = {
            "missed": np.empty((0, len(MUPOTS_17), 3), np.float32),
            "scores": np.full(len(self), np.nan, np.float32),
        }
        for name, default in defaults.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, default)

    def __len__(self) -> int:
        return len(self.estimates)


@dataclass(frozen=True)
class Scenes:
    """Scenes in which somebody was found."""

    scenes: tuple[Scene, ...]

    def __len__(self) -> int:
        return len(self.scenes)

    def __iter__(self) -> Iterator[Scene]:
        return iter(self.scenes)

    def sha256(self) -> str:
        """A digest of all estimates and true poses, to tell data apart."""
        digest = hashlib.sha256()
        for scene in self.scenes:
            digest.update(scene.estimates.tobytes())
            digest.update(scene.truth.tobytes())
        return digest.hexdigest()

    def select(
        self,
        *,
        split: str | None = None,
        cameras: str | None = None,
        minimum_people: int = 1,
    ) -> Scenes:
        """Those of a split, of a kind of camera and with so many people found."""
        return Scenes(
            tuple(
                scene
                for scene in self.scenes
                if split in (None, scene.split)
                and cameras in (None, scene.cameras)
                and len(scene) >= minimum_people
            )
        )

    def hold_out_bodies(self, fraction: float, rng: np.random.Generator) -> tuple[Scenes, Scenes]:
        """Scenes without a part of the bodies, drawn by `rng`, and the scenes with them."""
        bodies = np.unique([body for scene in self.scenes for body in scene.bodies])
        held_out = rng.choice(bodies, round(fraction * len(bodies)), replace=False)
        with_them = [s for s in self.scenes if np.isin(s.bodies, held_out).any()]
        without = [s for s in self.scenes if not np.isin(s.bodies, held_out).any()]
        return Scenes(tuple(without)), Scenes(tuple(with_them))


def initial_people(estimates: np.ndarray, boxes: np.ndarray | None = None) -> People:
    """People of whom only 3D joints (N,17,3) and boxes (N,4) are known, for the refiner."""
    count, joints = estimates.shape[:2]
    return People(
        MUPOTS_17,
        joints=estimates,
        joints_image=np.full((count, joints, 2), np.nan),
        confidence=np.full((count, joints), np.nan),
        boxes=np.full((count, 4), np.nan) if boxes is None else boxes,
        scores=np.full(count, np.nan),
    )


def load_scenes(path: Path) -> Scenes:
    """Read the scenes of an .npz file; estimates that are not finite or too far are left out.

    Whoever is known and has at least half of the joints in the image (person_in_image; everybody
    where a file lacks it) was to be found, and is missed without an estimate that is kept.

    Raises:
        ScenesError: the file cannot be used, see `read_scene_fields`.
    """
    try:
        fields = _with_defaults(read_scene_fields(Path(path)))
    except DatasetError as error:
        raise ScenesError(str(error)) from error
    initial = fields["estimate_initial_joints"]
    depth = initial[:, _PELVIS, 2]
    # a comparison with NaN is false, so unknown joints are left out by either condition
    believed = np.isfinite(initial).all(axis=(1, 2)) & (depth > _NEAREST) & (depth < _FARTHEST)
    estimates = _by_scene(fields["estimate_scene"], np.flatnonzero(believed))
    people = _by_scene(fields["person_scene"], np.arange(len(fields["person_scene"])))
    return Scenes(tuple(_scene(fields, n, rows, people[n]) for n, rows in estimates.items()))


def _with_defaults(fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All fields, the optional ones that a file lacks as if nothing were known."""
    people, estimates = len(fields["person_scene"]), len(fields["estimate_scene"])
    return {
        "person_in_image": np.ones((people, len(MUPOTS_17)), bool),
        "estimate_score": np.full(estimates, np.nan),
    } | fields


def _by_scene(scenes: np.ndarray, rows: np.ndarray) -> dict[int, np.ndarray]:
    """The rows of each scene, in their order; `scenes` says of all rows which scene is theirs."""
    rows = rows[np.argsort(scenes[rows], kind="stable")]
    numbers, starts = np.unique(scenes[rows], return_index=True)
    return dict(zip(numbers.tolist(), np.split(rows, starts[1:]), strict=True))


def _scene(
    fields: dict[str, np.ndarray], number: int, estimates: np.ndarray, people: np.ndarray
) -> Scene:
    """The scene of that number, from its rows of estimates and of people."""
    persons = fields["estimate_person"][estimates]
    return Scene(
        estimates=fields["estimate_initial_joints"][estimates].astype(np.float32),
        truth=fields["person_joints"][persons].astype(np.float32),
        boxes=fields["estimate_box"][estimates].astype(np.float32),
        bodies=fields["person_body"][persons],
        cameras=str(fields["scene_cameras"][number]),
        split=str(fields["scene_split"][number]),
        missed=_missed(fields, np.setdiff1d(people, persons)),
        scores=fields["estimate_score"][estimates].astype(np.float32),
    )


def _missed(fields: dict[str, np.ndarray], persons: np.ndarray) -> np.ndarray:
    """(M,17,3) true poses of those rows of people who were to be found."""
    joints = fields["person_joints"][persons].astype(np.float32)
    in_image = fields["person_in_image"][persons].mean(axis=1) >= _PART_IN_IMAGE
    return joints[in_image & np.isfinite(joints).all(axis=(1, 2))]
