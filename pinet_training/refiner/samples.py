"""Training samples: each person with neighbours like those that the network sees in use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from pinet_ros.skeleton import MUPOTS_17
from pinet_training.datasets.scenes import Scenes, ScenesError

# Noise of a second detection of the same person, standard deviations in metres: an estimator is
# least certain about depth.
_DUPLICATE_JOINTS = 0.04
_DUPLICATE_ROOT = (0.05, 0.05, 0.20)


@dataclass(frozen=True)
class NeighbourSampling:
    """How often a person's neighbours are not the other people of the scene.

    Attributes:
        alone: probability that the person has no neighbours.
        duplicate: probability that the person is detected twice.
        wrong: probability that the neighbours are people of other scenes.
        extra: whether the estimator's other outputs for the scene, further duplicates and wrong
            detections, are among the neighbours.
    """

    alone: float = 0.0
    duplicate: float = 0.0
    wrong: float = 0.0
    extra: bool = False


ALONE = "none"  # also in use
OTHERS = {
    # as in live use, for the default weights
    "varied": NeighbourSampling(alone=0.1, duplicate=0.1, wrong=0.2, extra=True),
    "found": NeighbourSampling(),  # the people detected in the image, as in the paper
    # two controls that show how much the neighbours contribute
    ALONE: NeighbourSampling(alone=1.0),
    "shuffled": NeighbourSampling(wrong=1.0),
}

_PADDING = -1


@dataclass(frozen=True)
class Batch:
    """B sequences of N people: the person of interest first, then the others, not yet ordered.

    Attributes:
        estimates, truth: (B,N,17,3) metres, camera frame.
        boxes: (B,N,4) pixels.
        deviations: (B,N,18), those of the estimates, see `deviations_of`.
        up: (B,3) unit vectors that point up in the camera frame; NaN for unknown ones.
        present: (B,N) bool, false for padding at the end.
        known: (B,N) bool, whether the true pose is known: false for padding and for a scene's
            extra detections.
    """

    estimates: torch.Tensor
    truth: torch.Tensor
    boxes: torch.Tensor
    deviations: torch.Tensor
    up: torch.Tensor
    present: torch.Tensor
    known: torch.Tensor

    def reordered(self, order: torch.Tensor) -> Batch:
        """Return the batch with the people of each sequence in the order of indices (B,N)."""
        return Batch(
            self.estimates.take_along_dim(order[:, :, None, None], dim=1),
            self.truth.take_along_dim(order[:, :, None, None], dim=1),
            self.boxes.take_along_dim(order[:, :, None], dim=1),
            self.deviations.take_along_dim(order[:, :, None], dim=1),
            self.up,
            self.present.take_along_dim(order, dim=1),
            self.known.take_along_dim(order, dim=1),
        )


class Samples:
    """All people of some scenes, as sequences that start with the person of interest."""

    def __init__(self, scenes: Scenes, device: torch.device | str = "cpu") -> None:
        """Copy the scenes' E people and X extra detections to a device."""
        sizes = [len(scene) for scene in scenes]
        self._first = np.repeat(np.cumsum(sizes) - sizes, sizes)  # (E,) first row of the scene
        self._size = np.repeat(sizes, sizes)  # (E,)
        # the rows of the scenes' extra detections follow those of all people
        extra = [len(scene.extra) for scene in scenes]
        self._first_extra = np.repeat(len(self) + np.cumsum(extra) - extra, sizes)  # (E,)
        self._extra_size = np.repeat(extra, sizes)  # (E,)
        estimates = [scene.estimates for scene in scenes] + [scene.extra for scene in scenes]
        boxes = [scene.boxes for scene in scenes] + [scene.extra_boxes for scene in scenes]
        deviations = [s.deviations for s in scenes] + [s.extra_deviations for s in scenes]
        truth = [scene.truth for scene in scenes]
        up = np.repeat([scene.up for scene in scenes], sizes, axis=0)
        self._estimates = torch.from_numpy(np.concatenate(estimates)).to(device)  # (E+X,17,3)
        self._boxes = torch.from_numpy(np.concatenate(boxes)).to(device)  # (E+X,4)
        self._deviations = torch.from_numpy(np.concatenate(deviations)).to(device)  # (E+X,18)
        self._up = torch.from_numpy(up).to(device)  # (E,3)
        self._truth = torch.from_numpy(np.concatenate(truth)).to(device)  # (E,17,3)

    def __len__(self) -> int:
        return len(self._size)

    def batches(
        self, sampling: NeighbourSampling, size: int, rng: np.random.Generator
    ) -> list[np.ndarray]:
        """Draw an epoch: each image once, with a random one of its people as person of interest.

        Args:
            sampling: how the neighbours are chosen.
            size: largest number of sequences in a batch.
            rng: source of the random numbers.

        Returns:
            For each batch, rows (B,N) of the people of each sequence, B up to `size`, in random
            order and padded with -1. A row that occurs twice in a sequence is a duplicate.

        Raises:
            ScenesError: `sampling` needs people of other scenes, but there is only one scene.
        """
        firsts, sizes = np.unique(self._first, return_counts=True)
        if sampling.wrong and len(firsts) < 2:
            raise ScenesError(
                "neighbours must be drawn from other scenes, but there is only one scene"
            )
        rows = firsts + rng.integers(sizes)
        kinds = rng.choice(
            ["alone", "duplicate", "wrong", "real"],
            size=len(rows),
            p=[
                sampling.alone,
                sampling.duplicate,
                sampling.wrong,
                1 - sampling.alone - sampling.duplicate - sampling.wrong,
            ],
        )
        sequences = [
            [row, *self._others(row, kind, sampling, rng)]
            for row, kind in zip(rows, kinds, strict=True)
        ]
        mixed = rng.permutation(len(sequences))
        return [
            _padded([sequences[i] for i in mixed[start : start + size]])
            for start in range(0, len(mixed), size)
        ]

    def gather(self, rows: np.ndarray, generator: torch.Generator) -> Batch:
        """Return the people of the rows (B,N); noise is added to duplicates."""
        index = torch.from_numpy(rows).to(self._estimates.device)
        present = index != _PADDING
        known = present & (index < len(self))
        index = index.clamp(min=0)
        duplicate = (index == index[:, :1]) & present
        duplicate[:, 0] = False
        noise = duplicate_noise(rows.shape, generator).to(self._estimates.device)
        estimates = self._estimates[index] + noise * duplicate[:, :, None, None]
        # where the truth is unknown any value will do, as no loss is computed there
        truth = self._truth[index.clamp(max=len(self) - 1)]
        boxes, deviations = self._boxes[index], self._deviations[index]
        return Batch(estimates, truth, boxes, deviations, self._up[index[:, 0]], present, known)

    def _others(
        self, row: int, kind: str, sampling: NeighbourSampling, rng: np.random.Generator
    ) -> list[int]:
        first, size = self._first[row], self._size[row]
        if kind == "alone":
            return []
        if kind == "wrong":
            return [self._person_from_another_scene(row, rng) for _ in range(max(1, size - 1))]
        others = [other for other in range(first, first + size) if other != row]
        if sampling.extra:
            start = self._first_extra[row]
            others += range(start, start + self._extra_size[row])
        return [*others, row] if kind == "duplicate" else others

    def _person_from_another_scene(self, row: int, rng: np.random.Generator) -> int:
        """Draw a random row of another scene."""
        outside = rng.integers(len(self) - self._size[row])
        return int(outside if outside < self._first[row] else outside + self._size[row])


def _padded(sequences: list[list[int]]) -> np.ndarray:
    rows = np.full((len(sequences), max(map(len, sequences))), _PADDING)
    for row, sequence in zip(rows, sequences, strict=True):
        row[: len(sequence)] = sequence
    return rows


def duplicate_noise(shape: tuple[int, int], generator: torch.Generator) -> torch.Tensor:
    """Draw the noise of second detections.

    Its strength is random too, uniform from none to the full standard deviations.

    Args:
        shape: (B,N).
        generator: source of the random numbers, on the CPU.

    Returns:
        (B,N,17,3) metres, to add to the poses.
    """
    strength = torch.rand(*shape, 1, 1, generator=generator)
    joints = _DUPLICATE_JOINTS * torch.randn(*shape, len(MUPOTS_17), 3, generator=generator)
    root = torch.tensor(_DUPLICATE_ROOT) * torch.randn(*shape, 1, 3, generator=generator)
    return strength * (joints + root)
