"""Fields that all formats of predictions share: units, joint sets and person numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np

from pinet_ros.cli.predictions.records import Record
from pinet_ros.imaging.pictures import IMAGE_SUFFIXES
from pinet_ros.people import NO_TRACK, People
from pinet_ros.skeleton import (
    BLAZEPOSE_33,
    MUCO_21,
    MUPOTS_17,
    JointSet,
    UnknownJointSetError,
    joint_set,
)

_METRES = {"m": 1.0, "mm": 0.001}
LENGTHS = ("deviation", "root_deviation")  # optional arrays in the unit of the file
_BY_COUNT = {len(s): s for s in (MUPOTS_17, MUCO_21, BLAZEPOSE_33)}


def optional_arrays(joints: int) -> dict[str, tuple[str, tuple[int, ...]]]:
    """The array of `People` that each optional field holds, and its shape for one person.

    Args:
        joints: number of joints of a person.
    """
    return {
        "joints_image": ("joints_image", (joints, 2)),
        "box": ("boxes", (4,)),
        "score": ("scores", ()),
        "confidence": ("confidence", (joints,)),
        "deviation": ("deviations", (joints,)),
        "distance_deviation": ("distance_deviations", ()),
        "root_deviation": ("root_deviations", ()),
    }


def image_key(file_name: str) -> str:
    """Key of an image: its folders and its name without extension, joined by "_".

    "TS1/img_000007.jpg" and its key "TS1_img_000007" both give "TS1_img_000007".
    """
    path = PurePosixPath(file_name.replace("\\", "/"))
    if path.suffix.lower() in IMAGE_SUFFIXES:
        path = path.with_suffix("")
    return "_".join(part for part in path.parts if part != "/")


def metres_of_unit(file: Record) -> float:
    """Metres per length unit of the file, from its field `unit`, "m" or "mm".

    Raises:
        DatasetError: the field is missing or has another value.
    """
    unit = str(file["unit"])
    if unit not in _METRES:
        raise file.error(f"unit must be 'm' or 'mm', got {unit!r}")
    return _METRES[unit]


def joint_set_of(file: Record, count: int | None) -> JointSet:
    """Joint set of a file: the one it names, or that of MuPoTS, MuCo or BlazePose by size.

    Args:
        file: file with or without the field `joint_set`.
        count: number of joints of a person in the file; None for a file without people.

    Raises:
        DatasetError: the joint set is unknown, or has another number of joints.
    """
    if "joint_set" in file:
        try:
            named = joint_set(str(file["joint_set"]))
        except UnknownJointSetError as error:
            raise file.error(str(error)) from error
        if count not in (None, len(named)):
            raise file.error(f"joints must be the {len(named)} of {named.name}, got {count}")
        return named
    if count is None:
        raise file.error("lacks the field 'joint_set', which a file without people needs")
    if count not in _BY_COUNT:
        known = ", ".join(f"{n} ({s.name})" for n, s in _BY_COUNT.items())
        raise file.error(
            f"the joint set cannot be inferred from {count} joints, only from {known}; name it in "
            "the field 'joint_set'"
        )
    return _BY_COUNT[count]


def estimator_of(file: Record) -> str:
    """Name of the estimator that a file gives, see `People.estimator`; empty if it gives none."""
    return str(file["estimator"]) if "estimator" in file else ""


def common_estimator(images: Iterable[People]) -> str:
    """Name of the estimator of all images; empty if there are several."""
    names = {people.estimator for people in images}
    return names.pop() if len(names) == 1 else ""


def with_up(file: Record, key: str, people: People, ups: np.ndarray) -> People:
    """The people of an image, with the direction that all of them (N,3) say is up.

    Raises:
        DatasetError: they do not agree, or it is no unit vector.
    """
    if not len(ups):
        return people
    if not np.array_equal(ups, np.broadcast_to(ups[0], ups.shape), equal_nan=True):
        raise file.error(f"the people of image {key!r} must have the same up")
    try:
        return replace(people, up=ups[0])
    except ValueError as error:
        raise file.error(f"image {key!r}: {error}") from error


def require_distinct(file: Record, key: str, persons: np.ndarray) -> None:
    """Raise a DatasetError if an image has a person number twice."""
    number, count = Counter(persons.tolist()).most_common(1)[0] if len(persons) else (None, 0)
    if count > 1:
        raise file.error(f"image {key!r} has {count} predictions of person {number}")


def person_numbers(people: People) -> np.ndarray:
    """Numbers (N,) that identify people in a file: track ids, or rows without tracking."""
    tracked = (people.track_ids != NO_TRACK).any()
    return people.track_ids if tracked else np.arange(len(people))
