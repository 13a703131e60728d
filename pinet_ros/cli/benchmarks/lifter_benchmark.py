"""Benchmark: the lifter mppe and its parts against a plain reference implementation."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from pinet_ros.cli.benchmarks.medians import medians_ms
from pinet_ros.cli.benchmarks.plain_lifter import (
    plain_crop,
    plain_head,
    plain_lift,
    plain_posenet,
    warp_square,
)
from pinet_ros.detection.detections import Detections
from pinet_ros.geometry.camera import Camera
from pinet_ros.imaging.frame import Frame
from pinet_ros.imaging.regions import crop_squares
from pinet_ros.lifting.mppe.backbone import RELEASED
from pinet_ros.lifting.mppe.boxes import to_squares
from pinet_ros.lifting.mppe.mppe_lifter import MEAN, STD, ThreeDMPPE
from pinet_ros.lifting.mppe.posenet import PoseNet
from pinet_ros.lifting.mppe.rootnet import RootNet
from pinet_ros.lifting.mppe.snapshots import save_snapshot
from pinet_ros.lifting.mppe.soft_argmax import fused_soft_argmax, soft_argmax, soft_argmax_plain

PEOPLE = 4
REPETITIONS = 10
UNITS = {  # of the largest difference between the results
    "soft_argmax": "cells",
    "fused_head": "cells",
    "crops": "gray levels",
    "lifter": "m",
    "half": "m",
}
_WIDTH, _HEIGHT = 1280, 720
_CELLS = 64
_SEED = 0

Row = dict[str, float]
_Network = TypeVar("_Network", PoseNet, RootNet)


def benchmark_lifter(
    people: int = PEOPLE,
    repetitions: int = REPETITIONS,
    device: torch.device | str = "cpu",
    backbone: str = RELEASED,
) -> dict[str, Row]:
    """Time both implementations in turn; weights are random, which does not affect the times.

    On the CPU, ONNX Runtime runs the lifter. torch always runs the plain networks, which process
    one person at a time.

    Args:
        people: number of people in the image.
        repetitions: runs of each implementation.
        device: device to run on.
        backbone: of both networks, one of BACKBONES.

    Returns:
        Results named `soft_argmax`, `fused_head`, `crops`, `lifter`, and on CUDA `half`: a batch
        of 8 in half precision against 8 calls in single precision. Each has `ratio`, median time
        of the plain implementation over ours; `max_diff`, largest difference between the results
        in UNITS (for cells, to the formula in double precision); `plain_ms` and `fast_ms`.
    """
    device = torch.device(device)
    cv2.setNumThreads(torch.get_num_threads())  # by default it uses all cores
    with torch.random.fork_rng():
        torch.manual_seed(_SEED)
        networks = random_posenet(backbone).to(device), random_rootnet(backbone).to(device)
        with torch.inference_mode(), _as_snapshots(*networks) as paths:
            report = {
                "soft_argmax": _soft_argmax(people, repetitions, device),
                "fused_head": _fused_head(people, repetitions, networks[0], device),
                "crops": _crops(people, repetitions, device),
                "lifter": _lifter(people, repetitions, networks, paths, device),
            }
            if device.type == "cuda":
                report["half"] = _half(repetitions, paths, device)
    return report


def _compare(ways: Mapping[str, Callable[[], object]], repetitions: int, difference: float) -> Row:
    for way in ways.values():
        way()
    medians = medians_ms(ways, repetitions)
    return {
        "ratio": medians["plain"] / medians["fast"],
        "max_diff": difference,
        "plain_ms": medians["plain"],
        "fast_ms": medians["fast"],
    }


def _soft_argmax(people: int, repetitions: int, device: torch.device) -> Row:
    volumes = 3 * torch.randn(people, 21, _CELLS, _CELLS, _CELLS, device=device)
    exact = soft_argmax_plain(volumes.double())
    ways = {
        "plain": lambda: soft_argmax_plain(volumes).cpu(),
        "fast": lambda: soft_argmax(volumes).cpu(),
    }
    return _compare(ways, repetitions, _largest(soft_argmax(volumes) - exact))


def _fused_head(people: int, repetitions: int, network: PoseNet, device: torch.device) -> Row:
    features = torch.randn(people, 256, _CELLS, _CELLS, device=device)
    last = network.head.final_layer
    assert last.bias is not None  # nn.Conv2d has one by default
    weight, bias = last.weight, last.bias

    def fused() -> Tensor:
        return fused_soft_argmax(features, weight, bias, _CELLS).cpu()

    volumes = nn.functional.conv2d(features.double(), weight.double(), bias.double())
    exact = soft_argmax_plain(volumes.unflatten(1, (network.joint_count, _CELLS)))
    ways = {"plain": lambda: plain_head(features, network).cpu(), "fast": fused}
    return _compare(ways, repetitions, _largest(fused() - exact.cpu()))


def _crops(people: int, repetitions: int, device: torch.device) -> Row:
    """From the uint8 image to the networks' input; corners at integer pixels, sides of 8 n.

    For other squares OpenCV rounds positions to 1/32 pixel.
    """
    image, rng = random_image(), np.random.default_rng(_SEED)
    sides = 8.0 * rng.integers(20, 60, size=people)
    corners = rng.integers(-40, (_WIDTH - 200, _HEIGHT - 200), size=(people, 2))
    middles = corners + sides[:, None] / 2
    centers, lengths = (
        torch.as_tensor(each, dtype=torch.float32, device=device) for each in (middles, sides)
    )
    mean, deviation = (
        torch.tensor(each, device=device).view(3, 1, 1) * 255 for each in (MEAN, STD)
    )
    scale = 1 / deviation

    def standardise(crops: Tensor) -> None:
        crops.sub_(mean).mul_(scale)

    def fast() -> Tensor:
        frame = Frame.from_array(image, channels="rgb", device=device)
        return crop_squares(frame, centers, lengths, 256, finish=standardise)[..., :1, :1].cpu()

    frame = Frame.from_array(image, channels="rgb", device=device)
    found = crop_squares(frame, centers, lengths, 256).cpu().numpy().transpose(0, 2, 3, 1)
    warped = [warp_square(image, *square) for square in zip(middles, sides, strict=True)]
    ways = {
        "plain": lambda: [
            plain_crop(image, *square).to(device)[..., :1, :1].cpu()
            for square in zip(middles, sides, strict=True)
        ],
        "fast": fast,
    }
    return _compare(ways, repetitions, float(np.abs(found - np.array(warped)).max()))


def _lifter(
    people: int,
    repetitions: int,
    networks: tuple[PoseNet, RootNet],
    paths: tuple[Path, Path],
    device: torch.device,
) -> Row:
    """From the uint8 image and boxes to absolute poses."""
    image, camera = random_image(), Camera.from_focal(1000, _WIDTH, _HEIGHT)
    detections = random_detections(people)
    squares = np.column_stack(to_squares(detections.boxes, _WIDTH, _HEIGHT))
    lifter = ThreeDMPPE(*paths, device=device, precision="full")
    plain_networks = plain_posenet(networks[0]), networks[1]

    def plain() -> np.ndarray:
        return plain_lift(image, squares, camera, *plain_networks, device)[0][:, :17]

    def fast() -> np.ndarray:
        frame = Frame.from_array(image, channels="rgb", device=device)
        return lifter([frame], [detections], [camera])[0].joints

    exact = plain()
    if device.type != "cpu":  # OpenCV rounds values of uint8 crops, which affects random networks
        exact = plain_lift(
            (image / 255).astype(np.float32), squares, camera, *plain_networks, device
        )[0][:, :17]
    return _compare({"plain": plain, "fast": fast}, repetitions, _largest(exact - fast()))


def _half(repetitions: int, paths: tuple[Path, Path], device: torch.device) -> Row:
    image, camera = random_image(), Camera.from_focal(1000, _WIDTH, _HEIGHT)
    people = random_detections(8)
    full = ThreeDMPPE(*paths, device=device, precision="full")
    half = ThreeDMPPE(*paths, device=device, precision="half")
    frame = Frame.from_array(image, channels="rgb", device=device)

    def plain() -> np.ndarray:
        single = (Detections(people.boxes[n : n + 1], people.scores[n : n + 1]) for n in range(8))
        return np.concatenate([full([frame], [each], [camera])[0].joints for each in single])

    def fast() -> np.ndarray:
        return half([frame], [people], [camera])[0].joints

    return _compare({"plain": plain, "fast": fast}, repetitions, _largest(plain() - fast()))


def _largest(difference: Tensor | np.ndarray) -> float:
    return float(torch.as_tensor(difference).abs().max())


def random_image() -> np.ndarray:
    """Random image (720,1280,3) uint8 of colored clouds."""
    small = np.random.default_rng(_SEED).integers(0, 256, (45, 80, 3), dtype=np.uint8)
    return cv2.resize(small, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_CUBIC)


def random_detections(people: int) -> Detections:
    """Boxes of standing people within the image, with squares of 8 n pixels, see `_crops`."""
    rng = np.random.default_rng(_SEED)
    corners = rng.integers(0, (_WIDTH - 200, _HEIGHT - 500), size=(people, 2))
    sizes = np.array([2, 32]) * rng.integers((40, 8), (100, 16), size=(people, 2)) + 1
    boxes = np.hstack([corners, corners + sizes]).astype(np.float32)
    return Detections(boxes, np.ones(people, np.float32))


def random_posenet(backbone: str) -> PoseNet:
    """PoseNet with random weights whose joints are apart, as those of a trained one."""
    network = _settled(PoseNet(21, backbone))
    nn.init.normal_(network.head.final_layer.weight, std=0.05)
    return network


def random_rootnet(backbone: str) -> RootNet:
    """RootNet with random weights and roots at 1.5 times the distance from the box size."""
    network = _settled(RootNet(backbone))
    nn.init.constant_(network.get_parameter("root.depth_layer.bias"), 1.5)
    return network


def _settled(network: _Network) -> _Network:
    """The network with activations of the size that trained ones have."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0  # the statistics are those of the next batch alone
        if hasattr(layer, "bn3"):  # the last of a residual block, whose outputs add up
            nn.init.constant_(layer.get_parameter("bn3.weight"), 0.3)
    crop = torch.as_tensor(random_image()[:256, :512]).permute(2, 0, 1) / 64.0 - 2
    with torch.no_grad():
        network.train()(torch.stack(crop.split(256, dim=2)))
    return network.eval()


@contextmanager
def _as_snapshots(posenet: PoseNet, rootnet: RootNet) -> Iterator[tuple[Path, Path]]:
    """Write both as snapshots, in a temporary folder that also holds their ONNX exports."""
    with TemporaryDirectory() as folder, _cache(folder):
        paths = Path(folder) / "posenet.pth.tar", Path(folder) / "rootnet.pth.tar"
        for network, path in zip((posenet, rootnet), paths, strict=True):
            save_snapshot(network, path)
        yield paths


@contextmanager
def _cache(folder: str) -> Iterator[None]:
    """Set the cache folder temporarily."""
    before = os.environ.get("PINET_CACHE")
    os.environ["PINET_CACHE"] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ["PINET_CACHE"]
        else:
            os.environ["PINET_CACHE"] = before
