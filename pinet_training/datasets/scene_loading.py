"""Reads the scenes of a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pinet_ros.errors import DatasetError
from pinet_ros.refinement.standardisation import joined_deviations
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.datasets.scene_fields import NOBODY, read_scene_fields
from pinet_training.datasets.scenes import Scene, Scenes, ScenesError

_NEAREST, _FARTHEST = 0.3, 15.0  # metres: depths of the root that an estimate is believed at
_PART_IN_IMAGE = 0.5  # of the joints of a person who is to be found


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
    fields["deviations"] = joined_deviations(
        fields["estimate_deviation"],
        fields["estimate_root_deviation"],
        fields["estimate_distance_deviation"],
    )
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
    deviations = fields["deviations"]
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
        deviations=deviations[estimates],
        extra_deviations=deviations[extra],
        extra_persons=_rows_of(fields["estimate_person"][extra], persons),
        camera_pitch=float(fields["scene_camera_pitch"][number]),
        up=fields["scene_camera_rotation"][number, :, 2],
        image=str(fields["scene_image"][number]),
        sequence=str(fields["sequence"][number]) or None,
        estimator=str(fields["scene_estimator"][number]),
    )


def _rows_of(wanted: np.ndarray, persons: np.ndarray) -> np.ndarray:
    """At which row of `persons` (N,) each of the wanted (K,) stands, NOBODY where it does not."""
    same = wanted[:, None] == persons  # (K,N)
    return np.where(same.any(axis=1), same.argmax(axis=1), NOBODY)
