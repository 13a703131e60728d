"""People in images with known joints: the training data of PoseNet and RootNet."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from pinet_ros.geometry.camera import Camera
from pinet_ros.lifting.mppe.boxes import distance_measure, to_squares
from pinet_ros.skeleton import JointSet


@dataclass(frozen=True, eq=False)
class PeopleInPictures:
    """P people of a data set.

    Attributes:
        joint_set: the J joints.
        read: returns the image (H,W,3) uint8 BGR with a given number.
        pictures: (P,) the number of each person's image.
        squares: (P,3) x and y of the centre, and the side, of the square around each person,
            pixels.
        measures: (P,) k of each person, metres, see `distance_measure`; NaN if the camera is
            unknown.
        places: (P,J,2) joints in image pixels, NaN where unknown.
        depths: (P,J) z of the joints in the camera frame, metres, NaN where unknown.
    """

    joint_set: JointSet
    read: Callable[[int], np.ndarray]
    pictures: np.ndarray
    squares: np.ndarray
    measures: np.ndarray
    places: np.ndarray
    depths: np.ndarray

    def __len__(self) -> int:
        return len(self.pictures)

    def in_joints(self, joint_set: JointSet) -> PeopleInPictures:
        """Return the same people in another joint set; joints that this set lacks are unknown."""
        places = np.full((len(self), len(joint_set), 2), np.nan)
        depths = np.full((len(self), len(joint_set)), np.nan)
        common = [joint for joint in joint_set.joints if joint in self.joint_set.joints]
        there, here = joint_set.indices(*common), self.joint_set.indices(*common)
        places[:, there], depths[:, there] = self.places[:, here], self.depths[:, here]
        return replace(self, joint_set=joint_set, places=places, depths=depths)

    def sha256(self) -> str:
        """Return the SHA-256, in hexadecimal, of the people's annotations (not of the images).

        Data sets with different hashes give different trainings.
        """
        digest = hashlib.sha256(self.joint_set.name.encode())
        for array in (self.pictures, self.squares, self.measures, self.places, self.depths):
            digest.update(np.ascontiguousarray(array))
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Group:
    """The people of one image.

    Attributes:
        picture: number of the image.
        width, height: size of the image, pixels.
        camera: the image's camera, None if unknown.
        boxes: (N,4) x_min y_min x_max y_max in pixels.
        places: (N,J,2) joints in pixels, NaN where unknown.
        depths: (N,J) z of the joints in the camera frame, metres, NaN where unknown.
    """

    picture: int
    width: int
    height: int
    camera: Camera | None
    boxes: np.ndarray
    places: np.ndarray
    depths: np.ndarray


def gather_people(
    joint_set: JointSet, read: Callable[[int], np.ndarray], groups: Iterable[Group]
) -> PeopleInPictures:
    """Collect the people of several images.

    People are kept if their box overlaps the image and at least one joint is known.

    Args:
        joint_set: joints of the people.
        read: returns an image by its number, see `PeopleInPictures`.
        groups: the people of each image.
    """
    rows = [_rows(group) for group in groups]
    joints = len(joint_set)
    shapes = {"pictures": (), "squares": (3,), "measures": (), "places": (joints, 2)}
    empty = {name: np.zeros((0, *shape)) for name, shape in shapes.items()}
    empty["depths"] = np.zeros((0, joints))
    arrays = {
        name: np.concatenate([none, *(r[name] for r in rows)]) for name, none in empty.items()
    }
    arrays["pictures"] = arrays["pictures"].astype(np.int64)
    return PeopleInPictures(joint_set, read, **arrays)


def _rows(group: Group) -> dict[str, np.ndarray]:
    corners = group.boxes.reshape(-1, 2, 2).clip(0, (group.width, group.height))
    known = np.isfinite(group.places).all(axis=-1).any(axis=-1)
    kept = known & ((corners[:, 1] - corners[:, 0]).min(axis=-1) > 0)  # false if NaN
    centres, sides = to_squares(group.boxes[kept], group.width, group.height)
    unknown = np.full(len(sides), np.nan)
    return {
        "pictures": np.full(len(sides), group.picture),
        "squares": np.column_stack([centres, sides]),
        "measures": unknown if group.camera is None else distance_measure(sides, group.camera),
        "places": group.places[kept],
        "depths": group.depths[kept],
    }
