"""Crops of people, as a training loads them in processes of its own."""

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

CELL = 4  # pixels of the crop that a cell of the heat maps is wide

# crops (N,3,S,S) uint8 RGB, targets (N,K,3), NaN for what is not known, units and millimetres (N,)
Sample = tuple[Tensor, Tensor, Tensor, Tensor]


@dataclass(frozen=True, eq=False)
class LearningSet:
    """People of a data set and what a network is to say of them."""

    people: PeopleInPictures
    targets: Targets

    def __len__(self) -> int:
        return len(self.people)


class Crops(Dataset):
    """One crop after another, each by random numbers of its own.

    Args:
        sets: of the people.
        order: (S,2) the number of a set, and of a person in it.
        size: of the crops, pixels.
        augmentation: how they are changed.
        seed: of the random numbers.
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
            torch.from_numpy(_seen(targets, row, view, matrix, self._size)).float(),
            torch.tensor(targets.units[row], dtype=torch.float32),
            torch.tensor(targets.millimetres[row], dtype=torch.float32),
        )

    def loader(self, batches: Sequence[Sequence[int]], processes: int) -> DataLoader:
        """Batches of crops by their indices, loaded in so many processes; 0 is this one."""
        return DataLoader(
            self,
            batch_sampler=batches,
            num_workers=processes,
            worker_init_fn=_set_up_process,
            generator=torch.Generator(),  # the program's own is not touched
        )


def mixed_order(lengths: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    """(S,2) people of several sets in random order: of each as many as the largest one has.

    The people of the smaller ones are repeated, all as often as one another but for a rest.
    """
    longest = max(lengths)
    parts = []
    for number, length in enumerate(lengths):
        rounds = [rng.permutation(length) for _ in range(-(-longest // length))]
        rows = np.concatenate(rounds)[:longest]
        parts.append(np.column_stack([np.full(longest, number), rows]))
    return rng.permutation(np.concatenate(parts))


def _seen(targets: Targets, row: int, view: View, matrix: np.ndarray, size: int) -> np.ndarray:
    """(K,3) what a network is to say of a crop; what is outside of it is unknown."""
    pixels = targets.places[row] @ matrix[:, :2].T + matrix[:, 2]
    wanted = np.column_stack([pixels / CELL, targets.depths[row]])
    if view.mirror:
        wanted, pixels = wanted[targets.mirror], pixels[targets.mirror]
    inside = ((pixels >= 0) & (pixels < size)).all(axis=-1)
    return np.where(inside[:, None], wanted, np.nan)


def _set_up_process(_: int) -> None:
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
