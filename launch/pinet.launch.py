"""Start estimator and refiner for one camera, optionally with player, overlay and RViz.

ros2 launch pinet_ros pinet.launch.py image:=/camera/image_raw rviz:=true
ros2 launch pinet_ros pinet.launch.py camera:=0 calibration:=my.yaml rviz:=true

What is started is decided in pinet_ros.ros.launching; here it only becomes actions.
"""

from __future__ import annotations

from ament_index_python.packages import get_package_prefix, get_package_share_path
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch.events.process import ProcessExited
from launch_ros.actions import Node

from launch import LaunchContext, LaunchDescription
from pinet_ros.ros.launch_arguments import ARGUMENTS
from pinet_ros.ros.launching import RESPAWN_DELAY, Process, plan


def _nodes(context: LaunchContext) -> list[Node]:
    """Create the nodes that the arguments select; an error here ends the launch before them."""
    processes = plan(
        {each.name: context.launch_configurations[each.name] for each in ARGUMENTS},
        share=get_package_share_path("pinet_ros"),
        find_package=get_package_prefix,
    )
    return [_node(process) for process in processes]


def _node(process: Process) -> Node:
    def ended(event: ProcessExited, context: LaunchContext) -> Shutdown | None:
        if context.is_shutdown:
            return None
        # a failure is raised, because launch ends with status 1 only after an exception
        reason = process.reason_to_stop(event.returncode)
        return Shutdown(reason=reason) if reason else None

    return Node(
        package=process.package,
        executable=process.executable,
        namespace=process.namespace,
        parameters=process.parameter_files(),
        remappings=list(process.remappings),
        arguments=list(process.arguments),
        ros_arguments=list(process.ros_arguments),
        respawn=process.respawn,
        respawn_delay=RESPAWN_DELAY,
        on_exit=ended,
        output="screen",
    )


def generate_launch_description() -> LaunchDescription:
    """Describe the launch, for ros2 launch."""
    declared = [
        DeclareLaunchArgument(
            each.name,
            default_value=each.default,
            description=each.description,
            choices=list(each.choices) or None,
        )
        for each in ARGUMENTS
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=_nodes)])
