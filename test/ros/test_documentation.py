"""What is written of the parameters is what the nodes have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from rcl_interfaces.srv import DescribeParameters, GetParameters

from pinet_ros.nodes.camera_player import CameraPlayer
from pinet_ros.nodes.pose_estimator import PoseEstimatorNode
from pinet_ros.nodes.pose_overlay import PoseOverlayNode
from pinet_ros.nodes.pose_refiner import PoseRefinerNode
from pinet_ros.ros.live_node import AUTOSTART, INPUT_TIMEOUT, LiveNode

ROOT = Path(__file__).parents[2]
NODES = {
    "pose_estimator": PoseEstimatorNode,
    "pose_refiner": PoseRefinerNode,
    "pose_overlay": PoseOverlayNode,
    "camera_player": CameraPlayer,
}
PARAMETERS = {
    name: [*kind.PARAMETERS, *((AUTOSTART, INPUT_TIMEOUT) if issubclass(kind, LiveNode) else ())]
    for name, kind in NODES.items()
}


@pytest.mark.parametrize("node", NODES)
def test_the_configuration_file_has_every_parameter_with_its_default(node):
    file = yaml.safe_load((ROOT / "config" / "pinet.yaml").read_text())
    written = file[f"/**/{node}"]["ros__parameters"]
    assert written == {parameter.name: parameter.default for parameter in PARAMETERS[node]}


@pytest.mark.parametrize("node", NODES)
def test_the_readme_names_every_parameter_with_its_default(node):
    readme = (ROOT / "README.md").read_text()
    sections = {part.split("\n", 1)[0]: part for part in readme.split("\n### ")}
    for parameter in PARAMETERS[node]:
        section = sections["All of them" if parameter in (AUTOSTART, INPUT_TIMEOUT) else node]
        row = re.search(rf"^\| `{parameter.name}` \| (.*?) ?\|", section, re.MULTILINE)
        assert row, f"the README has no row for {parameter.name} of {node}"
        assert row[1].strip("`") == str(parameter.default).lower()


def test_the_readme_names_every_launch_argument():
    launch = (ROOT / "launch" / "pinet.launch.py").read_text()
    readme = (ROOT / "README.md").read_text()
    names = re.findall(r'DeclareLaunchArgument\(\s*"(\w+)"', launch)
    assert len(names) == 9
    assert [name for name in names if f"`{name}`" not in readme] == []


def test_the_configuration_file_reaches_nodes_in_a_namespace(ros, tmp_path):
    text = (ROOT / "config" / "pinet.yaml").read_text().replace("lifetime: 0.5", "lifetime: 7.5")
    (tmp_path / "mine.yaml").write_text(text)
    ros.start("pose_refiner", {"autostart": False}, {"__ns": "/robot"}, files=["mine.yaml"])
    client = ros.node.create_client(GetParameters, "/robot/pose_refiner/get_parameters")
    ros.until(client.service_is_ready)
    future = client.call_async(GetParameters.Request(names=["marker_lifetime", "autostart"]))
    ros.until(future.done)
    lifetime, autostart = future.result().values
    assert lifetime.double_value == 7.5
    assert autostart.bool_value is False  # what is given by itself comes after the file


def test_parameters_describe_themselves(ros):
    ros.start("pose_estimator", {"autostart": False})
    client = ros.node.create_client(DescribeParameters, "/pose_estimator/describe_parameters")
    ros.until(client.service_is_ready)
    parameters = {parameter.name: parameter for parameter in PARAMETERS["pose_estimator"]}
    future = client.call_async(DescribeParameters.Request(names=list(parameters)))
    ros.until(future.done)
    for descriptor in future.result().descriptors:
        parameter = parameters[descriptor.name]
        assert descriptor.description == parameter.description
        assert descriptor.read_only is not parameter.live
        if isinstance(parameter.default, float):
            limits = descriptor.floating_point_range[0]
            assert (limits.from_value, limits.to_value) == (parameter.minimum, parameter.maximum)
