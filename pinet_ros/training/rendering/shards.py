"""Rendered scenes on disk: pictures and what is true of them, in shards, each whole or absent.

FOLDER/dataset.json             what decides all shards, with "size", [width, height] in pixels
FOLDER/shards/00000/truth.npz   S scenes and the P people in them, see TRUTH
FOLDER/shards/00000/000.jpg     the pictures, in the order of the scenes
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pinet_ros.camera import Camera
from pinet_ros.training.datasets.errors import DatasetError
from pinet_ros.training.datasets.files import Record, read_arrays, read_json
from pinet_ros.training.rendering.settings import hold_settings

_FORMAT = 1
_SETTINGS = "dataset.json"
_TRUTH = "truth.npz"
_NAME = "{:05d}"  # of a shard's folder

# What truth.npz holds: kind of values, shape of one row. A row is a scene or a person by the name.
# - person_joints in metres, camera optical frame; all that is in the image in its pixels, with the
#   distortion (that of Camera): joints, and the box of what is seen of the mesh (NaN for nothing)
# - person_visible: the joint is in the image, and nothing hides it
# - person_hidden_by: 0 nothing, 1 another person, 2 an object, 3 it is outside of the image
# - person_order: the scene's people from the person itself to the one whose root is the farthest
#   from it, counted within the scene; -1 at the end where there are fewer
TRUTH: dict[str, tuple[type, tuple[int, ...]]] = {
    "scene_image": (str, ()),  # file name
    "scene_split": (str, ()),
    "scene_cameras": (str, ()),  # kind of camera, by which figures are reported
    "scene_intrinsics": (np.float64, (4,)),  # fx fy cx cy, pixels
    "scene_distortion": (np.float64, (8,)),
    "scene_camera_height": (np.float32, ()),  # metres above the ground
    "scene_camera_pitch": (np.float32, ()),  # radians, positive looks down
    "scene_camera_roll": (np.float32, ()),  # radians
    "person_scene": (np.int32, ()),
    "person_joints": (np.float32, (17, 3)),
    "person_joints_image": (np.float32, (17, 2)),
    "person_in_image": (np.bool_, (17,)),
    "person_visible": (np.bool_, (17,)),
    "person_hidden_by": (np.int8, (17,)),
    "person_box": (np.float32, (4,)),
    "person_body": (np.int32, ()),
    "person_motion": (str, ()),  # name of the clip
    "person_stance": (str, ()),
    "person_order": (np.int8, (6,)),
}
_HIGHEST = {"person_hidden_by": 3, "person_order": 5}
_LOWEST = {"person_order": -1}


@dataclass(frozen=True, eq=False)
class Shard:
    """Some scenes of a rendered data set.

    Attributes:
        folder: of the pictures.
        size: their width and height, pixels.
        truth: the arrays of TRUTH.
    """

    folder: Path
    size: tuple[int, int]
    truth: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.truth["scene_image"])

    def image(self, scene: int) -> np.ndarray:
        """The picture (H,W,3) uint8 BGR of a scene.

        Raises:
            DatasetError: it is missing, damaged, or of another size.
        """
        path = self.folder / str(self.truth["scene_image"][scene])
        image = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
        if image is not None and image.shape[1::-1] == self.size:
            return image
        found = "none that can be read" if image is None else _by(image.shape[1::-1])
        raise DatasetError(
            f"{path} must be a picture of {_by(self.size)} pixels, got {found}; remove the folder "
            f"{self.folder} to render it again"
        )

    def camera(self, scene: int) -> Camera:
        """The camera that took the picture of a scene."""
        fx, fy, cx, cy = self.truth["scene_intrinsics"][scene]
        matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
        return Camera(*self.size, matrix, self.truth["scene_distortion"][scene])


class RenderedScenes:
    """The folder of a rendered data set, to read from and to add shards to."""

    def __init__(self, folder: Path) -> None:
        """Open a data set.

        Raises:
            DatasetError: there is none in the folder, or one of another format.
        """
        self.folder = Path(folder)
        settings = read_json(self.folder / _SETTINGS)
        if settings.fields.get("format") != _FORMAT:
            raise settings.error(
                f"must be of format {_FORMAT}, got {settings.fields.get('format')!r}; render the "
                "scenes again, or use the version of pinet_ros that did it"
            )
        self.settings = settings.fields
        self.size = tuple(settings.whole_numbers("size", 2, low=1).tolist())

    @classmethod
    def begin(cls, folder: Path, settings: Mapping[str, Any]) -> RenderedScenes:
        """Begin a data set, or go on with it.

        Args:
            folder: made where it is missing.
            settings: all that decides the shards, with `size`, `seed` and `scenes_per_shard`; of
                what JSON has.

        Raises:
            DatasetError: the folder holds a data set of other settings.
        """
        hold_settings(Path(folder) / _SETTINGS, {"format": _FORMAT, **settings})
        return cls(folder)

    def shards(self) -> list[int]:
        """The numbers of the shards that are there."""
        folders = (self.folder / "shards").glob("[0-9]*")
        return sorted(int(folder.name) for folder in folders if folder.name.isdecimal())

    def missing_shards(self, count: int) -> list[int]:
        """Which of the first `count` shards are not there yet."""
        return sorted(set(range(count)) - set(self.shards()))

    def read(self, number: int) -> Shard:
        """Open a shard; its pictures are read when they are asked for.

        Raises:
            DatasetError: it is missing, or its truth is damaged.
        """
        folder = self._shard_folder(number)
        try:
            return Shard(folder, self.size, _read_truth(folder / _TRUTH))
        except DatasetError as error:
            raise DatasetError(
                f"{error}; remove the folder {folder} to render it again"
            ) from error

    def write(
        self,
        number: int,
        images: Sequence[tuple[np.ndarray, int]],
        truth: Mapping[str, np.ndarray],
    ) -> None:
        """Add a shard; one that is interrupted is not there.

        Args:
            number: of the shard, from 0 on.
            images: for each scene (H,W,3) uint8 BGR, and the quality of its JPEG, 1 to 100.
            truth: the arrays of TRUTH but for `scene_image`.

        Raises:
            DatasetError: the shard is there already, or pictures or truth do not fit.
            OSError: it cannot be written.
        """
        folder = self._shard_folder(number)
        if folder.exists():
            raise DatasetError(f"{folder} is there already; remove it to write it again")
        partial = folder.with_name(f".{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)  # of a run that was killed
        partial.mkdir(parents=True)
        try:
            names = [f"{scene:03d}.jpg" for scene in range(len(images))]
            for name, (image, quality) in zip(names, images, strict=True):
                _write_image(partial / name, image, quality, self.size)
            _write_truth(partial / _TRUTH, {**truth, "scene_image": np.array(names, str)})
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _shard_folder(self, number: int) -> Path:
        return self.folder / "shards" / _NAME.format(number)


def _write_image(path: Path, image: np.ndarray, quality: int, size: tuple[int, int]) -> None:
    if image.shape != (*size[::-1], 3) or image.dtype != np.uint8:
        raise DatasetError(
            f"{path.name} must be a picture of {_by(size)} pixels, uint8 BGR, got "
            f"{image.shape} {image.dtype}"
        )
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    path.write_bytes(encoded.tobytes())


def _write_truth(path: Path, truth: Mapping[str, np.ndarray]) -> None:
    """Write the arrays if they are what a reader expects."""
    checked = _checked(Record(path, "", dict(truth)))
    with path.open("wb") as stream:
        np.savez_compressed(stream, **checked)


def _read_truth(path: Path) -> dict[str, np.ndarray]:
    return _checked(read_arrays(path, tuple(TRUTH)))


def _checked(file: Record) -> dict[str, np.ndarray]:
    """The arrays of TRUTH with its types and shapes."""
    if wrong := sorted(set(TRUTH) ^ set(file.fields)):
        raise file.error(f"must hold exactly the arrays of TRUTH; too many or too few: {wrong}")
    counts = {
        kind: np.size(file[f"{kind}_{name}"])
        for kind, name in (("scene", "image"), ("person", "scene"))
    }
    if not counts["scene"]:
        raise file.error("must hold a scene at least")
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


def _by(size: Sequence[int]) -> str:
    return "x".join(map(str, size))
