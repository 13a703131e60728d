"""Rendered scenes on disk: pictures and what is true of them, in shards, each whole or absent.

FOLDER/dataset.json             what decides all shards, with "size", [width, height] in pixels
FOLDER/shards/00000/truth.npz   S scenes and the P people in them, see shard_truth.TRUTH
FOLDER/shards/00000/000.jpg     the pictures, in the order of the scenes
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from time import time
from typing import Any

import cv2
import numpy as np

from pinet_ros.cli.predictions.records import read_json
from pinet_ros.errors import DatasetError
from pinet_ros.geometry.camera import Camera
from pinet_training.rendering.shard_truth import read_truth, write_truth
from pinet_training.runs.settings import first_difference, hold_settings

_FORMAT = 1
_SETTINGS = "dataset.json"
_TRUTH = "truth.npz"
_NAME = "{:05d}"  # of a shard's folder
_PARTIAL = ".partial"  # the ending of one that is being written
_ABANDONED = 3600.0  # seconds after which one that nobody writes to is of a run that was killed
_END_OF_JPEG = b"\xff\xd9"


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
        content = path.read_bytes() if path.is_file() else b""
        # one that is cut off OpenCV may fill up with grey, and only warn
        image = _decoded(content) if content.endswith(_END_OF_JPEG) else None
        if image is not None and image.shape[1::-1] == self.size:
            return image
        found = "none that is whole" if image is None else _by(image.shape[1::-1])
        raise DatasetError(
            f"{path} must be a picture of {_by(self.size)} pixels, got {found}; remove the folder "
            f"{self.folder} to render it again"
        )

    def camera(self, scene: int) -> Camera:
        """The camera that took the picture of a scene."""
        intrinsics = self.truth["scene_intrinsics"][scene]
        distortion = self.truth["scene_distortion"][scene]
        return Camera.from_intrinsics(*self.size, *intrinsics, distortion)


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
        """Begin a data set, or go on with it; what killed runs left of shards is removed.

        Args:
            folder: made where it is missing.
            settings: all that decides the shards, with `size`, `seed` and `scenes_per_shard`; of
                what JSON has. Without a shard they replace those that are there.

        Raises:
            DatasetError: the folder holds shards of other settings.
        """
        folder = Path(folder)
        settings = {"format": _FORMAT, **settings}
        hold_settings(folder / _SETTINGS, settings, replace=not _shards_in(folder))
        _remove_abandoned(folder)
        return cls(folder)

    def shards(self) -> list[int]:
        """The numbers of the shards that are there."""
        return _shards_in(self.folder)

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
            return Shard(folder, self.size, read_truth(folder / _TRUTH))
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
        """Add a shard, unless it is there; one that is interrupted is not.

        Several runs may add shards at the same time: of two that add the same one, that of the
        first stays. They do not differ, as the settings decide what is in it.

        Args:
            number: of the shard, from 0 on.
            images: for each scene (H,W,3) uint8 BGR, and the quality of its JPEG, 1 to 100.
            truth: the arrays of TRUTH but for `scene_image`.

        Raises:
            DatasetError: pictures or truth do not fit, or the data set was begun anew with other
                settings.
            OSError: it cannot be written.
        """
        folder = self._shard_folder(number)
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(mkdtemp(_PARTIAL, f".{folder.name}.", folder.parent))
        try:
            names = [f"{scene:03d}.jpg" for scene in range(len(images))]
            for name, (image, quality) in zip(names, images, strict=True):
                _write_image(partial / name, image, quality, self.size)
            write_truth(partial / _TRUTH, {**truth, "scene_image": np.array(names, str)})
            partial.chmod(folder.parent.stat().st_mode & 0o777)  # it was the owner's alone
            self._require_unchanged()
            _rename_unless_there(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _require_unchanged(self) -> None:
        """See that no other run has replaced the settings, as it may while there is no shard."""
        now = read_json(self.folder / _SETTINGS)
        if difference := first_difference(now.fields, self.settings):
            raise now.error(
                f"another run began the data set anew: {difference}; choose another folder for "
                "one of them"
            )

    def _shard_folder(self, number: int) -> Path:
        return self.folder / "shards" / _NAME.format(number)


def _shards_in(folder: Path) -> list[int]:
    folders = (folder / "shards").glob("[0-9]*")
    return sorted(int(folder.name) for folder in folders if folder.name.isdecimal())


def _remove_abandoned(folder: Path) -> None:
    """Remove what was written of shards by runs that were killed; others may be running."""
    for partial in (folder / "shards").glob(f".*{_PARTIAL}"):
        with suppress(FileNotFoundError):  # its writer was faster
            if time() - partial.stat().st_mtime > _ABANDONED:
                shutil.rmtree(partial, ignore_errors=True)


def _rename_unless_there(partial: Path, folder: Path) -> None:
    try:
        partial.rename(folder)
    except OSError:
        if not folder.is_dir():  # or else another run has written the shard meanwhile
            raise


def _decoded(content: bytes) -> np.ndarray | None:
    """The picture (H,W,3) uint8 BGR of an image file's content, None where it is none."""
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)


def _write_image(path: Path, image: np.ndarray, quality: int, size: tuple[int, int]) -> None:
    if image.shape != (*size[::-1], 3) or image.dtype != np.uint8:
        raise DatasetError(
            f"{path.name} must be a picture of {_by(size)} pixels, uint8 BGR, got "
            f"{image.shape} {image.dtype}"
        )
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    path.write_bytes(encoded.tobytes())


def _by(size: Sequence[int]) -> str:
    return "x".join(map(str, size))
