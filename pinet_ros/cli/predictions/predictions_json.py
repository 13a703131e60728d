"""Predictions as .json: people of each image by its key or file name.

    {"joint_set": "mupots_17", "unit": "m", "estimator": "blazepose_full/4495eb0e",
     "images": {"TS1_img_000000": [{"person": 0, "joints": J x 3, "joints_image": J x 2,
                                    "box": [x_min, y_min, x_max, y_max], "score": 0.9,
                                    "confidence": J, "deviation": J,
                                    "distance_deviation": 0.1, "root_deviation": 0.02,
                                    "up": [x, y, z]}],
                "TS1_img_000001": []}}

Units, joint sets and optional fields are as in .npz (see `predictions_npz`); null means unknown.
An empty list means that the image was processed and no person was found.
"""

from __future__ import annotations

import json
from dataclasses import replace
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
from pinet_ros.cli.predictions.records import Record, as_json
from pinet_ros.people import People
from pinet_ros.skeleton import JointSet
from pinet_ros.util.files import write_text

_DECIMALS = 6  # for metres and pixels


def people_of_json(file: Record) -> dict[str, People]:
    """Get the people of each image by its key.

    Raises:
        DatasetError: a field is missing or misshapen, or an image is named twice.
    """
    metres = metres_of_unit(file)
    listed = _people_by_name(file)
    first = next((person for persons in listed.values() for person in persons), None)
    count = None if first is None else len(first.array("joints", None, 3))
    joint_set = joint_set_of(file, count)
    estimator = estimator_of(file)
    images: dict[str, People] = {}
    for name, persons in listed.items():
        key = image_key(name)
        if key in images:
            raise file.error(f"images has {key!r} twice")
        people = [_person(person, joint_set, metres) for person in persons]
        found = People.concatenate(people) if people else People.empty(joint_set)
        found = replace(found, estimator=estimator)
        images[key] = with_up(file, key, found, np.array([_up(person) for person in persons]))
        require_distinct(file, key, images[key].track_ids)
    return images


def _people_by_name(file: Record) -> dict[str, list[Record]]:
    if not isinstance(file["images"], dict):
        raise file.error("images must be an object with a list of people for each image")
    named = Record(file.path, "images", file["images"])
    return {
        name: [
            Record(file.path, f"image {name!r}, person number {n}", person.fields)
            for n, person in enumerate(named.records(name))
        ]
        for name in file["images"]
    }


def _person(person: Record, joint_set: JointSet, metres: float) -> People:
    count = len(joint_set)
    optional: dict[str, Any] = {
        array: person.array(name, *shape)[None] * (metres if name in LENGTHS else 1)
        for name, (array, shape) in optional_arrays(count).items()
        if name in person
    }
    return People.from_joints(
        joint_set,
        person.array("joints", count, 3)[None] * metres,
        **optional,
        track_ids=person.whole_numbers("person")[None],
    )


def _up(person: Record) -> np.ndarray:
    return person.array("up", 3) if "up" in person else np.full(3, np.nan)


def write_json(path: Path, images: dict[str, People]) -> None:
    """Write the people of each of one or more images, all in one joint set.

    Raises:
        DatasetError: an image has a track id twice.
    """
    for key, people in images.items():
        require_distinct(Record(path, "", {}), key, person_numbers(people))
    content = {
        "joint_set": next(iter(images.values())).joint_set.name,
        "unit": "m",
        "estimator": common_estimator(images.values()),
        "images": {key: _as_objects(people) for key, people in images.items()},
    }
    write_text(path, json.dumps(content, allow_nan=False))


def _as_objects(people: People) -> list[dict[str, Any]]:
    fields = {"joints": people.joints} | {
        name: getattr(people, array)
        for name, (array, _) in optional_arrays(len(people.joint_set)).items()
    }
    return [
        {"person": int(number)}
        | {name: as_json(array[row], _DECIMALS) for name, array in fields.items()}
        | {"up": as_json(people.up, _DECIMALS)}
        for row, number in enumerate(person_numbers(people))
    ]
