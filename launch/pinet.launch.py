"""Start estimator and refiner for one camera, optionally with overlay and RViz.

ros2 launch pinet_ros pinet.launch.py image:=/camera/image_raw rviz:=true
"""

from __future__ import annotations

from ament_index_python.packages import get_package_share_path
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch_ros.actions import Node

from launch import LaunchContext, LaunchDescription

_SHARE = get_package_share_path("pinet_ros")
_SWITCH = {"default_value": "false", "choices": ["true", "false"]}

ARGUMENTS = [
    DeclareLaunchArgument(
        "image",
        default_value="image",
        description="image topic of the camera",
    ),
    DeclareLaunchArgument(
        "camera_info",
        default_value="",
        description="camera_info topic of the camera; empty uses the one next to the image topic",
    ),
    DeclareLaunchArgument("namespace", default_value="", description="namespace of all nodes"),
    DeclareLaunchArgument(
        "params_file",
        default_value=str(_SHARE / "config" / "pinet.yaml"),
        description="YAML file with the parameters of all nodes",
    ),
    DeclareLaunchArgument(
        "device",
        default_value="",
        description="auto, cpu, cuda or cuda:N; empty uses the device in params_file",
    ),
    DeclareLaunchArgument(
        "one_process", **_SWITCH, description="run estimator and refiner in one process"
    ),
    DeclareLaunchArgument("overlay", **_SWITCH, description="draw the people onto people/image"),
    DeclareLaunchArgument("rviz", **_SWITCH, description="start RViz"),
    DeclareLaunchArgument(
        "fixed_frame",
        default_value="camera_optical_frame",
        description="fixed frame of RViz: without tf, the frame_id of your images",
    ),
]


def _nodes(context: LaunchContext) -> list[Node]:
    """Create the nodes that the arguments select."""
    argument = context.launch_configurations
    on = {name for name, value in argument.items() if value == "true"}
    topics = [(name, argument[name]) for name in ("image", "camera_info") if argument[name]]
    parameters = [argument["params_file"]]
    if argument["device"]:
        parameters.append({"device": argument["device"]})

    def node(executable: str) -> Node:
        return Node(
            package="pinet_ros",
            executable=executable,
            namespace=argument["namespace"],
            parameters=parameters,
            remappings=topics,
            output="screen",
        )

    executables = ["pose_pipeline"] if "one_process" in on else ["pose_estimator", "pose_refiner"]
    if "overlay" in on:
        executables.append("pose_overlay")
    nodes = [node(executable) for executable in executables]
    if "rviz" in on:
        nodes.append(
            Node(
                package="rviz2",
                executable="rviz2",
                namespace=argument["namespace"],
                arguments=[
                    *("-d", str(_SHARE / "config" / "pinet.rviz")),
                    *("-f", argument["fixed_frame"]),
                ],
                # the topics in pinet.rviz are absolute, so a namespace does not apply to them
                remappings=[(f"/{name}", name) for name in ("people/markers", "people/image")],
            )
        )
    return nodes


def generate_launch_description() -> LaunchDescription:
    """Describe the launch, for ros2 launch."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=_nodes)])
