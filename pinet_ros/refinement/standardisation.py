"""Standardisations: between poses in metres and the values that the network reads and writes.

Each one is made for sequences of poses (B,N,J,3), metres in the camera frame, in the joints of
MUPOTS_17, the person of interest first. It has

- `tokens` (B,N,3J): what the network reads;
- `encode(joints)`: a pose of each person of interest (B,J,3) to the network's values (B,3J);
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

    def __init__(self, sequences: torch.Tensor) -> None: ...

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

    def __init__(self, sequences: torch.Tensor) -> None:
        roots = sequences[:, :, _PELVIS]  # (B,N,3)
        self._root = roots[:, 0]  # (B,3)
        self._root_unit = self.CORRECTION_SCALE * self._root.norm(dim=1, keepdim=True)  # (B,1)
        own = roots[:, :1] / self.ROOT_SCALE
        others = (roots[:, 1:] - roots[:, :1]) / self.NEIGHBOUR_SCALE
        tokens = (sequences - roots[:, :, None]) / self.SCALE
        tokens[:, :, _PELVIS] = torch.cat([own, others], dim=1)
        self.tokens = tokens.flatten(start_dim=2)

    def encode(self, joints: torch.Tensor) -> torch.Tensor:
        root = joints[:, _PELVIS]
        values = (joints - root[:, None]) / self.SCALE
        values[:, _PELVIS] = (root - self._root) / self._root_unit
        return values.flatten(start_dim=1)

    def decode(self, values: torch.Tensor) -> torch.Tensor:
        values = values.unflatten(1, (-1, 3))  # (B,J,3)
        root = self._root + values[:, _PELVIS] * self._root_unit
        joints = root[:, None] + values * self.SCALE
        joints[:, _PELVIS] = root
        return joints


class AllPeople:
    """x, y and z each over all joints of all people, as released: zero mean, unit deviation.

    Source: section 3.3 of the paper and its release (unbiased deviation plus 1e-4, millimetres).
    """

    MILLIMETRES = 1000.0  # per metre: the released networks are trained on millimetres
    EPSILON = 1e-4

    def __init__(self, sequences: torch.Tensor) -> None:
        millimetres = sequences.flatten(1, 2) * self.MILLIMETRES  # (B,NJ,3)
        self._mean = millimetres.mean(dim=1, keepdim=True)  # (B,1,3)
        self._deviation = millimetres.std(dim=1, keepdim=True) + self.EPSILON
        standardised = (millimetres - self._mean) / self._deviation
        self.tokens = standardised.unflatten(1, sequences.shape[1:3]).flatten(start_dim=2)

    def encode(self, joints: torch.Tensor) -> torch.Tensor:
        values = (joints * self.MILLIMETRES - self._mean) / self._deviation
        return values.flatten(start_dim=1)

    def decode(self, values: torch.Tensor) -> torch.Tensor:
        joints = values.unflatten(1, (-1, 3)) * self._deviation + self._mean
        return joints / self.MILLIMETRES


STANDARDISATIONS: dict[str, type[Standardisation]] = {
    "root_centred": RootCentred,
    "all_people": AllPeople,
}
