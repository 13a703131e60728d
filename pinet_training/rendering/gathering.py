"""Estimates of a rendered data set: stored per shard, then gathered into one file of scenes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pinet_ros.cli.predictions.records import read_arrays
from pinet_ros.errors import DatasetError
from pinet_ros.people import People
from pinet_ros.skeleton import MUPOTS_17
from pinet_ros.util.files import write_whole
from pinet_training.datasets.scene_fields import NOBODY
from pinet_training.rendering.estimate_matching import match_estimates
from pinet_training.rendering.shards import Shard

# What is stored of each estimate: arrays of People and shapes, by the name in a file of scenes.
_ESTIMATES = {
    "estimate_initial_joints": ("joints", (17, 3)),
    "estimate_joints_image": ("joints_image", (17, 2)),
    "estimate_confidence": ("confidence", (17,)),
    "estimate_box": ("boxes", (4,)),
    "estimate_score": ("scores", ()),
}
# The same of what not every estimator gives.
_DEVIATIONS = {
    "estimate_deviation": ("deviations", (17,)),
    "estimate_distance_deviation": ("distance_deviations", ()),
    "estimate_root_deviation": ("root_deviations", ()),
}


def write_estimates(path: Path, found: Sequence[People]) -> None:
    """Write the people that an estimator found in each scene of a shard.

    Args:
        path: of the .npz file to write.
        found: the people of each scene, in the order of the shard.

    Raises:
        UnknownJointSetError: their joint set has no conversion to MUPOTS_17.
        OSError: the file cannot be written.
    """
    found = [people.to_joint_set(MUPOTS_17) for people in found]
    arrays = {
        name: np.concatenate([getattr(people, array) for people in found])
        for name, (array, _) in (_ESTIMATES | _DEVIATIONS).items()
    }
    arrays["estimate_scene"] = np.repeat(np.arange(len(found)), [len(p) for p in found])
    write_whole(path, lambda stream: np.savez(stream, **arrays))


def read_estimates(path: Path, shard: Shard) -> dict[str, np.ndarray]:
    """Read the estimates of a shard written by `write_estimates`.

    Args:
        path: of the .npz file.
        shard: that the estimates are of.

    Returns:
        The estimate arrays of a file of scenes, by name.

    Raises:
        DatasetError: the file is missing or damaged, or has scenes that the shard lacks.
    """
    try:
        file = read_arrays(path, ("estimate_scene", *_ESTIMATES, *_DEVIATIONS))
        count = np.size(file["estimate_scene"])
        scenes = file.whole_numbers("estimate_scene", count, low=0, high=len(shard) - 1)
        return {
            "estimate_scene": scenes.astype(np.int32),
            **{
                name: file.array(name, count, *shape).astype(np.float32)
                for name, (_, shape) in _ESTIMATES.items()
            },
            **{
                name: (
                    file.array(name, count, *shape).astype(np.float32)
                    if name in file  # estimates of earlier versions lack it
                    else np.full((count, *shape), np.nan, np.float32)
                )
                for name, (_, shape) in _DEVIATIONS.items()
            },
        }
    except DatasetError as error:
        raise DatasetError(f"{error}; remove {path} to estimate the shard again") from error


def gather(
    shards: Mapping[int, Shard], estimates: Sequence[dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Combine truth and estimates of all shards, and match the estimates with the people.

    A kind of deviation that is unknown of all estimates is left out.

    Args:
        shards: by their numbers.
        estimates: of each shard, in the same order, see `read_estimates`.

    Returns:
        The arrays of a file of scenes, by name.
    """
    parts = []
    scenes = people = 0
    for (number, shard), found in zip(shards.items(), estimates, strict=True):
        part = shard.truth | found | _match(shard.truth, found)
        part["scene_image"] = np.array([f"{number:05d}/{n}" for n in part["scene_image"]], str)
        matched = part["estimate_person"] != NOBODY
        part["estimate_person"][matched] += people
        part["person_scene"] = part["person_scene"] + np.int32(scenes)
        part["estimate_scene"] = part["estimate_scene"] + np.int32(scenes)
        scenes, people = scenes + len(shard), people + len(part["person_scene"])
        parts.append(part)
    fields = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    unknown = {name for name in _DEVIATIONS if np.isnan(fields[name]).all()}
    return {name: array for name, array in fields.items() if name not in unknown}


def _match(
    truth: dict[str, np.ndarray], estimates: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Match a shard's estimates with its people, scene by scene; persons are rows of the shard."""
    persons = np.full(len(estimates["estimate_scene"]), NOBODY, np.int32)
    duplicates = np.zeros(len(persons), bool)
    for scene in np.unique(estimates["estimate_scene"]):
        people = np.flatnonzero(truth["person_scene"] == scene)
        rows = np.flatnonzero(estimates["estimate_scene"] == scene)
        matches, duplicates[rows] = match_estimates(
            truth["person_joints_image"][people], estimates["estimate_joints_image"][rows]
        )
        matched = matches != NOBODY
        persons[rows[matched]] = people[matches[matched]]
    return {"estimate_person": persons, "estimate_duplicate": duplicates}
