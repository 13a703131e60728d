"""What PoseNet and RootNet are to say of people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import nn

from pinet_ros.lifting.mppe.backbone import CELLS
from pinet_ros.lifting.mppe.mppe_lifter import DEPTH
from pinet_ros.lifting.mppe.posenet import PoseNet
from pinet_ros.lifting.mppe.rootnet import RootNet
from pinet_ros.skeleton import JointSet
from pinet_training.lifter.person_samples import PeopleInPictures

_ROOT = "pelvis"
_MILLIMETRES = 1000.0


@dataclass(frozen=True, eq=False)
class Targets:
    """What a network is to say of P people: of each K points.

    Attributes:
        places: (P,K,2) pixels of the picture, NaN for what is not known.
        depths: (P,K) third number of the network's answer, NaN for what is not known.
        units: (P,) what one of `depths` is in the loss.
        millimetres: (P,) and what it is in millimetres.
        mirror: (K,) indices of the points in a mirror.
    """

    places: np.ndarray
    depths: np.ndarray
    units: np.ndarray
    millimetres: np.ndarray
    mirror: list[int]


@dataclass(frozen=True)
class Task:
    """How one of the networks is made, and what it is to say.

    Attributes:
        build: makes it, for a joint set and a depth of ResNet.
        targets: of people.
    """

    build: Callable[[JointSet, int], nn.Module]
    targets: Callable[[PeopleInPictures], Targets]


def _posenet_targets(people: PeopleInPictures) -> Targets:
    """All joints; the third number is the cell of the volume about the root, 0 to 64.

    A joint beyond the volume is unknown.
    """
    root = people.depths[:, [people.joint_set.index(_ROOT)]]
    cells = ((people.depths - root) / DEPTH + 0.5) * CELLS
    beyond = (cells < 0) | (cells >= CELLS)  # false for NaN
    count = len(people)
    return Targets(
        places=np.where(beyond[..., None], np.nan, people.places),
        depths=np.where(beyond, np.nan, cells),
        units=np.ones(count),
        millimetres=np.full(count, DEPTH * _MILLIMETRES / CELLS),
        mirror=people.joint_set.mirror,
    )


def _rootnet_targets(people: PeopleInPictures) -> Targets:
    """The root; the third number is what k is to be multiplied with, its loss in millimetres."""
    root = [people.joint_set.index(_ROOT)]
    millimetres = np.nan_to_num(people.measures) * _MILLIMETRES
    return Targets(
        places=people.places[:, root],
        depths=people.depths[:, root] / people.measures[:, None],
        units=millimetres,
        millimetres=millimetres,
        mirror=[0],
    )


TASKS = {
    "posenet": Task(lambda joints, depth: PoseNet(len(joints), depth), _posenet_targets),
    "rootnet": Task(lambda joints, depth: RootNet(depth), _rootnet_targets),
}
