"""Predictions: the people that an estimator found in the images of a data set.

They are read from and written to .npz and .json files, see `predictions_npz` and
`predictions_json`. The package pinet_training can read two more formats: the pair of .mat files of
3DMPPE, and keypoints_cam_posenet in the released PI-Net's *_with_posenet_result.json.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pinet_ros.cli.predictions.predictions_json import people_of_json, write_json
from pinet_ros.cli.predictions.predictions_npz import read_npz, write_npz
from pinet_ros.cli.predictions.records import read_json
from pinet_ros.errors import DatasetError
from pinet_ros.people import People
from pinet_ros.util.plugins import load_plugin

_READERS = "pinet.predictions"  # entry points of the package pinet_training
_WRITERS = {".npz": write_npz, ".json": write_json}


@dataclass(frozen=True, eq=False)
class Predictions:
    """People found by an estimator, image by image.

    Attributes:
        source: file that they were read from; None if they are not from a file.
        images: people of each image by its key (see `image_key`), metres, all in one joint set;
            joints_image is NaN if unknown. An image without people has an empty entry. An image
            that the estimator did not process, or that a .mat file leaves out, has no entry.

    Raises:
        DatasetError: there is no image, or there are several joint sets.
    """

    source: Path | None
    images: dict[str, People]

    def __post_init__(self) -> None:
        names = sorted({people.joint_set.name for people in self.images.values()})
        if len(names) != 1:
            raise DatasetError(
                f"{self.source or 'predictions'}: predictions must have at least one image and "
                f"one joint set, got {len(self.images)} images in "
                f"{', '.join(names) or 'no joint set'}"
            )


def read_predictions(path: Path) -> Predictions:
    """Read predictions in any of the formats named above.

    Raises:
        DatasetError: the file or a field is missing, a field is misshapen, the unit or the joint
            set is unknown, or a person is predicted twice in an image.
    """
    path = Path(path)
    if path.suffix == ".npz":
        return Predictions(path, read_npz(path))
    if path.suffix == ".mat":
        return Predictions(path, _read_by_plugin("mat", path))
    if path.suffix == ".json":
        return Predictions(path, _read_json(path))
    raise DatasetError(f"predictions must be a .npz, .json or .mat file, got {path}")


def _read_json(path: Path) -> dict[str, People]:
    file = read_json(path)
    if "annotations" in file:
        return _read_by_plugin("annotations", path)
    return people_of_json(file)


def _read_by_plugin(name: str, path: Path) -> dict[str, People]:
    """Read a format of data sets that the package pinet_training supports."""
    return load_plugin(_READERS, name, f"reading {path}")(path)


def require_writable(path: Path) -> Path:
    """Check that predictions can be written to files with this suffix; returns the path.

    Raises:
        DatasetError: the suffix is neither .npz nor .json.
    """
    if Path(path).suffix not in _WRITERS:
        raise DatasetError(f"predictions are written to a .npz or .json file, got {path}")
    return Path(path)


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write predictions atomically to .npz or .json, according to the suffix.

    Raises:
        DatasetError: the suffix is neither, or an image has a track id twice.
    """
    _WRITERS[require_writable(path).suffix](Path(path), predictions.images)
