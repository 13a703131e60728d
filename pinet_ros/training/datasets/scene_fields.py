"""The arrays of a file of scenes (.npz): S scenes, P people in them, E estimates of people.

scene_split              (S,)      "train" or "test"
scene_cameras            (S,)      kind of camera, by which figures are reported
person_scene             (P,)      row of the person's scene
person_joints            (P,17,3)  true joints of mupots_17, metres, camera optical frame
person_body              (P,)      which body the person has
person_in_image          (P,17)    optional: which joints are within the image
estimate_scene           (E,)      row of the scene
estimate_person          (E,)      row of the person whom it is of
estimate_initial_joints  (E,17,3)  as person_joints; NaN is unknown
estimate_box             (E,4)     x_min y_min x_max y_max, pixels
estimate_score           (E,)      optional: the detector's
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pinet_ros.training.datasets.files import Record, read_arrays

_LABELS = ("scene_split", "scene_cameras", "person_body")
_ROWS_OF = {"person_scene": "scene", "estimate_scene": "scene", "estimate_person": "person"}
_NUMBERS = {"person_joints": (17, 3), "estimate_initial_joints": (17, 3), "estimate_box": (4,)}
_OPTIONAL = {"person_in_image": (17,), "estimate_score": ()}
_COUNTED = ("scene_split", "person_scene", "estimate_scene")  # the others have as many rows


def read_scene_fields(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays named above, numbers as float64 and rows as int64.

    Raises:
        DatasetError: the file is missing or is not an .npz file; an array is missing or
            misshapen, names a row that does not exist, gives somebody an estimate in another scene
            than the person's, or lacks joints of a person who has an estimate.
    """
    required = (*_LABELS, *_ROWS_OF, *_NUMBERS)
    file = read_arrays(path, (*required, *_OPTIONAL))
    if missing := [name for name in required if name not in file]:
        raise file.error(f"is not a file of scenes: it lacks {', '.join(missing)}")
    counts = {_kind(name): file[name].size for name in _COUNTED}
    fields = {name: _field(file, name, counts) for name in file.fields}
    _require_own_scene(file, fields)
    _require_truth(file, fields["person_joints"], fields["estimate_person"])
    return fields


def _kind(name: str) -> str:
    """What an array has a row for each of: "scene", "person" or "estimate"."""
    return name.partition("_")[0]


def _field(file: Record, name: str, counts: dict[str, int]) -> np.ndarray:
    count = counts[_kind(name)]
    if name in _ROWS_OF:
        return file.whole_numbers(name, count, low=0, high=counts[_ROWS_OF[name]] - 1)
    if name not in _LABELS:
        return file.array(name, count, *(_NUMBERS | _OPTIONAL)[name])
    if file[name].shape != (count,):
        raise file.error(f"{name} must have shape ({count}), got {file[name].shape}")
    return file[name]


def _require_own_scene(file: Record, fields: dict[str, np.ndarray]) -> None:
    """See that each estimate is of a person of its own scene."""
    own = fields["person_scene"][fields["estimate_person"]]
    wrong = np.flatnonzero(own != fields["estimate_scene"])
    if len(wrong):
        row = wrong[0]
        raise file.error(
            f"estimate_person, row {row}: must be a person of the estimate's scene "
            f"{fields['estimate_scene'][row]}, but that person is of scene {own[row]}"
        )


def _require_truth(file: Record, joints: np.ndarray, persons: np.ndarray) -> None:
    """See that the true joints (P,17,3) of all with an estimate, rows (E,), are finite."""
    unknown = ~np.isfinite(joints[persons]).all(axis=(1, 2))
    if unknown.any():
        raise file.error(
            f"person_joints, row {persons[unknown][0]}: must be finite, as the person has an "
            "estimate; leave the estimate out"
        )
