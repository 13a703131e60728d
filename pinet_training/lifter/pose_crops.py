"""Crops with whole poses, as a training of BlazePose loads them in its own processes."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

from pinet_ros.geometry.camera import Camera
from pinet_ros.geometry.rotations import rotation_to_ray
from pinet_ros.lifting.blazepose_network import SIZE
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.lifter.appearance import change_appearance
from pinet_training.lifter.crop_augmentation import View, take
from pinet_training.lifter.crops import LoadedCrops
from pinet_training.lifter.pasted_people import outline, paste
from pinet_training.lifter.pose_samples import NOBODY, PoseSamples

Batch = dict[str, Tensor]

BOX_SCALE = 1.2  # side of a region over the longer side of its box, as in the lifter
_ROOT = MUPOTS_17.root

# Standard deviations of the augmentation, for the detector's boxes and for true ones, which a
# detector would not give as exactly: logarithm of the scale, shift as a fraction of the side.
_SCALE = {True: 0.08, False: 0.15}
_SHIFT = {True: 0.03, False: 0.06}
_ANGLE, _WIDE_ANGLE = np.radians(10), np.radians(40)
_WIDE = 0.15  # share of crops with a wide angle
_BEHIND = -SIZE  # where joints behind the camera are put in a crop, pixels: outside
_PASTED = 0.15  # share of crops with another person pasted in front

# Points of a crop, as fractions of its side from its middle, at which the lens is measured.
_GRID = np.stack(np.meshgrid(*[np.linspace(-0.7, 0.7, 7)] * 2), axis=-1).reshape(-1, 2)
_OUTSIDE = 0.03  # weight of points outside of the image, where lenses are not calibrated
_POWERS = [(i, j) for i in range(4) for j in range(4 - i)]  # of x and y: a cubic polynomial


class PoseCrops(LoadedCrops):
    """A torch data set of crops; each crop has its own random numbers.

    Args:
        samples: boxes and people.
        order: (S,) row of the box for each crop.
        joints: (P,17,3) metres, camera frame: the people's joints as the network should give them.
        augment: whether crops are changed at random; else they are the lifter's.
        seed: seed of the random numbers.
    """

    def __init__(
        self,
        samples: PoseSamples,
        order: np.ndarray,
        joints: np.ndarray,
        *,
        augment: bool,
        seed: Sequence[int] = (0,),
    ) -> None:
        self._samples = samples
        self._order = order
        self._joints = joints
        self._augment = augment
        self._seed = tuple(seed)
        self._people = np.flatnonzero(samples.person != NOBODY)

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, index: int) -> Batch:
        """One crop and its truth.

        crop (3,256,256) uint8 RGB; is_person (); points (17,2) pixels of the crop; world (17,3)
        metres from the pelvis, along the crop's axes and its viewing ray; visible (17,); root (3,)
        metres, pelvis in the frame of a camera that is rotated and mirrored as the crop is; and
        lens (10,2), which maps the crop's pixels to that camera's x/z and y/z, see `normalised`.
        """
        rng = np.random.default_rng((*self._seed, index))
        row = int(self._order[index])
        view = self._view(row, rng)
        crop, matrix = self._take(row, view)
        points, visible = np.zeros((17, 2)), np.zeros(17, bool)
        joints = np.ones((17, 3))  # of nobody; not used
        person = int(self._samples.person[row])
        if person != NOBODY:
            points = self._points(row, matrix, view)
            joints = _turned(self._joints[person], view)
            visible = self._visible(person, view) & _inside(points)
        if self._augment:
            if person != NOBODY and rng.random() < _PASTED:
                crop, visible = self._paste(crop, points, visible, rng)
            crop = change_appearance(crop, rng)
        root = joints[_ROOT]
        ray = root / np.linalg.norm(root)
        camera = self._camera(row)
        arrays = {
            "is_person": np.float32(person != NOBODY),
            "points": points,
            "world": (joints - root) @ rotation_to_ray(torch.as_tensor(ray[None]))[0].numpy(),
            "visible": visible,
            "root": root,
            "lens": _lens(camera, matrix, view),
        }
        tensors = {
            name: torch.as_tensor(each, dtype=torch.float32) for name, each in arrays.items()
        }
        image = np.ascontiguousarray(crop[..., ::-1].transpose(2, 0, 1))
        return {"crop": torch.from_numpy(image)} | tensors

    def _view(self, row: int, rng: np.random.Generator) -> View:
        if not self._augment:
            return View()
        detected = bool(self._samples.detected[row])
        angle = _WIDE_ANGLE if rng.random() < _WIDE else _ANGLE
        x, y = rng.normal(0, _SHIFT[detected], 2)
        return View(
            scale=float(np.exp(rng.normal(0, _SCALE[detected]))),
            angle=float(rng.normal(0, angle)),
            mirror=bool(rng.random() < 0.5),
            shift=(float(x), float(y)),
        )

    def _take(self, row: int, view: View) -> tuple[np.ndarray, np.ndarray]:
        """The crop (256,256,3) BGR, and (2,3) from the image's pixels to its own."""
        low, high = self._samples.box[row].reshape(2, 2)
        square = np.array([*(low + high) / 2, BOX_SCALE * (high - low).max()])
        matrix = view.matrix(square, SIZE)
        image = self._samples.pictures.image(int(self._samples.picture[row]))
        return take(image, matrix, SIZE), matrix

    def _camera(self, row: int) -> Camera:
        return self._samples.pictures.camera(int(self._samples.picture[row]))

    def _points(self, row: int, matrix: np.ndarray, view: View) -> np.ndarray:
        pixels = self._camera(row).project(self._joints[self._samples.person[row]])
        points = pixels @ matrix[:, :2].T + matrix[:, 2]
        points = np.where(np.isnan(points), _BEHIND, points)
        return points[MUPOTS_17.mirror] if view.mirror else points

    def _visible(self, person: int, view: View) -> np.ndarray:
        visible = self._samples.visible[person]
        return visible[MUPOTS_17.mirror] if view.mirror else visible

    def _paste(
        self, crop: np.ndarray, points: np.ndarray, visible: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Paste a random person, moved so that a part of the crop's person stays visible."""
        other = int(self._people[rng.integers(len(self._people))])
        aside = rng.choice([-1, 1]) * rng.uniform(0.15, 0.5)
        view = View(
            scale=float(np.exp(rng.normal(0.1, 0.25))),
            shift=(float(aside), float(rng.normal(0, 0.15))),
        )
        picture, matrix = self._take(other, view)
        person = int(self._samples.person[other])
        mask = outline(self._points(other, matrix, view), self._samples.visible[person], SIZE)
        return paste(crop, picture, mask, visible, points)


def normalised(points: Tensor, lens: Tensor) -> Tensor:
    """Map pixels (N,K,2) of crops to x/z and y/z (N,K,2) by the crops' lenses (N,10,2)."""
    x, y = (points / SIZE - 0.5).unbind(-1)
    return torch.stack([x**i * y**j for i, j in _POWERS], dim=-1) @ lens


_TERMS = np.stack([_GRID[:, 0] ** i * _GRID[:, 1] ** j for i, j in _POWERS], axis=-1)  # (49,10)


def _lens(camera: Camera, matrix: np.ndarray, view: View) -> np.ndarray:
    """The polynomial (10,2) that `normalised` uses, fitted mostly to the inside of the image."""
    inverse = cv2.invertAffineTransform(matrix)
    pixels = ((_GRID + 0.5) * SIZE) @ inverse[:, :2].T + inverse[:, 2]
    flat = camera.undistort(pixels)
    seen = _turned(np.column_stack([flat, np.ones(len(flat))]), view, swap=False)[:, :2]
    inside = ((pixels >= 0) & (pixels < (camera.width, camera.height))).all(axis=-1)
    weights = np.where(inside, 1.0, _OUTSIDE)[:, None]
    return np.linalg.lstsq(weights * _TERMS, weights * seen, rcond=None)[0]


def _turned(points: np.ndarray, view: View, *, swap: bool = True) -> np.ndarray:
    """Points (K,3) in the frame of a camera that is rotated and mirrored as a view is.

    `swap` exchanges left and right joints of MUPOTS_17 in a mirror.
    """
    cosine, sine = np.cos(view.angle), np.sin(view.angle)
    turned = points @ np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    if view.mirror:
        turned = turned * [-1, 1, 1]
        turned = turned[MUPOTS_17.mirror] if swap else turned
    return turned


def _inside(points: np.ndarray) -> np.ndarray:
    return ((points >= 0) & (points < SIZE)).all(axis=-1)
