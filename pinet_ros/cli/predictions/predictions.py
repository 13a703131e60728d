"""Predictions: the people that an estimator found in the images of a data set.

They are read and written as .npz and .json, see `predictions_npz` and `predictions_json`. The
package pinet_training adds two more formats to read: the pair of .mat files of 3DMPPE, and the
poses keypoints_cam_posenet in the released PI-Net's *_with_posenet_result.json.
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
    """What an estimator found, image by image.

    Attributes:
        source: the file that they were read from, None for those that were just made.
        images: the people of each image by its key (see `image_key`), all in one joint set, in
            metres; joints_image are NaN when unknown. An image in which nobody was found has
            empty people; one that the estimator did not see, or that a .mat leaves out, has none.

    Raises:
        DatasetError: there is no image, or there are several joint sets.
    """

    source: Path | None
    images: dict[str, People]

    def __post_init__(self) -> None:
        names = sorted({people.joint_set.name for people in self.images.values()})
        if len(names) != 1:
            raise DatasetError(
                f"{self.source or 'predictions'}: predictions must be of one image at least and "
                f"all in one joint set, got {len(self.images)} images in "
                f"{', '.join(names) or 'no joint set'}"
            )


def read_predictions(path: Path) -> Predictions:
    """Read predictions of any format named above.

    Raises:
        DatasetError: the file or a field is missing, a field is misshapen, the unit or the joint
            set is not known, or one person of an image is predicted twice.
    """
    path = Path(path)
    if path.suffix == ".npz":
        return Predictions(path, read_npz(path))
    if path.suffix == ".mat":
        return Predictions(path, _read_by_plugin("mat", path))
    if path.suffix == ".json":
        return Predictions(path, _read_json(path))
    raise DatasetError(f"predictions are read from .npz, .json and .mat files, got {path}")


def _read_json(path: Path) -> dict[str, People]:
    file = read_json(path)
    if "annotations" in file:
        return _read_by_plugin("annotations", path)
    return people_of_json(file)


def _read_by_plugin(name: str, path: Path) -> dict[str, People]:
    """Read a format of data sets, which the package pinet_training knows."""
    return load_plugin(_READERS, name, f"reading {path}")(path)


def require_writable(path: Path) -> Path:
    """The path itself, if predictions can be written there by its suffix.

    Raises:
        DatasetError: they cannot.
    """
    if Path(path).suffix not in _WRITERS:
        raise DatasetError(f"predictions are written to .npz or .json files, got {path}")
    return Path(path)


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write predictions to .npz or .json by the suffix, whole or not at all.

    Raises:
        DatasetError: the suffix is another, or one track id stands twice in an image.
    """
    _WRITERS[require_writable(path).suffix](Path(path), predictions.images)
