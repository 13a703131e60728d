"""The ground truth file of a shard, truth.npz."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pinet_ros.cli.predictions.records import Record, read_arrays

# The arrays of truth.npz: type of the values and shape of a row. A row is one scene or one person,
# as the name says.
# - person_joints: metres, camera optical frame
# - person_joints_image, person_box: pixels of the image, with distortion (that of Camera); the box
#   encloses the visible part of the person's mesh and is NaN if nothing is visible
# - person_visible: whether the joint is in the image and not occluded
# - person_hidden_by: 0 nothing, 1 another person, 2 an object, 3 the joint is outside of the image
# - scene_sequence: frames of one sequence have the same number, and follow each other in time; a
#   single scene is a sequence of one frame
# - scene_camera_position: metres, world frame (z up, floor at z = 0, the same for all frames of a
#   sequence); scene_camera_rotation rotates from it to the camera frame:
#   p_camera = rotation @ (p_world - position)
# - person_id: the same person has the same number in all frames of a sequence
# - person_stance: what the person does, see acting, or the kind of contact with another person
# - person_clothes: names, separated by commas, of what not everybody wears, such as skirt or cap
# - person_order: indices, within the scene, of its people, sorted by the distance of their root
#   from the person's own, starting with the person; -1 at the end if there are fewer people
TRUTH: dict[str, tuple[type, tuple[int, ...]]] = {
    "scene_image": (str, ()),  # file name
    "scene_split": (str, ()),
    "scene_cameras": (str, ()),  # kind of camera, by which results are reported
    "scene_intrinsics": (np.float64, (4,)),  # fx fy cx cy, pixels
    "scene_distortion": (np.float64, (8,)),
    "scene_camera_height": (np.float32, ()),  # metres above the ground
    "scene_camera_pitch": (np.float32, ()),  # radians, positive looks down
    "scene_camera_roll": (np.float32, ()),  # radians
    "scene_camera_position": (np.float64, (3,)),
    "scene_camera_rotation": (np.float64, (3, 3)),
    "scene_sequence": (np.int32, ()),
    "scene_frame": (np.int32, ()),  # in the sequence, from 0
    "scene_time": (np.float64, ()),  # seconds since the sequence's first frame
    "person_scene": (np.int32, ()),
    "person_id": (np.int32, ()),
    "person_joints": (np.float32, (17, 3)),
    "person_joints_image": (np.float32, (17, 2)),
    "person_in_image": (np.bool_, (17,)),
    "person_visible": (np.bool_, (17,)),
    "person_hidden_by": (np.int8, (17,)),
    "person_box": (np.float32, (4,)),
    "person_body": (np.int32, ()),
    "person_motion": (str, ()),  # name of the clip
    "person_stance": (str, ()),
    "person_stature": (np.float32, ()),  # metres, of the body without clothes and standing
    "person_clothes": (str, ()),
    "person_order": (np.int8, (8,)),
}
_HIGHEST = {"person_hidden_by": 3, "person_order": 7}
_LOWEST = {"person_order": -1}


def write_truth(path: Path, truth: Mapping[str, np.ndarray]) -> None:
    """Write the arrays of TRUTH.

    Args:
        path: the .npz file.
        truth: the arrays by name.

    Raises:
        DatasetError: an array is missing, unknown, or has a wrong type, shape or value.
    """
    checked = _checked(Record(path, "", dict(truth)))
    with path.open("wb") as stream:
        np.savez_compressed(stream, **checked)


def read_truth(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of TRUTH.

    Raises:
        DatasetError: the file is missing or damaged, or its arrays are not those of TRUTH.
    """
    return _checked(read_arrays(path, tuple(TRUTH)))


def _checked(file: Record) -> dict[str, np.ndarray]:
    """The arrays, checked and converted to the types of TRUTH."""
    if wrong := sorted(set(TRUTH) ^ set(file.fields)):
        raise file.error(
            f"must contain exactly the arrays of TRUTH; missing or unexpected: {wrong}"
        )
    counts = {
        kind: np.size(file[f"{kind}_{name}"])
        for kind, name in (("scene", "image"), ("person", "scene"))
    }
    if not counts["scene"]:
        raise file.error("must contain at least one scene")
    truth = {name: _field(file, name, counts) for name in TRUTH}
    if not np.isfinite(truth["person_joints"]).all():
        raise file.error("person_joints must be finite")
    return truth


def _field(file: Record, name: str, counts: Mapping[str, int]) -> np.ndarray:
    kind, shape = TRUTH[name]
    shape = (counts[name.partition("_")[0]], *shape)
    if kind is str:
        text = np.asarray(file[name], str)
        if text.shape != shape:
            raise file.error(f"{name} must have shape {shape}, got {text.shape}")
        return text
    if np.issubdtype(kind, np.integer):
        highest = {"person_scene": counts["scene"] - 1, **_HIGHEST}
        limit = highest.get(name, np.iinfo(kind).max)
        return file.whole_numbers(name, *shape, low=_LOWEST.get(name, 0), high=limit).astype(kind)
    return file.array(name, *shape).astype(kind)
