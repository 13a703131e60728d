"""The arrays of a file of scenes (.npz): S scenes, P people in them, E estimates of people.

scene_split                 (S,)      "train" or "test"
scene_cameras               (S,)      kind of camera, by which figures are reported
scene_image                 (S,)      optional: the picture in a folder of rendered scenes
scene_estimator             (S,)      optional: name of the estimator, see `People.estimator`
scene_intrinsics            (S,4)     optional: fx fy cx cy, pixels
scene_camera_pitch          (S,)      optional: radians, positive looks down
scene_camera_rotation       (S,3,3)   optional: from the world frame, whose z points up, to the
                                      camera frame
scene_sequence              (S,)      optional: number of the sequence that the scene is a frame
                                      of; its frames follow each other in time
person_scene                (P,)      row of the person's scene
person_joints               (P,17,3)  true joints of mupots_17, metres, camera optical frame
person_body                 (P,)      which body the person has
person_in_image             (P,17)    optional: which joints are within the image
person_visible              (P,17)    optional: which joints are in the image and not hidden
estimate_scene              (E,)      row of the scene
estimate_person             (E,)      row of the person whom it is of, -1 for a wrong detection
estimate_duplicate          (E,)      optional: whether another estimate is the one of that person
estimate_initial_joints     (E,17,3)  as person_joints; NaN is unknown
estimate_joints_image       (E,17,2)  optional: pixels
estimate_confidence         (E,17)    optional: of the joints, 0 to 1
estimate_box                (E,4)     x_min y_min x_max y_max, pixels
estimate_score              (E,)      optional: the detector's
estimate_deviation          (E,17)    optional: `People.deviations`, metres
estimate_distance_deviation (E,)      optional: `People.distance_deviations`
estimate_root_deviation     (E,)      optional: `People.root_deviations`, metres
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pinet_ros.cli.predictions.records import Record, read_arrays, require_file
from pinet_ros.errors import DatasetError

SPLITS = ("train", "test")
NOBODY = -1  # whom a wrong detection is of

_LABELS = ("scene_split", "scene_cameras", "person_body")
_OPTIONAL_LABELS = ("scene_image", "scene_estimator")
_ROWS_OF = {"person_scene": "scene", "estimate_scene": "scene", "estimate_person": "person"}
_NUMBERS = {"person_joints": (17, 3), "estimate_initial_joints": (17, 3), "estimate_box": (4,)}
# shape of a row, and what stands for a file's lack of it
_OPTIONAL: dict[str, tuple[tuple[int, ...], float]] = {
    "scene_intrinsics": ((4,), np.nan),
    "scene_camera_pitch": ((), np.nan),
    "scene_camera_rotation": ((3, 3), np.nan),
    "scene_sequence": ((), np.nan),
    "person_in_image": ((17,), True),
    "person_visible": ((17,), np.nan),
    "estimate_duplicate": ((), False),
    "estimate_joints_image": ((17, 2), np.nan),
    "estimate_confidence": ((17,), np.nan),
    "estimate_score": ((), np.nan),
    "estimate_deviation": ((17,), np.nan),
    "estimate_distance_deviation": ((), np.nan),
    "estimate_root_deviation": ((), np.nan),
}
_COUNTED = ("scene_split", "person_scene", "estimate_scene")  # the others have as many rows


def read_scene_fields(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays named above, numbers as float64 and rows as int64.

    What is optional and lacking is NaN, or an empty name; but every joint is in the image, and
    nothing a duplicate.

    Raises:
        DatasetError: the file is missing or is not an .npz file; an array is missing or
            misshapen, names a split or a row that does not exist, gives somebody an estimate in
            another scene than the person's or two that are no duplicates, calls an estimate of
            nobody a duplicate, or lacks joints of a person who has an estimate.
    """
    required = (*_LABELS, *_ROWS_OF, *_NUMBERS)
    optional = (*_OPTIONAL_LABELS, *_OPTIONAL)
    require_file(path)
    if path.suffix != ".npz":
        raise DatasetError(f"scenes are read from an .npz file, got {path}; give such a file")
    file = read_arrays(path, (*required, *optional))
    if missing := [name for name in required if name not in file]:
        raise file.error(
            f"is not a file of scenes as `pinet scenes estimate` writes it: it lacks "
            f"{', '.join(missing)}; predictions are given with --predictions, beside the data set "
            "that they are for"
        )
    counts = {_kind(name): file[name].size for name in _COUNTED}
    fields = {name: _field(file, name, counts) for name in (*required, *optional)}
    _require_splits(file, fields["scene_split"])
    _require_own_scene(file, fields)
    _require_one_estimate(file, fields)
    _require_truth(file, fields["person_joints"], fields["estimate_person"])
    return fields


