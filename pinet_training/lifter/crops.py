"""Crops of people, as a training loads them in its own processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from pinet_training.lifter.crop_augmentation import UNCHANGED, Augmentation, View, take
from pinet_training.lifter.person_samples import PeopleInPictures
from pinet_training.lifter.targets import Targets

CELL = 4  # width of a heat map's cell, pixels of the crop

# crops (N,3,S,S) uint8 RGB, targets (N,K,3), NaN where unknown, units and millimetres (N,)
Sample = tuple[Tensor, Tensor, Tensor, Tensor]


@dataclass(frozen=True, eq=False)
class LearningSet:
    """People of a data set and a network's targets for them."""

    people: PeopleInPictures
    targets: Targets

    def __len__(self) -> int:
        return len(self.people)


class LoadedCrops(Dataset):
    """Base class of data sets of crops, which torch loads in batches in processes of their own."""

    def loader(self, batches: Sequence[Sequence[int]], processes: int) -> DataLoader:
        """Return a loader of batches.

        Args:
            batches: for each batch, the indices of its crops.
            processes: number of processes that load crops; 0 loads them in this process.
        """
        return DataLoader(
            self,
            batch_sampler=batches,
            num_workers=processes,
            worker_init_fn=_set_up_process,
            generator=torch.Generator(),  # leaves torch's global generator unchanged
        )


class Crops(LoadedCrops):
    """A torch data set of crops; each crop has its own random numbers.

    Args:
        sets: the people.
        order: (S,2) for each crop, the index of a set and of a person in it.
        size: side of the crops, pixels.
        augmentation: how the crops are changed.
        seed: seed of the random numbers.
    """

    def __init__(
        self,
        sets: Sequence[LearningSet],
        order: np.ndarray,
        size: int,
        augmentation: Augmentation = UNCHANGED,
        seed: Sequence[int] = (0,),
    ) -> None:
        self._sets = sets
        self._order = order
        self._size = size
        self._augmentation = augmentation
        self._seed = tuple(seed)

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, index: int) -> Sample:
        rng = np.random.default_rng((*self._seed, index))
        number, row = self._order[index]
        people, targets = self._sets[number].people, self._sets[number].targets
        view = self._augmentation.view(rng)
        matrix = view.matrix(people.squares[row], self._size)
        crop = take(people.read(int(people.pictures[row])), matrix, self._size)
        crop = self._augmentation.paint(crop, rng)[..., ::-1]
        return (
            torch.from_numpy(np.ascontiguousarray(crop.transpose(2, 0, 1))),
            torch.from_numpy(_target(targets, row, view, matrix, self._size)).float(),
            torch.tensor(targets.units[row], dtype=torch.float32),
            torch.tensor(targets.millimetres[row], dtype=torch.float32),
        )


def mixed_order(lengths: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    """Draw people of several sets in random order, as many of each set as the largest has.

    The people of smaller sets are repeated, each of them equally often up to a difference of one.

    Args:
        lengths: number of people of each set.
        rng: source of the random order.

    Returns:
        (S,2) the index of a set and of a person in it.
    """
    longest = max(lengths)
    parts = []
    for number, length in enumerate(lengths):
        rounds = [rng.permutation(length) for _ in range(-(-longest // length))]
        rows = np.concatenate(rounds)[:longest]
        parts.append(np.column_stack([np.full(longest, number), rows]))
    return rng.permutation(np.concatenate(parts))


def _target(targets: Targets, row: int, view: View, matrix: np.ndarray, size: int) -> np.ndarray:
    """The target (K,3) of one crop; points outside of the crop are unknown."""
    pixels = targets.places[row] @ matrix[:, :2].T + matrix[:, 2]
    target = np.column_stack([pixels / CELL, targets.depths[row]])
    if view.mirror:
        target, pixels = target[targets.mirror], pixels[targets.mirror]
    inside = ((pixels >= 0) & (pixels < size)).all(axis=-1)
    return np.where(inside[:, None], target, np.nan)


def _set_up_process(_: int) -> None:
    """Keep a process that loads crops to one thread."""
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
