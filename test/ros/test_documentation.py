"""The documented parameters and launch arguments are those of the nodes and the launch file."""

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
from pinet_ros.ros.launch_arguments import ARGUMENTS
from pinet_ros.ros.live_node import COMMON, LiveNode

ROOT = Path(__file__).parents[2]
NODES = {
    "pose_estimator": PoseEstimatorNode,
    "pose_refiner": PoseRefinerNode,
    "pose_overlay": PoseOverlayNode,
    "camera_player": CameraPlayer,
}
PARAMETERS = {
    name: [*kind.PARAMETERS, *(COMMON if issubclass(kind, LiveNode) else ())]
    for name, kind in NODES.items()
}
SHARED = "Lifecycle"  # the section about the parameters that several nodes have


def sections(page: str) -> dict[str, str]:
    """The sections of a page of the docs by their headings."""
    text = (ROOT / "docs" / page).read_text()
    return {part.split("\n", 1)[0]: part for part in text.split("\n## ")}


def documented(section: str) -> dict[str, str]:
    """The first two columns of the tables of a section: names and defaults."""
    rows = re.findall(r"^\| `(\w+)` \| (.*?) ?\|", section, re.MULTILINE)
    return {name: default.strip("`") for name, default in rows}


@pytest.mark.parametrize("node", NODES)
def test_the_configuration_file_has_every_parameter_with_its_default(node):
    file = yaml.safe_load((ROOT / "config" / "pinet.yaml").read_text())
    written = file[f"/**/{node}"]["ros__parameters"]
    assert written == {parameter.name: parameter.default for parameter in PARAMETERS[node]}


@pytest.mark.parametrize("node", NODES)
def test_the_docs_have_every_parameter_with_its_default(node):
    page = sections("ros_api.md")
    own, shared = documented(page[node]), documented(page[SHARED])
    for parameter in PARAMETERS[node]:
        rows = shared if parameter in COMMON else own
        assert parameter.name in rows, f"docs/ros_api.md has no row for {parameter.name} of {node}"
        assert rows[parameter.name] == str(parameter.default).lower()


@pytest.mark.parametrize("node", NODES)
def test_the_docs_have_no_parameter_that_a_node_lacks(node):
    tables = sections("ros_api.md")[node].split("| parameter | default | |")
    assert len(tables) == 2
    names = {parameter.name for parameter in PARAMETERS[node]}
    assert set(documented(tables[1])) == names - {parameter.name for parameter in COMMON}


def test_the_docs_have_every_launch_argument_with_its_default():
    defaults = {argument.name: argument.default for argument in ARGUMENTS}
    assert documented(sections("robot.md")["Launch"]) == defaults


def test_the_configuration_file_reaches_nodes_in_a_namespace(ros, tmp_path):
    text = (ROOT / "config" / "pinet.yaml").read_text().replace("lifetime: 0.0", "lifetime: 7.5")
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


@pytest.mark.parametrize(
    ("page", "file"),
    [
        *(("ros_api.md", f"msg/{path.name}") for path in sorted((ROOT / "msg").iterdir())),
        ("robot.md", "examples/nearest_person.py"),
    ],
)
def test_the_docs_include_messages_and_an_example(page, file):
    assert (ROOT / file).is_file()
    lines = (ROOT / "docs" / page).read_text().splitlines()
    assert f'--8<-- "{file}"' in lines
