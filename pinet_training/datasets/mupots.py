"""MuPoTS-3D as it is published (Mehta et al., 3DV 2018).

    TS1 to TS20/
        img_000000.jpg, img_000001.jpg, ...
        annot.mat       annotations, a cell array (frames x people) of structs:
                            annot2 2x17 pixels, annot3 3x17 millimetres in the camera frame,
                            univ_annot3 3x17 millimetres, isValidFrame
        occlusion.mat   occlusion_labels, a cell array (frames x people) of 17 flags, 1 for an
                            occluded joint; the file is optional

Any of the folders may be there. The camera is not given: its focal lengths and principal point
are those that take annot3 to annot2 best. A person has confidence 0 in occluded joints, 1 in the
others, NaN without occlusion.mat. The box is the smallest one about the 2D joints.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pinet_ros.cli.predictions.prediction_fields import image_key
from pinet_ros.cli.predictions.records import Record
from pinet_ros.errors import DatasetError
from pinet_ros.geometry.camera import Camera
from pinet_ros.people import People
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.datasets.annotated_image import AnnotatedImage
from pinet_training.datasets.mat_files import read_mat

_JOINTS = len(MUPOTS_17)
_POSES = {"annot2": 2, "annot3": 3, "univ_annot3": 3}  # and how many numbers a joint has
_MILLIMETRES = 1000.0
_FEWEST_POINTS = 100  # joints that a camera is fitted to


def read_mupots(folder: Path) -> tuple[AnnotatedImage, ...]:
    """Read all images of the sequences in a folder, sorted by their numbers.

    Raises:
        DatasetError: there is no sequence, or a file, a field or a person of one is missing or
            misshapen.
    """
    sequences = sorted(
        (path for path in folder.glob("TS*") if path.is_dir() and path.name[2:].isdecimal()),
        key=lambda path: int(path.name[2:]),
    )
    if not sequences:
        raise DatasetError(
            f"{folder} has none of the folders TS1 to TS20 of MuPoTS-3D; give the folder that "
            "holds them"
        )
    return tuple(image for sequence in sequences for image in _read_sequence(sequence))


def _read_sequence(folder: Path) -> list[AnnotatedImage]:
    file = read_mat(folder / "annot.mat")
    cells = _cells(file, "annotations")
    poses = {name: np.full((*cells.shape, _JOINTS, n), np.nan) for name, n in _POSES.items()}
    valid = np.zeros(cells.shape, bool)
    for place in np.ndindex(cells.shape):
        person = _person(file, cells[place], place)
        if person is not None:  # somebody may be annotated in some frames only
            valid[place] = _is_valid(person)
            for name in _POSES:
                poses[name][place] = _pose(person, name, valid[place])
    pixels, points = poses["annot2"], poses["annot3"] / _MILLIMETRES
    camera = _fit_camera(pixels[valid].reshape(-1, 2), points[valid].reshape(-1, 3))
    confidence = _confidence(folder / "occlusion.mat", cells.shape)
    images = []
    for frame in range(len(cells)):
        file_name = f"{folder.name}/img_{frame:06d}.jpg"
        images.append(
            AnnotatedImage(
                key=image_key(file_name),
                file_name=file_name,
                sequence=folder.name,
                width=None,
                height=None,
                camera=camera,
                people=People.from_joints(
                    MUPOTS_17,
                    points[frame],
                    joints_image=pixels[frame],
                    confidence=confidence[frame],
                    scores=np.ones(cells.shape[1]),
                ),
                valid=valid[frame],
                universal=(poses["univ_annot3"][frame] / _MILLIMETRES).astype(np.float32),
            )
        )
    return images


def _cells(file: Record, name: str) -> np.ndarray:
    """A cell array (frames, people)."""
    cells = file[name]
    if cells.dtype != object or cells.ndim != 2:
        raise file.error(
            f"{name} must be a cell array of frames x people, got {cells.dtype} {cells.shape}"
        )
    return cells


def _person(file: Record, cell: np.ndarray, place: tuple[int, ...]) -> Record | None:
    """The struct of a cell; None for an empty cell."""
    if not cell.size:
        return None
    name = f"annotations, frame {place[0]}, person {place[1]}"
    if cell.dtype.names is None:
        raise DatasetError(f"{file.path}: {name}: must be a struct, got {cell.dtype}")
    struct = cell.ravel()[0]
    return Record(file.path, name, {field: struct[field] for field in cell.dtype.names})


def _is_valid(person: Record) -> bool:
    flag = person["isValidFrame"]
    while flag.dtype == object and flag.size:  # a cell
        flag = np.asarray(flag.ravel()[0])
    return bool(flag.any())


def _pose(person: Record, name: str, required: bool) -> np.ndarray:
    """A pose (17,n) of a struct, which may be empty unless it is required."""
    if not required and not person[name].size:
        return np.full((_JOINTS, _POSES[name]), np.nan)
    return person.array(name, _POSES[name], _JOINTS).T


def _fit_camera(pixels: np.ndarray, points: np.ndarray) -> Camera | None:
    """The pinhole camera that takes points (P,3) in metres to pixels (P,2), by least squares.

    Each axis for itself: u = fx x/z + cx. None when they do not decide it.
    """
    known = np.isfinite(pixels).all(axis=1) & np.isfinite(points).all(axis=1) & (points[:, 2] > 0)
    if known.sum() < _FEWEST_POINTS:
        return None
    matrix = np.eye(3)
    for axis in (0, 1):
        ratio = points[known, axis] / points[known, 2]
        design = np.stack([ratio, np.ones_like(ratio)], axis=1)
        (focal, center), _, rank, _ = np.linalg.lstsq(design, pixels[known, axis], rcond=None)
        if rank < 2 or focal <= 0:
            return None
        matrix[axis, axis], matrix[axis, 2] = focal, center
    # the files do not tell the size of the images: twice the principal point is near enough
    width, height = (2 * matrix[:2, 2]).round().astype(int).tolist()
    return Camera(width, height, matrix)


def _confidence(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """(frames, people, 17): 0 for occluded joints, 1 for others, NaN when unknown."""
    confidence = np.full((*shape, _JOINTS), np.nan)
    if not path.exists():
        return confidence
    file = read_mat(path)
    cells = _cells(file, "occlusion_labels")
    if cells.shape != shape:
        raise file.error(
            f"occlusion_labels must have the frames x people {shape} of annot.mat, got "
            f"{cells.shape}"
        )
    for place in np.ndindex(shape):
        flags = cells[place].ravel()
        if flags.size not in (0, _JOINTS):
            raise file.error(
                f"occlusion_labels, frame {place[0]}, person {place[1]}: must have {_JOINTS} "
                f"flags, got {flags.size}"
            )
        if flags.size:
            confidence[place] = 1.0 - flags.astype(float)
    return confidence
