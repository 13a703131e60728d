"""Training targets of PoseNet and RootNet."""

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
    """Training targets of P people, K points each.

    Attributes:
        places: (P,K,2) image pixels, NaN where unknown.
        depths: (P,K) third value of the network's output, NaN where unknown.
        units: (P,) factor from `depths` to the units of the loss.
        millimetres: (P,) factor from `depths` to millimetres.
        mirror: (K,) for each point, the index of the point that it becomes in a mirror.
    """

    places: np.ndarray
    depths: np.ndarray
    units: np.ndarray
    millimetres: np.ndarray
    mirror: list[int]


@dataclass(frozen=True)
class Task:
    """How to build one of the networks, and how to compute its targets.

    Attributes:
        build: builds the network for a joint set and a backbone.
        targets: computes the targets of people.
    """

    build: Callable[[JointSet, str], nn.Module]
    targets: Callable[[PeopleInPictures], Targets]


def _posenet_targets(people: PeopleInPictures) -> Targets:
    """All joints; the depth is the cell of the volume around the root, 0 to 64.

    Joints in front of the volume or behind it are unknown.
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
    """The root; the depth is the factor of k (see `distance_measure`), its loss in millimetres."""
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
    "posenet": Task(lambda joints, backbone: PoseNet(len(joints), backbone), _posenet_targets),
    "rootnet": Task(lambda joints, backbone: RootNet(backbone), _rootnet_targets),
}
