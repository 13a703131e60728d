"""Predictions as .npz: arrays with one row for each of P predicted people.

joints              (P,J,3)  camera optical frame, in the unit below; NaN means unknown
unit                         "m" or "mm"
frame               (P,)     image of each person: its key or file name
person              (P,)     integers, unique within an image: track ids, or any numbering
joint_set                    optional name; by default given by J: 17 mupots_17, 21 muco_21,
                             33 blazepose_33
estimator                    optional name, see `People.estimator`
joints_image        (P,J,2)  optional, pixels
box                 (P,4)    optional, x_min y_min x_max y_max, pixels; by default the smallest one
                             around joints_image
score               (P,)     optional, 0 to 1
confidence          (P,J)    optional, 0 to 1
deviation           (P,J)    optional, `People.deviations` in the unit above
distance_deviation  (P,)     optional, `People.distance_deviations`, which have no unit
root_deviation      (P,)     optional, `People.root_deviations` in the unit above
up                  (P,3)    optional, `People.up` of each person's image
frames              (F,)     optional, all processed images, including those without people
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pinet_ros.cli.predictions.prediction_fields import (
    LENGTHS,
    common_estimator,
    estimator_of,
    image_key,
    joint_set_of,
    metres_of_unit,
    optional_arrays,
    person_numbers,
    require_distinct,
    with_up,
)
from pinet_ros.cli.predictions.records import Record, read_arrays
from pinet_ros.people import People
from pinet_ros.util.files import write_whole

_REQUIRED = ("joints", "unit", "frame", "person")
_OPTIONAL = ("joint_set", "estimator", *optional_arrays(0), "up", "frames")


def read_npz(path: Path) -> dict[str, People]:
    """Read the people of each image by its key.

    Raises:
        DatasetError: the file is not an .npz file, or a field is missing or misshapen.
    """
    file = read_arrays(path, _REQUIRED + _OPTIONAL)
    metres = metres_of_unit(file)
    joints = file.array("joints", None, None, 3) * metres
    count = len(joints)
    joint_set = joint_set_of(file, joints.shape[1])
    optional = {
        array: file.array(name, count, *shape) * (metres if name in LENGTHS else 1)
        for name, (array, shape) in optional_arrays(len(joint_set)).items()
        if name in file
    }
    people = People.from_joints(
        joint_set,
        joints,
        **optional,
        track_ids=file.whole_numbers("person", count),
        estimator=estimator_of(file),
    )
    keys = _keys(file, "frame")
    if len(keys) != count:
        raise file.error(f"frame must have one name for each of {count} people, got {len(keys)}")
    rows: dict[str, list[int]] = {key: [] for key in _keys(file, "frames")}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    images = {key: people.select(np.array(chosen, int)) for key, chosen in rows.items()}
    if "up" in file:
        up = file.array("up", count, 3)
        images = {key: with_up(file, key, of, up[rows[key]]) for key, of in images.items()}
    for key, found in images.items():
        require_distinct(file, key, found.track_ids)
    return images


def _keys(file: Record, field: str) -> list[str]:
    if field == "frames" and field not in file:
        return []
    names = file[field]
    if names.ndim != 1 or (names.size and names.dtype.kind not in "US"):
        raise file.error(
            f"{field} must hold the keys or file names of images, (P,) strings, got {names.dtype} "
            f"{names.shape}"
        )
    return [image_key(str(name)) for name in names.astype(str)]


def write_npz(path: Path, images: dict[str, People]) -> None:
    """Write the people of each of one or more images, all in one joint set.

    Raises:
        DatasetError: an image has a track id twice.
    """
    people = People.concatenate(list(images.values()))
    persons = {key: person_numbers(found) for key, found in images.items()}
    for key, numbers in persons.items():
        require_distinct(Record(path, "", {}), key, numbers)
    frames = np.array(list(images), str)
    fields: dict[str, Any] = {
        "joints": people.joints,
        "unit": "m",
        "frame": np.repeat(frames, [len(found) for found in images.values()]),
        "person": np.concatenate(list(persons.values())),
        "joint_set": people.joint_set.name,
        "estimator": common_estimator(images.values()),
        "up": np.concatenate([np.tile(found.up, (len(found), 1)) for found in images.values()]),
        "frames": frames,
    }
    for name, (array, _) in optional_arrays(len(people.joint_set)).items():
        fields[name] = getattr(people, array)
    write_whole(path, lambda stream: np.savez_compressed(stream, **fields))
