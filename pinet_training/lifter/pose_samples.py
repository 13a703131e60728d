"""People and boxes around nobody in rendered scenes: what a lifter of whole poses learns from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pinet_ros.errors import DatasetError
from pinet_training.datasets.box_areas import areas, intersections, overlaps
from pinet_training.rendering.scene_detections import SceneDetections
from pinet_training.rendering.scene_pictures import Pictures
from pinet_training.rendering.shards import RenderedScenes, Shard, require_whole

NOBODY = -1

_SMALLEST = 32.0  # pixels: longer side of a box; smaller people are left out
_SAME = 0.5  # intersection over union from which a detection is of a person
_OTHER = 0.2  # intersection over union up to which it may be of nobody
_COVERED = 0.15  # share of its area that people may cover, then
_RANDOM_BOXES = 0.3  # boxes a scene around nobody, drawn at random; the others are the detector's
_ATTEMPTS = 5


@dataclass(frozen=True, eq=False)
class PoseSamples:
    """B boxes and the P people that some of them are around.

    Attributes:
        pictures: the images.
        picture: (B,) number of each box's image.
        box: (B,4) x_min y_min x_max y_max, pixels.
        person: (B,) row of the person that a box is around, NOBODY for none.
        detected: (B,) whether the detector gave the box; else it is the person's true one.
        joints: (P,17,3) metres, camera frame, MUPOTS_17.
        visible: (P,17) whether a joint is in the image, and nothing is in front of it.
    """

    pictures: Pictures
    picture: np.ndarray
    box: np.ndarray
    person: np.ndarray
    detected: np.ndarray
    joints: np.ndarray
    visible: np.ndarray

    def __len__(self) -> int:
        return len(self.box)

    def boxes_of_people(self) -> list[np.ndarray]:
        """For each person who has boxes, their rows."""
        rows = np.flatnonzero(self.person != NOBODY)
        rows = rows[np.argsort(self.person[rows], kind="stable")]
        starts = np.flatnonzero(np.diff(self.person[rows])) + 1
        return np.split(rows, starts) if len(rows) else []

    def best_boxes(self) -> np.ndarray:
        """Rows of one box for each person who has any: the detector's, if it gave one."""
        return np.array([r[self.detected[r].argmax()] for r in self.boxes_of_people()], int)

    def sha256(self) -> str:
        """Return the SHA-256, in hexadecimal, of boxes and people, but not of the images."""
        digest = hashlib.sha256()
        for array in (self.picture, self.box, self.person, self.joints, self.visible):
            digest.update(np.ascontiguousarray(array))
        return digest.hexdigest()


def read_pose_samples(folder: Path, split: str) -> PoseSamples:
    """Read the people of a rendered data set, with the boxes that a detector gives of them.

    Each person of whom something is seen has the true box; and those of the detector's that
    overlap it by half. Boxes around nobody are the detector's that are on no person, and some at
    random places.

    Args:
        folder: of the data set, with detections.
        split: train or test.

    Raises:
        DatasetError: scenes or detections are missing or damaged, or the split has none.
    """
    rendered = RenderedScenes(folder)
    numbers = rendered.shards()
    shards = [rendered.read(number) for number in numbers]
    require_whole(shards)
    scenes, parts = [], []
    for number, shard in zip(numbers, shards, strict=True):
        detections = SceneDetections.of(rendered, number)
        for scene in np.flatnonzero(shard.truth["scene_split"] == split):
            rng = np.random.default_rng((number, scene))
            parts.append(_boxes_in(shard, scene, detections, rng) | {"picture": len(scenes)})
            scenes.append((shard, int(scene)))
    if not scenes:
        raise DatasetError(f"{folder} has no scenes of the {split} split; render more")
    return _gathered(Pictures(scenes), parts)


def _gathered(pictures: Pictures, parts: list[dict]) -> PoseSamples:
    people = np.cumsum([0, *(len(part["joints"]) for part in parts)])[:-1]
    persons = [
        np.where(part["person"] == NOBODY, NOBODY, part["person"] + start)
        for part, start in zip(parts, people, strict=True)
    ]
    names = ("box", "detected", "joints", "visible")
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in names}
    counts = [len(part["box"]) for part in parts]
    picture = np.repeat([part["picture"] for part in parts], counts)
    return PoseSamples(pictures, picture=picture, person=np.concatenate(persons), **arrays)


def _boxes_in(
    shard: Shard, scene: int, detections: SceneDetections, rng: np.random.Generator
) -> dict:
    truth = shard.truth
    rows = np.flatnonzero(truth["person_scene"] == scene)
    true = truth["person_box"][rows].astype(float)  # NaN for people of whom nothing is seen
    found = detections.boxes[detections.scene == scene].astype(float)
    found = found[_sides(found).max(axis=1) >= _SMALLEST]
    shared = overlaps(found, true)  # (D,P)
    best = shared.argmax(axis=1) if len(rows) else np.zeros(len(found), int)
    highest = shared.max(axis=1, initial=0.0)
    covered = np.nan_to_num(intersections(found, true)).max(axis=1, initial=0.0) / areas(found)
    of_person = highest >= _SAME
    of_nobody = (highest < _OTHER) & (covered < _COVERED)
    owned = np.flatnonzero(_sides(true).max(axis=1, initial=0.0) >= _SMALLEST)  # False for NaN
    of_person &= np.isin(best, owned)
    empty = np.array(list(_empty_boxes(shard.size, true, rng))).reshape(-1, 4)
    kept = found[of_person | of_nobody]
    person = np.where(of_person, best, NOBODY)[of_person | of_nobody]
    return {
        "box": np.concatenate([true[owned], kept, empty]),
        "person": np.concatenate([owned, person, np.full(len(empty), NOBODY)]),
        "detected": np.repeat([False, True, False], [len(owned), len(kept), len(empty)]),
        "joints": truth["person_joints"][rows],
        "visible": truth["person_visible"][rows],
    }


def _empty_boxes(
    size: tuple[int, int], people: np.ndarray, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Boxes at random places of which people cover little; none in most scenes."""
    if rng.random() >= _RANDOM_BOXES:
        return
    for _ in range(_ATTEMPTS):
        height = size[1] * np.exp(rng.uniform(np.log(0.1), np.log(0.9)))
        width = height * np.exp(rng.uniform(np.log(0.25), np.log(1.2)))
        low = rng.uniform(0, 1, 2) * (np.array(size) - (width, height))
        high = low + np.array([width, height])
        box = np.array([*low, *high])
        covered = np.nan_to_num(intersections(box[None], people)).max(initial=0.0)
        if covered < _COVERED * width * height:
            yield box
            return


def _sides(boxes: np.ndarray) -> np.ndarray:
    return boxes[:, 2:] - boxes[:, :2]
