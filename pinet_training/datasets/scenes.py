"""Scenes: what an estimator gave for people whose true poses are known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pinet_ros.errors import DatasetError, PinetError
from pinet_ros.people import People
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.datasets.scene_fields import NOBODY, read_scene_fields

_NEAREST, _FARTHEST = 0.3, 15.0  # metres: depths of the root that an estimate is believed at
_PART_IN_IMAGE = 0.5  # of the joints of a person who is to be found


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
        bodies: (N,) which body each person has.
        cameras: kind of camera or name of the data set, by which figures are reported.
        split: one of `scene_fields.SPLITS`.
        missed: (M,17,3) float32, the true poses of those who were to be found and were not.
        scores: (N,) float32, the detector's.
        visible: (N,) float32, which part of a person's joints is in the image and not hidden.
        extra: (K,17,3) float32, as `estimates`: what else the estimator gave, second estimates of
            people (duplicates) and wrong detections.
        extra_boxes: (K,4) float32, as `boxes`.
        extra_persons: (K,) int64, the row of the person whom a duplicate is of, NOBODY for a
            wrong detection and where the person's own estimate is not kept.
        camera_pitch: radians, positive looks down.
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
    extra_persons: np.ndarray | None = None
    camera_pitch: float = np.nan
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
            "visible": (people,),
            "extra_boxes": (len(self.extra), 4),
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

        That is the estimates and their boxes, the extra ones too, and the true poses.
        """
        digest = hashlib.sha256()
        for scene in self.scenes:
            for array in (
                scene.estimates,
                scene.truth,
                scene.extra,
                scene.boxes,
                scene.extra_boxes,
            ):
                digest.update(array.tobytes())
        return digest.hexdigest()

    @property
    def estimators(self) -> tuple[str, ...]:
        """Names of all estimators, sorted; empty if one is unknown."""
        names = sorted({scene.estimator for scene in self.scenes})
        return () if "" in names else tuple(names)

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
    return People.from_joints(
        MUPOTS_17,
        np.concatenate([scene.estimates, scene.extra]),
        boxes=np.concatenate([scene.boxes, scene.extra_boxes]),
        estimator=scene.estimator,
    )


def load_scenes(path: Path) -> Scenes:
    """Read the scenes of an .npz file; estimates that are not finite or too far are left out.

    Whoever is known and has at least half of the joints in the image (person_in_image; everybody
    where a file lacks it) was to be found, and is missed without an estimate that is kept.

    Raises:
        ScenesError: the file cannot be used, see `read_scene_fields`.
    """
    try:
        fields = read_scene_fields(Path(path))
    except DatasetError as error:
        raise ScenesError(str(error)) from error
    initial = fields["estimate_initial_joints"]
    depth = initial[:, MUPOTS_17.root, 2]
    # a comparison with NaN is false, so unknown joints are left out by either condition
    believed = np.isfinite(initial).all(axis=(1, 2)) & (depth > _NEAREST) & (depth < _FARTHEST)
    own = (fields["estimate_person"] != NOBODY) & (fields["estimate_duplicate"] == 0)
    missed = _to_be_found(fields)
    missed[fields["estimate_person"][believed & own]] = False
    estimates = _by_scene(fields["estimate_scene"], believed & own)
    extra = _by_scene(fields["estimate_scene"], believed & ~own)
    people = _by_scene(fields["person_scene"], missed)
    fields = _in_single_precision(fields) | {"sequence": _sequences(fields["scene_sequence"])}
    none = np.empty(0, np.int64)
    return Scenes(
        tuple(
            _scene(fields, number, rows, extra.get(number, none), people.get(number, none))
            for number, rows in estimates.items()
        )
    )


def _sequences(numbers: np.ndarray) -> np.ndarray:
    """(S,) name of each scene's sequence, by its number (S,); empty for a scene by itself."""
    _, inverse, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    several = np.isfinite(numbers) & (counts[inverse] > 1)
    return np.where(several, [f"{number:.0f}" for number in numbers], "")


def _to_be_found(fields: dict[str, np.ndarray]) -> np.ndarray:
    """(P,) who is known and has enough joints in the image."""
    in_image = fields["person_in_image"].mean(axis=1) >= _PART_IN_IMAGE
    return in_image & np.isfinite(fields["person_joints"]).all(axis=(1, 2))


def _in_single_precision(fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    doubles = {name: array for name, array in fields.items() if array.dtype == np.float64}
    return fields | {name: array.astype(np.float32) for name, array in doubles.items()}


def _by_scene(scenes: np.ndarray, chosen: np.ndarray) -> dict[int, np.ndarray]:
    """The chosen rows of each scene that has any, in their order, by the number of the scene.

    Args:
        scenes: (R,) which scene each row is of.
        chosen: (R,) bool.
    """
    rows = np.flatnonzero(chosen)
    if not len(rows):
        return {}
    rows = rows[np.argsort(scenes[rows], kind="stable")]
    numbers, starts = np.unique(scenes[rows], return_index=True)
    return dict(zip(numbers.tolist(), np.split(rows, starts[1:]), strict=True))


def _scene(
    fields: dict[str, np.ndarray],
    number: int,
    estimates: np.ndarray,
    extra: np.ndarray,
    missed: np.ndarray,
) -> Scene:
    """The scene of that number, from its rows of estimates, of extra ones, and of the missed."""
    persons = fields["estimate_person"][estimates]
    return Scene(
        estimates=fields["estimate_initial_joints"][estimates],
        truth=fields["person_joints"][persons],
        boxes=fields["estimate_box"][estimates],
        bodies=fields["person_body"][persons],
        cameras=str(fields["scene_cameras"][number]),
        split=str(fields["scene_split"][number]),
        missed=fields["person_joints"][missed],
        scores=fields["estimate_score"][estimates],
        visible=fields["person_visible"][persons].mean(axis=1),
        extra=fields["estimate_initial_joints"][extra],
        extra_boxes=fields["estimate_box"][extra],
        extra_persons=_rows_of(fields["estimate_person"][extra], persons),
        camera_pitch=float(fields["scene_camera_pitch"][number]),
        image=str(fields["scene_image"][number]),
        sequence=str(fields["sequence"][number]) or None,
        estimator=str(fields["scene_estimator"][number]),
    )


def _rows_of(wanted: np.ndarray, persons: np.ndarray) -> np.ndarray:
    """At which row of `persons` (N,) each of the wanted (K,) stands, NOBODY where it does not."""
    same = wanted[:, None] == persons  # (K,N)
    return np.where(same.any(axis=1), same.argmax(axis=1), NOBODY)
