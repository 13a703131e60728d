"""Annotations: a data set's images with their true people, from any format that is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from pinet_ros.cli.predictions.predictions import Predictions
from pinet_ros.cli.predictions.sequences import select_sequences
from pinet_ros.errors import DatasetError
from pinet_training.datasets.annotated_image import AnnotatedImage
from pinet_training.datasets.coco import read_coco
from pinet_training.datasets.mupots import read_mupots

_EXPECTED = "the folder of MuPoTS-3D that holds TS1 to TS20, or a .json file of annotations"


@dataclass(frozen=True, eq=False)
class Annotations:
    """All images of a data set.

    Attributes:
        source: the file or folder that they were read from.
        images: in the order of the file.

    Raises:
        DatasetError: two images have one key.
    """

    source: Path
    images: tuple[AnnotatedImage, ...]

    def __post_init__(self) -> None:
        counts = Counter(image.key for image in self.images)
        if twice := [key for key, count in counts.items() if count > 1]:
            raise DatasetError(
                f"{self.source}: {counts[twice[0]]} images have the key {twice[0]!r}; each needs "
                "a file name of its own"
            )

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def by_key(self) -> dict[str, AnnotatedImage]:
        """The images by their keys."""
        return {image.key: image for image in self.images}

    @property
    def sequences(self) -> tuple[str, ...]:
        """The names of the sequences, in the order of the images."""
        return tuple(dict.fromkeys(image.sequence for image in self.images))

    def select(self, sequences: str | None) -> Annotations:
        """The images of some sequences, see `select_sequences`; all without an expression.

        Raises:
            DatasetError: a sequence is not there.
        """
        if sequences is None:
            return self
        chosen = set(select_sequences(sequences, self.sequences, self.source))
        images = tuple(image for image in self.images if image.sequence in chosen)
        return replace(self, images=images)

    def without_unselected(self, predictions: Predictions, selected: Annotations) -> Predictions:
        """Predictions without those for images of this data set that are not selected.

        Raises:
            DatasetError: none is left.
        """
        images = {
            key: people
            for key, people in predictions.images.items()
            if key in selected.by_key or key not in self.by_key
        }
        if not images:
            raise DatasetError(
                f"{predictions.source} has no predictions for the chosen sequences "
                f"{', '.join(selected.sequences)}; choose others with --sequences"
            )
        return Predictions(predictions.source, images)


def read_annotations(path: Path) -> Annotations:
    """Read a data set.

    Args:
        path: a folder for MuPoTS-3D as it is published (see `mupots`), a .json file for the COCO
            style of 3DMPPE and of the released PI-Net (see `coco`).

    Raises:
        DatasetError: there is no such data set, or something of it is missing or misshapen.
    """
    path = Path(path)
    if not path.exists():
        raise DatasetError(f"there is no file or folder {path}; give {_EXPECTED}")
    if (path / "dataset.json").is_file():
        raise DatasetError(
            f"{path} holds rendered scenes, which `pinet scenes estimate` makes a file (.npz) to "
            f"train and test on; give that file, or {_EXPECTED}"
        )
    if path.is_dir():
        return Annotations(path, read_mupots(path))
    if path.suffix == ".json":
        return Annotations(path, read_coco(path))
    raise DatasetError(f"{path} is no data set: give {_EXPECTED}")
