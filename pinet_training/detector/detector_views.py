"""Views of pictures, as a training of the detector loads them in its own processes."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

from pinet_ros.detection.nanodet_network import SIZE
from pinet_training.datasets.box_areas import areas
from pinet_training.detector.detector_scenes import DetectorScenes, SceneOfPeople
from pinet_training.lifter.appearance import change_appearance
from pinet_training.lifter.crops import LoadedCrops

Views = dict[str, Tensor]

MOST = 12  # people in a view, and ignored ones; more are left out

_SCALE = 0.3  # standard deviation of the logarithm of the scale
_CENTRED = (0.25, 0.75)  # where in the picture the middle of a view is, as fractions of its sides
_INSIDE = 0.3  # part of a box that must be in the view
_TOUCHED = 0.05  # part from which it is at least ignored
_SMALLEST = 12.0  # pixels of the view: height of people


class DetectorViews(LoadedCrops):
    """A torch data set of views; each view has its own random numbers.

    Args:
        scenes: rendered pictures with people.
        real: (K,) images (H,W,3) uint8 BGR of real places without people.
        order: (S,) number of the picture of each view; those from len(scenes) on are of `real`.
        seed: seed of the random numbers.
    """

    def __init__(
        self,
        scenes: DetectorScenes,
        real: Sequence[np.ndarray],
        order: np.ndarray,
        seed: Sequence[int],
    ) -> None:
        self._scenes = scenes
        self._real = real
        self._order = order
        self._seed = tuple(seed)

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, index: int) -> Views:
        """One view and who is in it.

        image (3,416,416) uint8 BGR; people and ignored (12,4) x_min y_min x_max y_max, pixels of
        the view, NaN for none; and is_real (), 1 for a real place without people.
        """
        rng = np.random.default_rng((*self._seed, index))
        number = int(self._order[index])
        is_real = number >= len(self._scenes)
        if is_real:
            nobody = np.zeros((0, 4))
            picture, scene = self._real[number - len(self._scenes)], SceneOfPeople(nobody, nobody)
        else:
            picture, scene = self._scenes.pictures.image(number), self._scenes.scenes[number]
        image, scale, shift = _take(picture, rng)
        people, ignored = _in_view(scene, scale, shift)
        if rng.random() < 0.5:
            image = image[:, ::-1]
            people, ignored = _mirrored(people), _mirrored(ignored)
        image = change_appearance(np.ascontiguousarray(image), rng)
        return {
            "image": torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))),
            "people": _filled(people),
            "ignored": _filled(ignored),
            "is_real": torch.tensor(float(is_real)),
        }


def _take(picture: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, float, np.ndarray]:
    """A view (416,416,3) of a picture, and the scale and shift (2,) to its pixels."""
    height, width = picture.shape[:2]
    scale = SIZE / max(height, width) * np.exp(rng.normal(0, _SCALE))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR  # without aliases
    size = np.maximum(1, np.round(scale * np.array([width, height]))).astype(int)
    scaled = cv2.resize(picture, size.tolist(), interpolation=interpolation)
    shift = np.round(SIZE / 2 - rng.uniform(*_CENTRED, 2) * size)
    matrix = np.column_stack([np.eye(2), shift])
    return cv2.warpAffine(scaled, matrix, (SIZE, SIZE)), float(scale), shift


def _in_view(
    scene: SceneOfPeople, scale: float, shift: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes in the view's pixels: people (G,4), and those to ignore (I,4)."""
    moved = [boxes * scale + np.tile(shift, 2) for boxes in (scene.people, scene.ignored)]
    inside = [boxes.clip(0, SIZE) for boxes in moved]
    parts = [areas(a) / np.maximum(areas(b), 1e-9) for a, b in zip(inside, moved, strict=True)]
    people, ignored = inside
    shown = (parts[0] >= _INSIDE) & (people[:, 3] - people[:, 1] >= _SMALLEST)
    touched = ~shown & (parts[0] >= _TOUCHED)
    return people[shown], np.concatenate([people[touched], ignored[parts[1] >= _TOUCHED]])


def _mirrored(boxes: np.ndarray) -> np.ndarray:
    return boxes[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [SIZE, 0, SIZE, 0]


def _filled(boxes: np.ndarray) -> Tensor:
    filled = np.full((MOST, 4), np.nan, np.float32)
    filled[: len(boxes)] = boxes[:MOST]
    return torch.from_numpy(filled)
