"""Stand-in for ROS's launch, which is not on PyPI: takes the same arguments, and keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any


class LaunchContext:
    def __init__(self) -> None:
        self.launch_configurations: dict[str, str] = {}
        self.is_shutdown = False


@dataclass
class LaunchDescription:
    entities: list[Any]


@dataclass
class DeclareLaunchArgument:
    name: str
    default_value: str
    description: str
    choices: list[str] | None = None

    def visit(self, context: LaunchContext) -> None:
        value = context.launch_configurations.setdefault(self.name, self.default_value)
        if self.choices is not None and value not in self.choices:
            raise RuntimeError(f"{self.name}: {value} is not in {self.choices}")


@dataclass
class OpaqueFunction:
    function: Any

    def visit(self, context: LaunchContext) -> list[Any]:
        return self.function(context)


@dataclass
class Shutdown:
    reason: str


@dataclass(kw_only=True)
class Node:
    package: str
    executable: str
    namespace: str
    parameters: list[str]
    remappings: list[tuple[str, str]]
    arguments: list[str]
    ros_arguments: list[str]
    respawn: bool
    respawn_delay: float
    on_exit: Any
    output: str

    @property
    def node_executable(self) -> str:
        return self.executable


@dataclass
class ProcessExited:
    returncode: int


def modules() -> dict[str, ModuleType]:
    """What to put into sys.modules."""
    contents = {
        "launch": (LaunchContext, LaunchDescription),
        "launch.actions": (DeclareLaunchArgument, OpaqueFunction, Shutdown),
        "launch.events": (),
        "launch.events.process": (ProcessExited,),
        "launch_ros": (),
        "launch_ros.actions": (Node,),
    }
    made = {}
    for name, members in contents.items():
        made[name] = ModuleType(name)
        for member in members:
            setattr(made[name], member.__name__, member)
    return made
