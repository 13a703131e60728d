"""Benchmark: one batched pass for all people against a pass of the network for each person."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from pinet_ros.cli.benchmarks.medians import medians_ms
from pinet_ros.people import People
from pinet_ros.refinement.checkpoint import Checkpoint
from pinet_ros.refinement.formulation import PUBLISHED
from pinet_ros.refinement.model import PINet
from pinet_ros.refinement.refiner import Refiner
from pinet_ros.skeleton import MUPOTS_17

PEOPLE = (1, 2, 3, 5, 10, 20)
REPETITIONS = 30
_SEED = 0


def benchmark_refiner(
    counts: tuple[int, ...] = PEOPLE,
    repetitions: int = REPETITIONS,
    device: torch.device | str = "cpu",
) -> dict[str, dict[str, float]]:
    """Time the refiner and separate passes in turn, so that load affects both alike.

    Both use the published formulation. The weights are random, which does not affect the times.

    Args:
        counts: numbers of people.
        repetitions: runs of each implementation.
        device: device to run on.

    Returns:
        For each number of people: `ratio`, median time of the separate passes over that of the
        batched one; `max_diff_mm`, largest difference between their joints; `batched_ms` and
        `separate_ms`, the medians.
    """
    with torch.random.fork_rng():
        torch.manual_seed(_SEED)
        network = PINet().to(device).eval()
    refiner = Refiner(Checkpoint(network, PUBLISHED), device)
    rng = np.random.default_rng(_SEED)
    return {
        str(count): _compare(network, refiner, _random_joints(count, rng), repetitions)
        for count in counts
    }


@torch.inference_mode()
def separate_passes(network: PINet, joints: np.ndarray) -> np.ndarray:
    """Run the network as published, with a separate pass for each person.

    Args:
        network: the network.
        joints: (N,17,3) metres, camera frame.

    Returns:
        (N,17,3) refined poses, metres, camera frame.
    """
    roots = joints[:, MUPOTS_17.root]
    refined = []
    for person in range(len(joints)):
        distances = np.linalg.norm(roots - roots[person], axis=1)
        distances[person] = -1  # the person itself comes first
        nearest = np.argsort(distances, kind="stable")[: 1 + PUBLISHED.neighbours]
        poses = torch.from_numpy(1000 * joints[nearest])
        points = poses.to(network.h0.device).flatten(0, 1)  # (17N,3) millimetres
        mean, deviation = points.mean(dim=0), points.std(dim=0) + 1e-4
        tokens = ((points - mean) / deviation).reshape(1, len(poses), -1)
        values = network(tokens)[0, 0].reshape(-1, 3)
        refined.append((values * deviation + mean).cpu().numpy() / 1000)
    return np.stack(refined)


def _compare(
    network: PINet, refiner: Refiner, joints: np.ndarray, repetitions: int
) -> dict[str, float]:
    people = People.from_joints(MUPOTS_17, joints)
    ways: dict[str, Callable[[], np.ndarray]] = {
        "batched": lambda: refiner(people).people.joints,
        "separate": lambda: separate_passes(network, joints),
    }
    refined = {name: way() for name, way in ways.items()}  # also warms up
    medians = medians_ms(ways, repetitions)
    return {
        "ratio": medians["separate"] / medians["batched"],
        "max_diff_mm": 1000 * float(np.abs(refined["batched"] - refined["separate"]).max()),
        "batched_ms": medians["batched"],
        "separate_ms": medians["separate"],
    }


def _random_joints(count: int, rng: np.random.Generator) -> np.ndarray:
    """Joints (N,17,3) with a deviation of 0.5 m about roots at 2 to 8 m from the camera."""
    roots = rng.uniform([-3, -0.5, 2], [3, 0.5, 8], size=(count, 1, 3))
    return (roots + rng.normal(scale=0.5, size=(count, 17, 3))).astype(np.float32)
