"""Benchmark: networks of detector and lifter on the CPU, with torch and ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from pinet_ros.cli.benchmarks.medians import medians_ms
from pinet_ros.detection.nanodet_network import NanoDetNetwork
from pinet_ros.detection.nanodet_weights import NANODET, load_nanodet, nanodet_file
from pinet_ros.lifting.blazepose_network import BlazePoseNetwork
from pinet_ros.lifting.blazepose_weights import (
    BLAZEPOSE,
    load_blazepose,
    network_of,
    weights_file,
)
from pinet_ros.models.networks import Network, as_network
from pinet_ros.util.plugins import load_plugin, plugin_names

# Where pinet_training offers the published BlazePose, to compare with.
_ORIGINALS, _BLAZEPOSE = "pinet.originals", "blazepose"

NAMES = (NANODET, *BLAZEPOSE)
PEOPLE = (1, 2, 4)
REPETITIONS = 10

_TORCH, _ONNX, _PUBLISHED = "torch", "onnx", "published"


def benchmark_estimator(
    names: Sequence[str] = NAMES,
    counts: Sequence[int] = PEOPLE,
    repetitions: int = REPETITIONS,
    *,
    lifter_weights: str | Path = "",
) -> dict[str, dict[str, dict[str, float]]]:
    """Time networks on noise, with torch's number of threads; image processing is excluded.

    Args:
        names: networks, of NAMES.
        counts: numbers of people; the detector always gets 1 image.
        repetitions: runs of each network in each way; the ways take turns.
        lifter_weights: file of weights for the BlazePose network that it is of; the others, or all
            if it is empty, have their default weights.

    Returns:
        For each network and count: `ratio`, median time of torch over that of ONNX Runtime;
        `max_diff`, largest difference between the results, relative to the largest value of an
        output or to 1 if that is smaller; `torch_ms` and `onnx_ms`, the medians. For BlazePose
        also `published_ms`, of the graph that MediaPipe publishes, by ONNX Runtime; and
        `to_published`, our median by ONNX Runtime over that. They are left out where
        pinet_training is not installed.

    Raises:
        ModelError: weights are missing, damaged, or another network's; or the published ones have
            not been fetched.
    """
    random = torch.Generator().manual_seed(0)
    given = {network_of(Path(lifter_weights)): lifter_weights} if lifter_weights else {}
    report = {}
    for name in names:
        shape, ways = _ways_to_run(name, given.get(name, ""))
        report[name] = {
            str(count): _compare(ways, torch.rand(count, *shape, generator=random), repetitions)
            for count in ((1,) if name == NANODET else counts)
        }
    return report


def _ways_to_run(name: str, weights: str | Path) -> tuple[tuple[int, ...], dict[str, Network]]:
    """The shape of a network's images, and the network in each way."""
    module: NanoDetNetwork | BlazePoseNetwork
    if name == NANODET:
        file = nanodet_file(weights)
        module = load_nanodet(file)
    else:
        file = weights_file(name, weights)
        module = load_blazepose(name, file)
    ways: dict[str, Network] = {
        _TORCH: module,
        _ONNX: as_network(module, module.output_names, "cpu", "onnx", file),
    }
    if name in BLAZEPOSE and plugin_names(_ORIGINALS):
        original = load_plugin(_ORIGINALS, _BLAZEPOSE, "the published BlazePose")
        ways[_PUBLISHED] = original(name)
    return module.input_shape, ways


@torch.inference_mode()
def _compare(ways: dict[str, Network], images: Tensor, repetitions: int) -> dict[str, float]:
    results = {name: network(images) for name, network in ways.items()}  # also warms up
    pairs = list(zip(results[_TORCH], results[_ONNX], strict=True))
    calls = {name: lambda network=network: network(images) for name, network in ways.items()}
    medians = medians_ms(calls, repetitions)
    row = {
        "ratio": medians[_TORCH] / medians[_ONNX],
        "max_diff": max(float((a - b).abs().max() / a.abs().max().clamp_min(1)) for a, b in pairs),
        **{f"{name}_ms": value for name, value in medians.items()},
    }
    if _PUBLISHED in medians:
        row["to_published"] = medians[_ONNX] / medians[_PUBLISHED]
    return row
