"""Standardisations: between poses in metres and the values that the network reads and writes.

Each one is made for sequences of poses (B,N,J,3), metres in the camera frame, in the joints of
MUPOTS_17, the person of interest first, and `present` (B,N) bool, false for padding at their end
(None for no padding). It has

- `tokens` (B,N,3J): what the network reads, zero where nobody is;
- `encode(joints)`: poses (B,P,J,3) of the first P people to the network's values (B,P,3J);
- `decode(values)`: its inverse.
"""

from __future__ import annotations

from typing import Protocol

import torch

from pinet_ros.skeleton import MUPOTS_17

_PELVIS = MUPOTS_17.index("pelvis")


class Standardisation(Protocol):
    """What both standardisations offer; see the module."""

    tokens: torch.Tensor

    def __init__(self, sequences: torch.Tensor, present: torch.Tensor | None = None) -> None: ...

    def encode(self, joints: torch.Tensor) -> torch.Tensor: ...

    def decode(self, values: torch.Tensor) -> torch.Tensor: ...


class RootCentred:
    """Each person about its own root on a fixed scale; the pelvis' place carries the root.

    The person of interest brings its root in the camera frame, the others bring theirs relative
    to it: where people stand is told apart from how they stand. Encoded poses hold in the
    pelvis' place how far the root lies from the one that was estimated, as a part of its distance
    from the camera: from the same picture, a person twice as far away is estimated twice as far
    off.
    """

    SCALE = 0.25  # metres per unit of a joint, about the standard deviation of a body's joints
    ROOT_SCALE = 2.0  # metres per unit of the person of interest's own root
    NEIGHBOUR_SCALE = 1.0  # metres per unit of another person's root
    CORRECTION_SCALE = 1 / 16  # of the root's distance per unit of its correction

    def __init__(self, sequences: torch.Tensor, present: torch.Tensor | None = None) -> None:
        self._roots = roots = sequences[:, :, _PELVIS]  # (B,N,3)
        self._root_units = self.CORRECTION_SCALE * roots.norm(dim=2, keepdim=True)  # (B,N,1)
        own = roots[:, :1] / self.ROOT_SCALE
        others = (roots[:, 1:] - roots[:, :1]) / self.NEIGHBOUR_SCALE
        tokens = (sequences - roots[:, :, None]) / self.SCALE
        tokens[:, :, _PELVIS] = torch.cat([own, others], dim=1)
        self.tokens = _without_padding(tokens.flatten(start_dim=2), present)

    def encode(self, joints: torch.Tensor) -> torch.Tensor:
        count = joints.shape[1]
        roots = joints[:, :, _PELVIS]  # (B,P,3)
        values = (joints - roots[:, :, None]) / self.SCALE
        moved = roots - self._roots[:, :count]
        values[:, :, _PELVIS] = moved / self._root_units[:, :count]
        return values.flatten(start_dim=2)

    def decode(self, values: torch.Tensor) -> torch.Tensor:
        count = values.shape[1]
        values = values.unflatten(2, (-1, 3))  # (B,P,J,3)
        roots = self._roots[:, :count] + values[:, :, _PELVIS] * self._root_units[:, :count]
        joints = roots[:, :, None] + values * self.SCALE
        joints[:, :, _PELVIS] = roots
        return joints


class AllPeople:
    """x, y and z each over all joints of all people, as released: zero mean, unit deviation.

    Source: section 3.3 of the paper and its release (unbiased deviation plus 1e-4, millimetres).
    Unlike in the release, padding has no part in either.
    """

    MILLIMETRES = 1000.0  # per metre: the released networks are trained on millimetres
    EPSILON = 1e-4

    def __init__(self, sequences: torch.Tensor, present: torch.Tensor | None = None) -> None:
        millimetres = sequences * self.MILLIMETRES  # (B,N,J,3)
        if present is None:
            present = sequences.new_ones(sequences.shape[:2], dtype=torch.bool)
        weights = present[:, :, None, None]
        count = present.sum(dim=1)[:, None, None, None] * sequences.shape[2]
        self._mean = (millimetres * weights).sum(dim=(1, 2), keepdim=True) / count  # (B,1,1,3)
        squares = ((millimetres - self._mean).square() * weights).sum(dim=(1, 2), keepdim=True)
        self._deviation = (squares / (count - 1)).sqrt() + self.EPSILON
        self.tokens = _without_padding(self.encode(sequences), present)

    def encode(self, joints: torch.Tensor) -> torch.Tensor:
        values = (joints * self.MILLIMETRES - self._mean) / self._deviation
        return values.flatten(start_dim=2)

    def decode(self, values: torch.Tensor) -> torch.Tensor:
        joints = values.unflatten(2, (-1, 3)) * self._deviation + self._mean
        return joints / self.MILLIMETRES


def _without_padding(tokens: torch.Tensor, present: torch.Tensor | None) -> torch.Tensor:
    return tokens if present is None else tokens.masked_fill(~present[:, :, None], 0.0)


STANDARDISATIONS: dict[str, type[Standardisation]] = {
    "root_centred": RootCentred,
    "all_people": AllPeople,
}
