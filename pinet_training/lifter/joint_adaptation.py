"""Moves the joints of rendered people to where the published BlazePose has them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from pinet_ros.models.networks import Network
from pinet_training.lifter.blazepose_joints import to_mupots
from pinet_training.lifter.pose_crops import PoseCrops, normalised
from pinet_training.lifter.pose_samples import NOBODY, PoseSamples
from pinet_training.rendering.definition import JointDefinition

_MOST_PEOPLE = 1500  # that it is fitted to
_SMALLEST = 150  # pixels, height of the box: the joints of smaller people are not precise
_BATCH = 50


@dataclass(frozen=True)
class JointAdaptation:
    """How a network's joints differ from those of rendered bodies.

    As for a refiner, see `adapt_truth`: a training must not teach that joints are defined in
    another way. Distances stay true, while the published network sees people too far away.

    Attributes:
        definition: where the network defines its joints; None to leave them.
    """

    definition: JointDefinition | None = None

    @classmethod
    def fit(
        cls, samples: PoseSamples, network: Network, device: torch.device, processes: int = 0
    ) -> JointAdaptation:
        """Fit to people of whom everything is visible; too few of them change nothing.

        Args:
            samples: of the train split.
            network: gives landmarks, as BlazePoseNetwork does.
            device: where it runs.
            processes: that load crops.
        """
        rows = _rows_to_fit(samples)
        seen = _look(samples, rows, network, device, processes)
        return cls(JointDefinition.fit(samples.joints[samples.person[rows]], seen))

    def apply(self, joints: np.ndarray) -> np.ndarray:
        """Joints (P,17,3) of rendered bodies as the network gives them, metres, camera frame."""
        return joints if self.definition is None else self.definition.apply(joints)


def _rows_to_fit(samples: PoseSamples) -> np.ndarray:
    whole = np.append(samples.visible.all(axis=1), False)[samples.person]  # NOBODY is the last
    heights = samples.box[:, 3] - samples.box[:, 1]
    suitable = whole & ~samples.detected & (samples.person != NOBODY) & (heights >= _SMALLEST)
    return np.flatnonzero(suitable)[:_MOST_PEOPLE]


@torch.inference_mode()
def _look(
    samples: PoseSamples,
    rows: np.ndarray,
    network: Network,
    device: torch.device,
    processes: int,
) -> np.ndarray:
    """Joints (K,17,2), x/z and y/z of their rays, as the network sees them."""
    crops = PoseCrops(samples, rows, samples.joints, augment=False)
    batches = [range(n, min(n + _BATCH, len(rows))) for n in range(0, len(rows), _BATCH)]
    seen = [np.zeros((0, 17, 2))]
    for batch in crops.loader(batches, processes):
        image, world = network(batch["crop"].to(device).float() / 255)[:2]
        points, _ = to_mupots(image.cpu(), world.cpu())
        seen.append(normalised(points, batch["lens"]).numpy())
    return np.concatenate(seen)
