"""Reads people in images from rendered scenes and annotated data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pinet_ros.errors import DatasetError
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.datasets.annotated_image import (
    AnnotatedImage,
    read_picture,
    require_pictures,
)
from pinet_training.datasets.annotations import Annotations, read_annotations
from pinet_training.lifter.coco_keypoints import holds_coco_keypoints, read_coco_keypoints
from pinet_training.lifter.person_samples import Group, PeopleInPictures, gather_people
from pinet_training.lifter.pose_samples import PoseSamples, read_pose_samples

# Rendered people below these limits are left out, as a detector would not find them.
_MINIMUM_HEIGHT = 40  # of the box, pixels
_MINIMUM_VISIBLE = 6  # joints


def is_rendered(path: Path) -> bool:
    """Return whether a data set is a folder of rendered scenes."""
    return (path / "dataset.json").is_file()


def needs_images(path: Path) -> bool:
    """Return whether a data set's images are in a separate folder: its path is not a folder."""
    return not path.is_dir()


def read_people(path: Path, images: Path | None = None, split: str = "train") -> PeopleInPictures:
    """Read the people of a data set.

    Args:
        path: a folder of rendered scenes with detections, a .json file with annotations of
            3DMPPE or COCO, or the MuPoTS-3D folder.
        images: the folder of a .json file's images.
        split: split of the rendered scenes; other data sets have only one.

    Raises:
        DatasetError: the data set cannot be read, or pictures of it are missing.
    """
    if is_rendered(path):
        return _from_rendered(path, split)
    if needs_images(path) and images is None:
        raise DatasetError(
            f"{path} does not say where its images are; give their folder with --images DIR"
        )
    if path.suffix == ".json" and holds_coco_keypoints(path):
        return _from_annotations(Annotations(path, read_coco_keypoints(path)), images)
    annotations = read_annotations(path)
    return _from_annotations(annotations, images or path)


@dataclass(frozen=True, eq=False)
class _AnnotatedPictures:
    images: Sequence[AnnotatedImage]
    folder: Path

    def __call__(self, number: int) -> np.ndarray:
        return read_picture(self.images[number], self.folder)


def _from_annotations(annotations: Annotations, folder: Path) -> PeopleInPictures:
    images = annotations.images
    groups = [
        Group(
            number,
            image.width,
            image.height,
            image.camera,
            image.people.boxes[image.valid],
            image.people.joints_image[image.valid],
            image.people.joints[image.valid, :, 2],
        )
        for number, image in enumerate(images)
    ]
    joint_set = images[0].people.joint_set if images else MUPOTS_17
    people = gather_people(joint_set, _AnnotatedPictures(images, folder), groups)
    require_pictures([images[number] for number in np.unique(people.pictures)], folder)
    return people


def _from_rendered(folder: Path, split: str) -> PeopleInPictures:
    """People in the boxes of the detector, or in their true ones if it missed them."""
    samples = read_pose_samples(folder, split)
    rows = samples.best_boxes()
    rows = rows[samples.visible[samples.person[rows]].sum(axis=1) >= _MINIMUM_VISIBLE]
    rows = rows[samples.box[rows, 3] - samples.box[rows, 1] >= _MINIMUM_HEIGHT]
    groups = (
        _group(samples, rows[samples.picture[rows] == n]) for n in np.unique(samples.picture[rows])
    )
    return gather_people(MUPOTS_17, samples.pictures.image, groups)


def _group(samples: PoseSamples, rows: np.ndarray) -> Group:
    """The people of some boxes in one picture."""
    picture = int(samples.picture[rows[0]])
    camera = samples.pictures.camera(picture)
    joints = samples.joints[samples.person[rows]]
    return Group(
        picture,
        camera.width,
        camera.height,
        camera,
        samples.box[rows],
        camera.project(joints),
        joints[..., 2],
    )
