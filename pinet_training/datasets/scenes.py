"""Scenes: what an estimator gave for people whose true poses are known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pinet_ros.errors import PinetError
from pinet_ros.people import People
from pinet_ros.refinement.standardisation import with_deviations
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.datasets.scene_fields import NOBODY


class ScenesError(PinetError):
    """A file of scenes cannot be used."""


@dataclass(frozen=True, eq=False)
class Scene:
    """The people of one image, N of them found and M missed, joints of MUPOTS_17.

    What is optional is NaN by default; there is nobody missed, nothing extra and no picture.

    Attributes:
        estimates: (N,17,3) float32, the initial poses, metres, camera optical frame.
        truth: (N,17,3) float32, the true poses of the same people.
        boxes: (N,4) float32, the detector's boxes, x_min y_min x_max y_max in pixels.
        deviations: (N,18) float32, those of the estimates, see `deviations_of`.
        bodies: (N,) which body each person has.
        cameras: kind of camera or name of the data set, by which figures are reported.
        split: one of `scene_fields.SPLITS`.
        missed: (M,17,3) float32, the true poses of those who were to be found and were not.
        scores: (N,) float32, the detector's.
        visible: (N,) float32, which part of a person's joints is in the image and not hidden.
        extra: (K,17,3) float32, as `estimates`: what else the estimator gave, second estimates of
            people (duplicates) and wrong detections.
        extra_boxes: (K,4) float32, as `boxes`.
        extra_deviations: (K,18) float32, as `deviations`.
        extra_persons: (K,) int64, the row of the person whom a duplicate is of, NOBODY for a
            wrong detection and where the person's own estimate is not kept.
        camera_pitch: radians, positive looks down.
        up: (3,) float32, unit vector that points up, camera optical frame.
        image: the picture's name in the folder that it was rendered to, empty without one.
        sequence: the sequence of its data set, whose images resemble each other; None for a
            scene that is by itself.
        estimator: whose estimates they are, see `People.estimator`; empty if unknown.
    """

    estimates: np.ndarray
    truth: np.ndarray
    boxes: np.ndarray
    bodies: np.ndarray
    cameras: str
    split: str
    missed: np.ndarray | None = None
    scores: np.ndarray | None = None
    visible: np.ndarray | None = None
    extra: np.ndarray | None = None
    extra_boxes: np.ndarray | None = None
    deviations: np.ndarray | None = None
    extra_deviations: np.ndarray | None = None
    extra_persons: np.ndarray | None = None
    camera_pitch: float = np.nan
    up: np.ndarray | None = None
    image: str = ""
    sequence: str | None = None
    estimator: str = ""

    def __post_init__(self) -> None:
        people, joints = len(self), len(MUPOTS_17)
        if self.extra is None:
            object.__setattr__(self, "extra", np.empty((0, joints, 3), np.float32))
        if self.extra_persons is None:
            object.__setattr__(self, "extra_persons", np.full(len(self.extra), NOBODY))
        unknown = {
            "missed": (0, joints, 3),
            "scores": (people,),
            "up": (3,),
            "visible": (people,),
            "extra_boxes": (len(self.extra), 4),
            "deviations": (people, joints + 1),
            "extra_deviations": (len(self.extra), joints + 1),
        }
        for name, shape in unknown.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.full(shape, np.nan, np.float32))

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
        """A digest of all that networks learn from, to tell data apart.

        That is the estimates, their boxes and deviations, the extra ones too, which way is up,
        and the true poses.
        """
        digest = hashlib.sha256()
        for scene in self.scenes:
            for array in (
                scene.estimates,
                scene.truth,
                scene.extra,
                scene.boxes,
                scene.extra_boxes,
                scene.deviations,
                scene.extra_deviations,
                scene.up,
            ):
                digest.update(array.tobytes())
        return digest.hexdigest()

    @property
    def estimators(self) -> tuple[str, ...]:
        """Names of all estimators, sorted; empty if one is unknown."""
        names = sorted({scene.estimator for scene in self.scenes})
        return () if "" in names else tuple(names)

    def without_up(self) -> Scenes:
        """The scenes, as if it were not known which way is up."""
        return Scenes(tuple(replace(scene, up=None) for scene in self.scenes))

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

    @property
    def sequences(self) -> tuple[str, ...]:
        """The sequences of the data set that the scenes are of; none of single scenes."""
        return tuple(dict.fromkeys(s.sequence for s in self.scenes if s.sequence is not None))

    @property
    def units(self) -> np.ndarray:
        """(S,) number of the independent unit of each scene: its sequence, or itself."""
        numbers: dict[str | int, int] = {}
        names = (n if s.sequence is None else s.sequence for n, s in enumerate(self.scenes))
        return np.array([numbers.setdefault(name, len(numbers)) for name in names], int)

    def hold_out(self, fraction: float, rng: np.random.Generator) -> tuple[Scenes, Scenes]:
        """Scenes to train on, and other ones to validate on.

        Of a data set whole sequences are held out, at least one of several: the frames of a video
        resemble each other. A single sequence is not held out. Of single scenes those with some of
        the bodies are held out.

        Args:
            fraction: of the sequences or bodies to hold out, 0 to 1.
            rng: draws them.
        """
        sequences = self.sequences
        if sequences:
            several = fraction > 0 and len(sequences) > 1
            count = max(1, round(fraction * len(sequences))) if several else 0
            drawn = rng.choice(sequences, count, replace=False)
            return self._divide([scene.sequence in drawn for scene in self.scenes])
        bodies = np.unique([body for scene in self.scenes for body in scene.bodies])
        drawn = rng.choice(bodies, round(fraction * len(bodies)), replace=False)
        return self._divide([bool(np.isin(s.bodies, drawn).any()) for s in self.scenes])

    def _divide(self, chosen: Sequence[bool]) -> tuple[Scenes, Scenes]:
        """The scenes that are not chosen, and those that are."""
        return tuple(
            Scenes(tuple(s for s, c in zip(self.scenes, chosen, strict=True) if c is of))
            for of in (False, True)
        )


def people_of(scene: Scene) -> People:
    """All that the estimator gave in a scene, for the refiner: the people found come first."""
    people = People.from_joints(
        MUPOTS_17,
        np.concatenate([scene.estimates, scene.extra]),
        boxes=np.concatenate([scene.boxes, scene.extra_boxes]),
        up=scene.up,
        estimator=scene.estimator,
    )
    deviations = np.concatenate([scene.deviations, scene.extra_deviations])
    return with_deviations(people, deviations)
