"""Pictures of people whose poses are known: a folder of images with truth.npz.

picture                (K,)      file name
picture_camera_matrix  (K,3,3)   intrinsics, pixels
picture_distortion     (K,5)     k1 k2 p1 p2 k3
picture_up             (K,3)     optional: unit vector that points up, camera optical frame
picture_camera_height  (K,)      optional: metres, of the camera above the floor; both may be NaN
person_picture         (P,)      file name of the person's picture
person_joints          (P,17,3)  joints of mupots_17, metres, camera optical frame; NaN: unknown
person_strict          (P,)      whether the truth is the strict one of two kinds. A person may be
                                 in both, and the two are never mixed.

Pictures of one moment share the part of their names behind the last underscore, such as
`00_03_00005514.jpg` and `00_12_00005514.jpg`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pinet_ros.cli.predictions.records import read_arrays
from pinet_ros.geometry.camera import Camera
from pinet_ros.imaging.pictures import read_image
from pinet_ros.positioning.floor import Floor

TRUTH = "truth.npz"
_SHAPES: dict[str, tuple[int | None, ...]] = {
    "picture_camera_matrix": (None, 3, 3),
    "picture_distortion": (None, 5),
    "person_joints": (None, 17, 3),
    "person_strict": (None,),
}
# both or neither; NaN for pictures of which the floor is not known
_FLOOR: dict[str, tuple[int | None, ...]] = {
    "picture_up": (None, 3),
    "picture_camera_height": (None,),
}


@dataclass(frozen=True, eq=False)
class PeoplePicture:
    """One picture and the people in it.

    Attributes:
        name: of its file.
        image: (H,W,3) uint8, BGR.
        camera: the camera that took it.
        moment: name of the moment when it was taken.
        joints: (N,17,3) metres, camera frame, joints of MUPOTS_17; NaN for unknown joints.
        strict: (N,) bool, which rows are the strict truth.
        floor: the floor as the camera sees it; None where it is not known.
    """

    name: str
    image: np.ndarray
    camera: Camera
    moment: str
    joints: np.ndarray
    strict: np.ndarray
    floor: Floor | None = None


def read_people_pictures(folder: Path) -> list[PeoplePicture]:
    """Read a folder of pictures of people.

    Raises:
        DatasetError: truth.npz is missing, or an array of it is missing or misshapen, or names a
            picture that it does not have.
        PictureError: a picture cannot be read.
        CameraError: a camera cannot be used.
        FloorError: a camera is not above the floor.
    """
    names = ("picture", "person_picture", *_SHAPES, *_FLOOR)
    file = read_arrays(Path(folder) / TRUTH, names)
    given = [name for name in _FLOOR if name in file]
    if len(given) == 1:
        raise file.error(f"has {given[0]} only; a floor needs {' and '.join(_FLOOR)}")
    shapes = _SHAPES | (_FLOOR if given else {})
    arrays = {name: file.array(name, *shape) for name, shape in shapes.items()}
    pictures, owners = (file[name].astype(str) for name in ("picture", "person_picture"))
    for part, count in (("picture", len(pictures)), ("person", len(owners))):
        for name, array in arrays.items():
            if name.startswith(f"{part}_") and len(array) != count:
                raise file.error(f"{name} must have {count} rows, got {len(array)}")
    if stray := sorted(set(owners.tolist()) - set(pictures.tolist())):
        raise file.error(f"person_picture names {stray[0]!r}, which picture does not")
    found = []
    for number, name in enumerate(pictures):
        image = read_image(Path(folder) / name)
        camera = Camera(
            image.shape[1],
            image.shape[0],
            arrays["picture_camera_matrix"][number],
            arrays["picture_distortion"][number],
        )
        rows = owners == name
        found.append(
            PeoplePicture(
                str(name),
                image,
                camera,
                moment=Path(name).stem.rpartition("_")[2],
                joints=arrays["person_joints"][rows],
                strict=arrays["person_strict"][rows].astype(bool),
                floor=_floor(arrays, number) if given else None,
            )
        )
    return found


def _floor(arrays: dict[str, np.ndarray], number: int) -> Floor | None:
    up, height = (arrays[name][number] for name in _FLOOR)
    if not np.isfinite(up).all():
        return None
    return Floor(up, float(height), up_deviation=0.0, height_deviation=0.0)
