"""PoseNet and RootNet against the same networks written plainly, and what they refuse."""

from __future__ import annotations

import pytest
import torch
from plain_mppe import PlainPoseNet, PlainRootNet, clouds, randomised, write_snapshot

from pinet_ros.lifting.mppe.posenet import PoseNet
from pinet_ros.lifting.mppe.rootnet import RootNet
from pinet_ros.lifting.mppe.snapshots import (
    load_networks,
    load_posenet,
    load_rootnet,
    save_snapshot,
)
from pinet_ros.models.catalog import ModelError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def plain():
    return randomised(lambda: PlainPoseNet(21), seed=1), randomised(PlainRootNet, seed=2)


@pytest.fixture(scope="module")
def released(plain, tmp_path_factory):
    folder = tmp_path_factory.mktemp("released")
    return [
        write_snapshot(folder / name, network)
        for name, network in zip(("pose.pth.tar", "root.pth.tar"), plain, strict=True)
    ]


@pytest.fixture(scope="module")
def crops():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return clouds(2, 256, 256)


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("runtime", ["torch", "onnx"])
def test_released_snapshots_give_what_the_plain_networks_give(
    plain, released, crops, runtime, tmp_path, monkeypatch
):
    monkeypatch.setenv("PINET_CACHE", str(tmp_path))
    networks = load_networks(*released, "cpu", runtime)
    assert networks.joint_count == 21
    with torch.inference_mode():
        (joints,), (roots,) = networks.posenet(crops), networks.rootnet(crops)
        expected_joints, expected_roots = (network(crops) for network in plain)
    assert expected_joints.std(dim=1).min() > 0.05  # joints lie apart
    torch.testing.assert_close(joints, expected_joints, rtol=0, atol=0.01)
    torch.testing.assert_close(roots, expected_roots, rtol=0, atol=0.01)
    exported = {file.name.split("-")[0] for file in tmp_path.glob("*.onnx")}
    assert exported == ({"posenet", "rootnet"} if runtime == "onnx" else set())


def test_sizes_are_the_released_ones():
    assert parameters(PoseNet()) == 34_340_736  # 34.34 M of the paper's model
    assert parameters(RootNet()) == 33_997_634


@pytest.mark.parametrize(("joints", "depth"), [(18, 18), (17, 34), (21, 101), (18, 152)])
def test_joints_and_depth_are_those_of_the_weights(joints, depth, tmp_path):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = PoseNet(joints, depth)
    save_snapshot(network, tmp_path / "pose.pth.tar")
    found = load_posenet(tmp_path / "pose.pth.tar")
    assert found.joint_count == joints
    assert not found.training
    assert parameters(found) == parameters(network)
    save_snapshot(RootNet(depth), tmp_path / "root.pth.tar")
    assert parameters(load_rootnet(tmp_path / "root.pth.tar")) == parameters(RootNet(depth))


def test_a_depth_that_resnet_does_not_come_in_is_refused():
    with pytest.raises(ValueError, match=r"one of \(18, 34, 50, 101, 152\), got 20"):
        PoseNet(21, 20)


def test_another_network_is_refused_with_the_names_that_differ(released, tmp_path):
    pose, root = released
    with pytest.raises(
        ModelError,
        match=r"tried with 21 joints and ResNet-50, does not fit .*"
        r"missing, first head\..*unexpected, first root\.",
    ):
        load_posenet(root)
    with pytest.raises(
        ModelError, match=r"tried with ResNet-50, does not fit the network RootNet"
    ):
        load_rootnet(pose)
    state = torch.load(pose, weights_only=True)
    state["network"] = {f"module.{name}": value for name, value in state["network"].items()}
    torch.save(state, tmp_path / "wrapped_twice.pth.tar")
    with pytest.raises(
        ModelError,
        match=r"missing, first backbone\.conv1\.weight; .* "
        r"unexpected, first module\.backbone\.conv1\.weight",
    ):
        load_posenet(tmp_path / "wrapped_twice.pth.tar")
