"""Rendered scenes on disk: images and ground truth in shards, which are written atomically.

FOLDER/dataset.json             what decides all shards, with "size": [width, height] in pixels
FOLDER/shards/00000/truth.npz   S scenes and the P people in them, see shard_truth.TRUTH
FOLDER/shards/00000/000.jpg     the images, in the order of the scenes
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from os import SEEK_END
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

_FORMAT = 2  # 1 had at most six people in a scene, and neither their clothes nor statures
_SETTINGS = "dataset.json"
_TRUTH = "truth.npz"
_NAME = "{:05d}"  # of a shard's folder
_PARTIAL = ".partial"  # suffix of a shard's folder while it is being written
_ABANDONED = 3600.0  # seconds without a change after which its run must have been killed
_END_OF_JPEG = b"\xff\xd9"


@dataclass(frozen=True, eq=False)
class Shard:
    """Some scenes of a rendered data set.

    Attributes:
        folder: folder of the images.
        size: their width and height, pixels.
        truth: the arrays of TRUTH.
    """

    folder: Path
    size: tuple[int, int]
    truth: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.truth["scene_image"])

    def image(self, scene: int) -> np.ndarray:
        """Read the image (H,W,3) uint8 BGR of a scene.

        Args:
            scene: index of the scene in the shard.

        Raises:
            DatasetError: the image is missing, damaged, or of another size.
        """
        path = self.folder / str(self.truth["scene_image"][scene])
        content = path.read_bytes() if path.is_file() else b""
        # OpenCV may fill the rest of a truncated JPEG with gray and only print a warning
        image = _decoded(content) if content.endswith(_END_OF_JPEG) else None
        if image is not None and image.shape[1::-1] == self.size:
            return image
        found = "a missing or damaged file" if image is None else _by(image.shape[1::-1])
        raise DatasetError(
            f"{path} must be an image of {_by(self.size)} pixels, got {found}; remove the folder "
            f"{self.folder} to render it again"
        )

    def damaged_images(self) -> list[Path]:
        """The images that are missing or cut off, as far as can be told without decoding them."""
        paths = [self.folder / str(name) for name in self.truth["scene_image"]]
        return [path for path in paths if not _is_whole(path)]

    def camera(self, scene: int) -> Camera:
        """Return the camera of a scene, by the scene's index in the shard."""
        intrinsics = self.truth["scene_intrinsics"][scene]
        distortion = self.truth["scene_distortion"][scene]
        return Camera.from_intrinsics(*self.size, *intrinsics, distortion)


def require_whole(shards: Iterable[Shard]) -> None:
    """See that no image of shards is missing or cut off, without decoding them.

    Raises:
        DatasetError: some are.
    """
    damaged = {shard.folder: images for shard in shards if (images := shard.damaged_images())}
    if damaged:
        images = [image for of_shard in damaged.values() for image in of_shard]
        raise DatasetError(
            f"{len(images)} images are missing or damaged, such as {images[0]}; remove the "
            f"folders {', '.join(map(str, damaged))} to render them again, and run this again"
        )


