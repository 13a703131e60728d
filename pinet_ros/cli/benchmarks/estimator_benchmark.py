"""Benchmark: networks of detector and lifter on the CPU, with torch and ONNX Runtime."""

from __future__ import annotations

import torch
from torch import Tensor

from pinet_ros.cli.benchmarks.medians import medians_ms
from pinet_ros.models.networks import NETWORKS, Network, load_module, load_network

PEOPLE = (1, 2, 4)
REPETITIONS = 10


def benchmark_estimator(
    names: tuple[str, ...] = tuple(NETWORKS),
    counts: tuple[int, ...] = PEOPLE,
    repetitions: int = REPETITIONS,
) -> dict[str, dict[str, dict[str, float]]]:
    """Time networks on noise, with torch's number of threads; image processing is excluded.

    Args:
        names: networks, keys of NETWORKS.
        counts: numbers of people; the detector always gets 1 image.
        repetitions: runs of each network with each runtime.

    Returns:
        For each network and count: `ratio`, median time of torch over that of ONNX Runtime;
        `max_diff`, largest difference between the results, relative to the largest value of an
        output or to 1 if that is smaller; `torch_ms` and `onnx_ms`, the medians.
    """
    random = torch.Generator().manual_seed(0)
    report = {}
    for name in names:
        module, exported = load_module(name), load_network(name, "cpu", "onnx")
        report[name] = {
            str(count): _compare(
                module,
                exported,
                torch.rand(count, *module.input_shape, generator=random),
                repetitions,
            )
            for count in ((1,) if name == "nanodet" else counts)
        }
    return report


@torch.inference_mode()
def _compare(
    module: Network, exported: Network, images: Tensor, repetitions: int
) -> dict[str, float]:
    pairs = list(zip(module(images), exported(images), strict=True))  # also warms up
    ways = {"torch": lambda: module(images), "onnx": lambda: exported(images)}
    medians = medians_ms(ways, repetitions)
    return {
        "ratio": medians["torch"] / medians["onnx"],
        "max_diff": max(float((a - b).abs().max() / a.abs().max().clamp_min(1)) for a, b in pairs),
        "torch_ms": medians["torch"],
        "onnx_ms": medians["onnx"],
    }
