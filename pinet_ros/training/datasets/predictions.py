"""Predictions: the people that an estimator found in the images of a data set.

They are read from .npz and .json (see `predictions_npz` and `predictions_json`, which are
written too), from the pair of .mat files of 3DMPPE (see `predictions_mat`), and from the released
PI-Net's *_with_posenet_result.json (see `coco`), whose poses keypoints_cam_posenet are taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pinet_ros.people import People
from pinet_ros.training.datasets.coco import read_coco
from pinet_ros.training.datasets.errors import DatasetError
from pinet_ros.training.datasets.files import read_json
from pinet_ros.training.datasets.predictions_json import people_of_json, write_json
from pinet_ros.training.datasets.predictions_mat import read_mats
from pinet_ros.training.datasets.predictions_npz import read_npz, write_npz
from pinet_ros.training.datasets.rows import select

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
        return Predictions(path, read_mats(path))
    if path.suffix == ".json":
        return Predictions(path, _read_json(path))
    raise DatasetError(f"predictions are read from .npz, .json and .mat files, got {path}")


def _read_json(path: Path) -> dict[str, People]:
    file = read_json(path)
    return _initial_people(path) if "annotations" in file else people_of_json(file)


def _initial_people(path: Path) -> dict[str, People]:
    images = read_coco(path)
    with_initial = [image.initial for image in images if image.initial is not None]
    if not with_initial:
        raise DatasetError(
            f"{path} holds annotations but no predictions: none has keypoints_cam_posenet"
        )
    nobody = People.empty(with_initial[0].joint_set)
    return {
        image.key: nobody if image.initial is None else select(image.initial, image.initial.known)
        for image in images
    }


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