def _kind(name: str) -> str:
    """What an array has a row for each of: "scene", "person" or "estimate"."""
    return name.partition("_")[0]


def _field(file: Record, name: str, counts: dict[str, int]) -> np.ndarray:
    count = counts[_kind(name)]
    if name in _ROWS_OF:
        lowest = NOBODY if name == "estimate_person" else 0
        return file.whole_numbers(name, count, low=lowest, high=counts[_ROWS_OF[name]] - 1)
    if name in _OPTIONAL:
        shape, default = _OPTIONAL[name]
        known = file.array(name, count, *shape) if name in file else default
        return np.broadcast_to(known, (count, *shape)).astype(float)
    if name in _NUMBERS:
        return file.array(name, count, *_NUMBERS[name])
    if name in _OPTIONAL_LABELS and name not in file:
        return np.full(count, "")
    if file[name].shape != (count,):
        raise file.error(f"{name} must have shape ({count}), got {file[name].shape}")
    return file[name]


def _require_splits(file: Record, splits: np.ndarray) -> None:
    wrong = np.flatnonzero(~np.isin(splits, SPLITS))
    if len(wrong):
        raise file.error(
            f"scene_split, row {wrong[0]}: must be one of {', '.join(SPLITS)}, got "
            f"{str(splits[wrong[0]])!r}"
        )


def _require_one_estimate(file: Record, fields: dict[str, np.ndarray]) -> None:
    """See that each person has one estimate at most that is no duplicate."""
    rows = np.flatnonzero(fields["estimate_duplicate"] == 0)
    rows = rows[fields["estimate_person"][rows] != NOBODY]
    persons = fields["estimate_person"][rows]
    again = np.ones(len(rows), bool)
    again[np.unique(persons, return_index=True)[1]] = False
    if again.any():
        raise file.error(
            f"estimate_person, row {rows[again][0]}: person {persons[again][0]} has an estimate "
            "already; mark further ones in estimate_duplicate"
        )


def _require_own_scene(file: Record, fields: dict[str, np.ndarray]) -> None:
    """See that each estimate is of a person of its own scene, and each duplicate of a person."""
    persons, scenes = fields["estimate_person"], fields["estimate_scene"]
    of_nobody = np.flatnonzero((persons == NOBODY) & (fields["estimate_duplicate"] != 0))
    if len(of_nobody):
        raise file.error(
            f"estimate_person, row {of_nobody[0]}: must be the person whom this duplicate is of, "
            f"got {NOBODY}"
        )
    rows = np.flatnonzero(persons != NOBODY)
    own = fields["person_scene"][persons[rows]]
    wrong = own != scenes[rows]
    if wrong.any():
        raise file.error(
            f"estimate_person, row {rows[wrong][0]}: must be a person of the estimate's scene "
            f"{scenes[rows][wrong][0]}, but that person is of scene {own[wrong][0]}"
        )


def _require_truth(file: Record, joints: np.ndarray, persons: np.ndarray) -> None:
    """See that the true joints (P,17,3) of all with an estimate, rows (E,), are finite."""
    persons = persons[persons != NOBODY]
    unknown = ~np.isfinite(joints[persons]).all(axis=(1, 2))
    if unknown.any():
        raise file.error(
            f"person_joints, row {persons[unknown][0]}: must be finite, as the person has an "
            "estimate; leave the estimate out"
        )
