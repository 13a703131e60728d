"""PoseNet and RootNet from files, run by torch or by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from pinet_ros.lifting.mppe.backbone import DECODERS, RELEASED, SMALL
from pinet_ros.lifting.mppe.posenet import PoseNet
from pinet_ros.lifting.mppe.rootnet import RootNet
from pinet_ros.models.networks import Network, as_network, module_onnx
from pinet_ros.models.released import load_released_state, load_state_strict
from pinet_ros.util.files import write_whole

_RELEASED_JOINTS = 21


@dataclass(frozen=True)
class Networks:
    """Both networks of 3DMPPE; they take crops (N,3,256,256).

    Attributes:
        joint_count: J, the number of PoseNet's joints.
        posenet: returns a tuple of one tensor (N,J,3), see PoseNet.
        rootnet: returns a tuple of one tensor (N,3), see RootNet.
    """

    joint_count: int
    posenet: Network
    rootnet: Network


def load_networks(
    posenet: str | Path, rootnet: str | Path, device: torch.device | str, runtime: str = "auto"
) -> Networks:
    """Load both networks to run on a device.

    Args:
        posenet, rootnet: snapshots.
        device: where the networks run.
        runtime: auto, torch or onnx, see `select_runtime`; ONNX files are kept in the cache.

    Raises:
        ModelError: a file is missing or does not fit its network, or ONNX Runtime's outputs
            differ from torch's.
        PinetError: the runtime is not available on this device.
    """
    pose, root = load_posenet(posenet), load_rootnet(rootnet)
    return Networks(
        pose.joint_count,
        as_network(pose, ["joints"], device, runtime, Path(posenet)),
        as_network(root, ["root"], device, runtime, Path(rootnet)),
    )


def export_snapshot(network: str, path: str | Path) -> bytes:
    """Export a snapshot to ONNX, from `images` (B,3,256,256) to `joints` (B,J,3) or `root` (B,3).

    Args:
        network: posenet or rootnet.
        path: the snapshot.

    Returns:
        The content of the ONNX file.

    Raises:
        ModelError: the file is missing or does not fit the network, or ONNX Runtime's outputs
            differ from torch's.
        PinetError: ONNX's packages are missing.
    """
    load, output = {"posenet": (load_posenet, "joints"), "rootnet": (load_rootnet, "root")}[
        network
    ]
    return module_onnx(load(path), [output], Path(path))


def load_posenet(path: str | Path) -> PoseNet:
    """Load PoseNet from a snapshot, released or written by `pinet train-lifter`.

    The number of joints and the backbone follow from the weights.

    Raises:
        ModelError: the file is missing or is not a snapshot, or its weights are not PoseNet's;
            the message then has the first names that are missing or unexpected.
    """
    state = load_released_state(path)
    last = state.get("head.final_layer.bias")
    backbone = _backbone(state)
    cells = DECODERS[backbone].cells
    joints = _RELEASED_JOINTS if last is None else max(1, len(last) // cells)
    network = PoseNet(joints, backbone)
    load_state_strict(network, state, f"{path}, tried with {joints} joints and {backbone},")
    return network.eval()


def load_rootnet(path: str | Path) -> RootNet:
    """Load RootNet from a snapshot, as `load_posenet` does.

    Raises:
        ModelError: see `load_posenet`.
    """
    state = load_released_state(path)
    backbone = _backbone(state)
    network = RootNet(backbone)
    load_state_strict(network, state, f"{path}, tried with {backbone},")
    return network.eval()


def _backbone(state: Mapping[str, Tensor]) -> str:
    """The backbone, from the names of its weights; the released one if none matches."""
    if any(name.startswith("backbone.blocks.") for name in state):
        return SMALL
    bottleneck = "backbone.layer1.0.conv3.weight" in state
    blocks = len([name for name in state if _is_block(name)])
    depths = {(True, 6): 50, (True, 23): 101, (True, 36): 152, (False, 2): 18, (False, 6): 34}
    depth = depths.get((bottleneck, blocks))
    return RELEASED if depth is None else f"resnet{depth}"


def _is_block(name: str) -> bool:
    return name.startswith("backbone.layer3.") and name.endswith(".conv1.weight")


def save_snapshot(network: nn.Module, path: str | Path) -> None:
    """Write a network in the released format: weights under `network`, names after `module.`."""
    state = {f"module.{name}": value.cpu() for name, value in network.state_dict().items()}
    write_whole(Path(path), lambda stream: torch.save({"network": state}, stream))
