"""Standardisations: how poses in metres become the values that the network reads and predicts."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from pinet_ros.geometry.rotations import rotation_to_ray
from pinet_ros.people import People
from pinet_ros.skeleton import MUPOTS_17


class Standardisation(Protocol):
    """Converts poses in metres to the values that the network reads and predicts, and back.

    It is created for sequences of poses (B,N,J,3), metres, camera frame, joints of MUPOTS_17, the
    person of interest first. `present` (B,N) bool is false for padding, which is at the end; None
    means no padding. `deviations` (B,N,J+1) are those of `deviations_of`, and `up` (B,3) is
    the unit vector that points up, camera frame; unknown ones are NaN, or None if all are.

    Attributes:
        tokens: (B,N,T) input of the network, zero for padding; T is 3J, or more for Facing.
    """

    tokens: Tensor

    def __init__(
        self,
        sequences: Tensor,
        present: Tensor | None = None,
        deviations: Tensor | None = None,
        up: Tensor | None = None,
    ) -> None: ...

    def encode(self, joints: Tensor) -> Tensor:
        """Encode poses (B,P,J,3) of the first P people as values (B,P,3J)."""

    def decode(self, values: Tensor) -> Tensor:
        """Decode values (B,P,3J) of the first P people to poses (B,P,J,3); inverts `encode`."""


class RootCentred:
    """Centres each person at its own root, with a fixed scale; the pelvis entry holds the root.

    This separates position from pose. In the tokens, the root of the person of interest is in the
    camera frame and the others' roots are relative to it. In encoded poses, the pelvis entry is
    the offset of the root from its estimate, relative to its distance from the camera: at the
    same error in the image, a person twice as far away is misplaced by twice as much.
    """

    SCALE = 0.25  # metres per unit of a joint, about the standard deviation of a body's joints
    ROOT_SCALE = 2.0  # metres per unit of the root of the person of interest
    NEIGHBOUR_SCALE = 1.0  # metres per unit of another person's root
    CORRECTION_SCALE = 1 / 16  # fraction of the root's distance per unit of its correction

    def __init__(
        self,
        sequences: Tensor,
        present: Tensor | None = None,
        deviations: Tensor | None = None,
        up: Tensor | None = None,
    ) -> None:
        self._roots = roots = sequences[:, :, MUPOTS_17.root]  # (B,N,3)
        self._root_units = self.CORRECTION_SCALE * roots.norm(dim=2, keepdim=True)  # (B,N,1)
        own = roots[:, :1] / self.ROOT_SCALE
        others = (roots[:, 1:] - roots[:, :1]) / self.NEIGHBOUR_SCALE
        tokens = (sequences - roots[:, :, None]) / self.SCALE
        tokens[:, :, MUPOTS_17.root] = torch.cat([own, others], dim=1)
        self.tokens = _without_padding(tokens.flatten(start_dim=2), present)

    def encode(self, joints: Tensor) -> Tensor:
        """See Standardisation."""
        count = joints.shape[1]
        roots = joints[:, :, MUPOTS_17.root]  # (B,P,3)
        values = (joints - roots[:, :, None]) / self.SCALE
        moved = roots - self._roots[:, :count]
        values[:, :, MUPOTS_17.root] = moved / self._root_units[:, :count]
        return values.flatten(start_dim=2)

    def decode(self, values: Tensor) -> Tensor:
        """See Standardisation."""
        count = values.shape[1]
        values = values.unflatten(2, (-1, 3))  # (B,P,J,3)
        moved = values[:, :, MUPOTS_17.root] * self._root_units[:, :count]
        roots = self._roots[:, :count] + moved
        joints = roots[:, :, None] + values * self.SCALE
        joints[:, :, MUPOTS_17.root] = roots
        return joints


class Facing:
    """Like RootCentred, as if the camera were turned to face the person of interest.

    An estimator sees a person in a crop, and errs alike wherever in the image that is. So the
    root of the person of interest is brought onto the optical axis by the smallest rotation, all
    people turn with it, and the result is turned back.

    The network also reads how sure the estimator is, and says how sure it is of the outcome:
    tokens and values hold the logarithms of deviations, those of the outcome relative to those
    of the estimate. An unknown one counts as typical. And it reads which way is up: a picture
    hardly shows how far somebody leans towards the camera. Tokens are the pose (3J), deviations
    (J+1), up (3), and whether the deviations of the pose, that of the distance, and up are known.
    """

    TYPICAL_JOINT = 0.1  # metres
    TYPICAL_ROOT = 0.04  # metres
    TYPICAL_DISTANCE = 0.15  # of the logarithm
    SUREST, LEAST_SURE = 1e-3, 10.0  # what lies outside counts as these

    def __init__(
        self,
        sequences: Tensor,
        present: Tensor | None = None,
        deviations: Tensor | None = None,
        up: Tensor | None = None,
    ) -> None:
        count = sequences.shape[2]
        rays = torch.nn.functional.normalize(sequences[:, 0, MUPOTS_17.root], dim=-1)  # (B,3)
        self._rotations = rotation_to_ray(rays)[:, None]  # (B,1,3,3)
        self._centred = RootCentred(sequences @ self._rotations, present)
        typical = sequences.new_full((count + 1,), self.TYPICAL_JOINT)
        typical[MUPOTS_17.root], typical[-1] = self.TYPICAL_ROOT, self.TYPICAL_DISTANCE
        if deviations is None:
            deviations = sequences.new_full((*sequences.shape[:2], count + 1), torch.nan)
        known = deviations.isfinite()
        ratios = (deviations.clamp(self.SUREST, self.LEAST_SURE) / typical).log()
        ratios = torch.where(known, ratios, 0.0)  # (B,N,J+1)
        self._logarithms = ratios + typical.log()
        known[..., MUPOTS_17.root] = True  # which may be unknown alone, and is little
        if up is None:
            up = sequences.new_full((len(sequences), 3), torch.nan)
        levelled = up.isfinite().all(dim=-1)[:, None].expand(-1, sequences.shape[1])  # (B,N)
        turned = up[:, None, None] @ self._rotations  # (B,1,1,3)
        upright = torch.where(levelled[..., None], turned[:, :, 0], 0.0)  # (B,N,3)
        told = torch.stack([known[..., :-1].all(dim=-1), known[..., -1], levelled], dim=-1)
        tokens = torch.cat([self._centred.tokens, ratios, upright, told.to(ratios)], dim=-1)
        self.tokens = _without_padding(tokens, present)

    def encode(self, joints: Tensor) -> Tensor:
        """See Standardisation."""
        return self._centred.encode(joints @ self._rotations)

    def decode(self, values: Tensor) -> Tensor:
        """See Standardisation."""
        return self._centred.decode(values) @ self._rotations.mT

    def log_deviations(self, values: Tensor) -> Tensor:
        """Logarithms of the deviations (B,P,J+1) of the outcome, from values of that shape."""
        return self._logarithms[:, : values.shape[1]] + values


class AllPeople:
    """Scales x, y and z to zero mean and unit deviation over all joints of all people.

    Source: section 3.3 of the paper and its release (unbiased deviation plus 1e-4, millimetres).
    Unlike in the release, padding is excluded from mean and deviation.
    """

    MILLIMETRES = 1000.0  # per metre; the released networks are trained on millimetres
    EPSILON = 1e-4

    def __init__(
        self,
        sequences: Tensor,
        present: Tensor | None = None,
        deviations: Tensor | None = None,
        up: Tensor | None = None,
    ) -> None:
        millimetres = sequences * self.MILLIMETRES  # (B,N,J,3)
        if present is None:
            present = sequences.new_ones(sequences.shape[:2], dtype=torch.bool)
        weights = present[:, :, None, None]
        count = present.sum(dim=1)[:, None, None, None] * sequences.shape[2]
        self._mean = (millimetres * weights).sum(dim=(1, 2), keepdim=True) / count  # (B,1,1,3)
        squares = ((millimetres - self._mean).square() * weights).sum(dim=(1, 2), keepdim=True)
        self._deviation = (squares / (count - 1)).sqrt() + self.EPSILON
        self.tokens = _without_padding(self.encode(sequences), present)

    def encode(self, joints: Tensor) -> Tensor:
        """See Standardisation."""
        values = (joints * self.MILLIMETRES - self._mean) / self._deviation
        return values.flatten(start_dim=2)

    def decode(self, values: Tensor) -> Tensor:
        """See Standardisation."""
        joints = values.unflatten(2, (-1, 3)) * self._deviation + self._mean
        return joints / self.MILLIMETRES


def _without_padding(tokens: Tensor, present: Tensor | None) -> Tensor:
    return tokens if present is None else tokens.masked_fill(~present[:, :, None], 0.0)


STANDARDISATIONS: dict[str, type[Standardisation]] = {
    "root_centred": RootCentred,
    "all_people": AllPeople,
    "facing": Facing,
}


def deviations_of(people: People) -> np.ndarray:
    """The deviations of people in MUPOTS_17 as networks read them: (N,J+1) float32.

    See `joined_deviations`; NaN for unknown ones.
    """
    return joined_deviations(people.deviations, people.root_deviations, people.distance_deviations)


def joined_deviations(joints: np.ndarray, roots: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """Deviations of people (N,J), (N,) and (N,) as networks read them: (N,J+1).

    Those of the joints in metres, with that of the root across its viewing ray in the pelvis'
    place, and last that of the logarithm of the distance.
    """
    deviations = np.column_stack([joints, distances])
    deviations[:, MUPOTS_17.root] = roots
    return deviations


def with_deviations(people: People, deviations: np.ndarray) -> People:
    """Copy of people in MUPOTS_17 with these deviations (N,J+1), see `deviations_of`."""
    joints = deviations[:, :-1].copy()
    joints[:, MUPOTS_17.root] = np.nan
    joints[:, MUPOTS_17.root] = np.where(np.isfinite(joints).any(axis=1), 0.0, np.nan)
    return replace(
        people,
        deviations=joints,
        root_deviations=deviations[:, MUPOTS_17.root],
        distance_deviations=deviations[:, -1],
    )
