"""Training samples: each person with the company that the network is to get along with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from pinet_ros.refinement.order import near_to_far
from pinet_ros.skeleton import MUPOTS_17
from pinet_ros.training.datasets.scenes import Scenes

_PELVIS = MUPOTS_17.index("pelvis")

# How far a second detection of the same person may lie off, standard deviations in metres:
# depth is what an estimator knows least.
_DUPLICATE_JOINTS = 0.04
_DUPLICATE_ROOT = (0.05, 0.05, 0.20)


@dataclass(frozen=True)
class Company:
    """How often a person's neighbours are not who they should be, probabilities.

    Attributes:
        alone: nobody else was found.
        duplicate: the person was found twice.
        wrong: the others are people of other scenes.
    """

    alone: float = 0.0
    duplicate: float = 0.0
    wrong: float = 0.0


# The company of the default weights, and those of the two controls that show what it is worth.
OTHERS = {
    "real": Company(alone=0.1, duplicate=0.1, wrong=0.2),
    "none": Company(alone=1.0),
    "shuffled": Company(wrong=1.0),
}


class Samples:
    """All people of some scenes, as sequences that begin with the person of interest."""

    def __init__(self, scenes: Scenes, device: torch.device | str = "cpu") -> None:
        sizes = [len(scene) for scene in scenes]
        self._scene = np.repeat(np.arange(len(sizes)), sizes)  # (E,)
        self._first = np.repeat(np.cumsum(sizes) - sizes, sizes)  # (E,) first row of the scene
        self._size = np.repeat(sizes, sizes)  # (E,)
        estimates = np.concatenate([scene.estimates for scene in scenes])
        truth = np.concatenate([scene.truth for scene in scenes])
        self._estimates = torch.from_numpy(estimates).to(device)  # (E,17,3)
        self._truth = torch.from_numpy(truth).to(device)  # (E,17,3)

    def __len__(self) -> int:
        return len(self._scene)

    def batches(self, company: Company, size: int, rng: np.random.Generator) -> list[np.ndarray]:
        """One epoch: rows (B,N) of the people of each sequence, B up to `size`, in random order.

        Sequences of one batch are equally long, so that none needs padding. A row that stands in
        a sequence twice is a duplicate.
        """
        kinds = rng.choice(
            ["alone", "duplicate", "wrong", "real"],
            size=len(self),
            p=[
                company.alone,
                company.duplicate,
                company.wrong,
                1 - company.alone - company.duplicate - company.wrong,
            ],
        )
        by_length: dict[int, list[list[int]]] = {}
        for row, kind in enumerate(kinds):
            sequence = [row, *self._others(row, kind, rng)]
            by_length.setdefault(len(sequence), []).append(sequence)
        batches = []
        for sequences in by_length.values():
            rows = rng.permutation(np.array(sequences))
            batches += np.array_split(rows, -(-len(rows) // size))
        rng.shuffle(batches)
        return batches

    def gather(
        self, rows: np.ndarray, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Poses (B,N,17,3) of the rows (B,N), the others from near to far, and truth (B,17,3)."""
        index = torch.from_numpy(rows).to(self._estimates.device)
        joints = self._estimates[index]  # (B,N,17,3)
        duplicate = index == index[:, :1]
        duplicate[:, 0] = False
        noise = duplicate_noise(rows.shape, generator).to(joints.device)
        joints = joints + noise * duplicate[:, :, None, None]
        order = near_to_far(joints[:, :, _PELVIS])[:, 0]  # (B,N)
        joints = joints.take_along_dim(order[:, :, None, None], dim=1)
        return joints, self._truth[index[:, 0]]

    def _others(self, row: int, kind: str, rng: np.random.Generator) -> list[int]:
        first, size = self._first[row], self._size[row]
        if kind == "alone":
            return []
        if kind == "wrong":
            return [self._stranger(row, rng) for _ in range(max(1, size - 1))]
        others = [other for other in range(first, first + size) if other != row]
        return [*others, row] if kind == "duplicate" else others

    def _stranger(self, row: int, rng: np.random.Generator) -> int:
        """A random row of another scene."""
        outside = rng.integers(len(self) - self._size[row])
        return int(outside if outside < self._first[row] else outside + self._size[row])


def duplicate_noise(shape: tuple[int, int], generator: torch.Generator) -> torch.Tensor:
    """What a second detection adds to a pose (B,N,17,3), metres, from nothing to much."""
    strength = torch.rand(*shape, 1, 1, generator=generator)
    joints = _DUPLICATE_JOINTS * torch.randn(*shape, len(MUPOTS_17), 3, generator=generator)
    root = torch.tensor(_DUPLICATE_ROOT) * torch.randn(*shape, 1, 3, generator=generator)
    return strength * (joints + root)
