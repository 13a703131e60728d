"""PoseNet and RootNet against the same networks written plainly, and what they refuse."""

from __future__ import annotations

import pytest
import torch
from plain_mppe import PlainPoseNet, PlainRootNet, clouds, randomised, write_snapshot

from pinet_ros.errors import ModelError
from pinet_ros.lifting.mppe.posenet import PoseNet
from pinet_ros.lifting.mppe.rootnet import RootNet
from pinet_ros.lifting.mppe.snapshots import (
    load_networks,
    load_posenet,
    load_rootnet,
    save_snapshot,
)

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


@pytest.mark.parametrize(
    ("joints", "backbone"),
    [
        (18, "resnet18"),
        (17, "resnet34"),
        (21, "resnet101"),
        (18, "resnet152"),
        (17, "efficientnet_lite0"),
    ],
)
def test_joints_and_backbone_are_those_of_the_weights(joints, backbone, tmp_path):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = PoseNet(joints, backbone)
    save_snapshot(network, tmp_path / "pose.pth.tar")
    found = load_posenet(tmp_path / "pose.pth.tar")
    assert found.joint_count == joints
    assert not found.training
    assert parameters(found) == parameters(network)
    save_snapshot(RootNet(backbone), tmp_path / "root.pth.tar")
    assert parameters(load_rootnet(tmp_path / "root.pth.tar")) == parameters(RootNet(backbone))


def test_a_backbone_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match=r"one of resnet18, .*, efficientnet_lite0, got 'vgg'"):
        PoseNet(21, "vgg")


def test_the_small_backbone_gives_results_in_the_same_cells():
    """A heat map with one cell alone: the result is where this cell is in the crop."""
    pose, root = PoseNet(17, "efficientnet_lite0").eval(), RootNet("efficientnet_lite0").eval()
    assert parameters(pose) < parameters(PoseNet(17)) / 9
    features = torch.full((1, 64, 32, 32), -1e3)
    features[..., 20, 12] = 1e3
    for network, head in ((pose, pose.head), (root, root.root)):
        head.deconv_layers = torch.nn.Identity()
        network.backbone = torch.nn.Identity()
    with torch.no_grad():
        last = pose.head.final_layer
        last.weight.zero_()
        last.weight.view(17, 32, 64)[:, 5] = 1.0  # the slice at this depth is the brightest
        root.root.xy_layer.weight.fill_(1.0)
        root.root.depth_layer = torch.nn.Conv2d(64, 1, 1)
        joints, roots = pose(features), root(features)
    torch.testing.assert_close(joints[0], torch.tensor([24.0, 40, 10]).expand(17, 3))
    torch.testing.assert_close(roots[0, :2], torch.tensor([24.0, 40]))


def test_another_network_is_refused_with_the_names_that_differ(released, tmp_path):
    pose, root = released
    with pytest.raises(
        ModelError,
        match=r"tried with 21 joints and resnet50, does not fit .*"
        r"missing, first head\..*unexpected, first root\.",
    ):
        load_posenet(root)
    with pytest.raises(ModelError, match=r"tried with resnet50, does not fit the network RootNet"):
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