class RenderedScenes:
    """The folder of a rendered data set, for reading shards and for adding them.

    Attributes:
        folder: the folder.
        settings: the contents of dataset.json.
        size: width and height of the images, pixels.
    """

    def __init__(self, folder: Path) -> None:
        """Open a data set.

        Raises:
            DatasetError: the folder contains no data set, or one of another format.
        """
        self.folder = Path(folder)
        if not (self.folder / _SETTINGS).is_file():
            raise DatasetError(
                f"there is no file {self.folder / _SETTINGS}, so {folder} holds no rendered "
                "scenes; give the folder that `pinet scenes render` wrote"
            )
        settings = read_json(self.folder / _SETTINGS)
        if settings.fields.get("format") != _FORMAT:
            raise settings.error(
                f"must be of format {_FORMAT}, got {settings.fields.get('format')!r}; render the "
                "scenes again, or use the version of pinet_ros that rendered them"
            )
        self.settings = settings.fields
        self.size = tuple(settings.whole_numbers("size", 2, low=1).tolist())

    @classmethod
    def begin(cls, folder: Path, settings: Mapping[str, Any]) -> RenderedScenes:
        """Start a data set, or open it to add shards.

        Partial shards of runs that were killed are removed.

        Args:
            folder: of the data set; created if it is missing.
            settings: everything that decides the shards, with `size`, `seed` and
                `scenes_per_shard`, in types that JSON has. In a folder without shards they replace
                the settings there.

        Raises:
            DatasetError: the folder contains shards of other settings.
        """
        folder = Path(folder)
        settings = {"format": _FORMAT, **settings}
        hold_settings(folder / _SETTINGS, settings, replace=not _shards_in(folder))
        _remove_abandoned(folder)
        return cls(folder)

    def shards(self) -> list[int]:
        """Return the numbers of all shards in the folder, sorted."""
        return _shards_in(self.folder)

    def missing_shards(self, count: int) -> list[int]:
        """Return which of the first `count` shards do not exist yet, sorted."""
        return sorted(set(range(count)) - set(self.shards()))

    def read(self, number: int) -> Shard:
        """Read a shard's truth; its images are read on request.

        Raises:
            DatasetError: the shard is missing, or its truth is damaged.
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
        """Write a shard, unless it exists. After an interruption there is no shard.

        Several runs may add shards at the same time. If two of them write the same shard, the
        first one stays; both are equal, as the settings decide their content.

        Args:
            number: of the shard, from 0.
            images: for each scene (H,W,3) uint8 BGR, and the quality of its JPEG, 1 to 100.
            truth: the arrays of TRUTH except `scene_image`.

        Raises:
            DatasetError: images or truth have a wrong shape or type, or another run has restarted
                the data set with other settings.
            OSError: the shard cannot be written.
        """
        folder = self._shard_folder(number)
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(mkdtemp(_PARTIAL, f".{folder.name}.", folder.parent))
        try:
            names = [f"{scene:03d}.jpg" for scene in range(len(images))]
            for name, (image, quality) in zip(names, images, strict=True):
                _write_image(partial / name, image, quality, self.size)
            write_truth(partial / _TRUTH, {**truth, "scene_image": np.array(names, str)})
            partial.chmod(folder.parent.stat().st_mode & 0o777)  # mkdtemp allows the owner only
            self._require_unchanged()
            _rename_unless_there(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _require_unchanged(self) -> None:
        """Check that no other run has replaced the settings, as it may while no shard exists."""
        now = read_json(self.folder / _SETTINGS)
        if difference := first_difference(now.fields, self.settings):
            raise now.error(
                f"another run restarted the data set with other settings: {difference}; choose "
                "another folder for one of the runs"
            )

    def _shard_folder(self, number: int) -> Path:
        return self.folder / "shards" / _NAME.format(number)


def _shards_in(folder: Path) -> list[int]:
    folders = (folder / "shards").glob("[0-9]*")
    return sorted(int(folder.name) for folder in folders if folder.name.isdecimal())


def _remove_abandoned(folder: Path) -> None:
    """Remove partial shards of runs that were killed, not those of runs that may be active."""
    for partial in (folder / "shards").glob(f".*{_PARTIAL}"):
        with suppress(FileNotFoundError):  # its run has just finished it
            if time() - partial.stat().st_mtime > _ABANDONED:
                shutil.rmtree(partial, ignore_errors=True)


def _rename_unless_there(partial: Path, folder: Path) -> None:
    try:
        partial.rename(folder)
    except OSError:
        if not folder.is_dir():  # if it is there, another run has written the shard meanwhile
            raise


def _is_whole(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        length = file.seek(0, SEEK_END)
        file.seek(max(0, length - len(_END_OF_JPEG)))
        return file.read() == _END_OF_JPEG


def _decoded(content: bytes) -> np.ndarray | None:
    """Decode an image file's content to (H,W,3) uint8 BGR; None if it is not an image."""
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)


def _write_image(path: Path, image: np.ndarray, quality: int, size: tuple[int, int]) -> None:
    if image.shape != (*size[::-1], 3) or image.dtype != np.uint8:
        raise DatasetError(
            f"{path.name} must be an image of {_by(size)} pixels, uint8 BGR, got "
            f"{image.shape} {image.dtype}"
        )
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    path.write_bytes(encoded.tobytes())


def _by(size: Sequence[int]) -> str:
    return "x".join(map(str, size))
