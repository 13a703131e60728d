"""Node parameters as data: name, default, description, range and choices."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

from ament_index_python.packages import get_package_share_path
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node

from pinet_ros.errors import PinetError
from pinet_ros.ros.parameter_files import read_parameter_file
from pinet_ros.util.options import options_of

_Config = TypeVar("_Config")

_POLICIES = ("history", "depth", "reliability", "durability")  # see endpoints.py


@dataclass(frozen=True)
class Parameter:
    """One parameter of a node.

    Attributes:
        name: name in snake_case.
        default: default value, which also sets the type.
        description: one phrase for `ros2 param describe` and docs/ros_api.md.
        minimum, maximum: range of a number, inclusive.
        choices: allowed values; empty if all are.
        live: whether it may be changed while the node runs; other parameters are read at the
            start.
        any_type: whether values of other types are accepted, such as a number for a string.
    """

    name: str
    default: bool | int | float | str
    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str | int, ...] = ()
    live: bool = False
    any_type: bool = False

    @classmethod
    def from_options(cls, config: type) -> tuple[Parameter, ...]:
        """Create a parameter for each field of a dataclass that was created with `option`."""
        return tuple(
            cls(
                name=each.name,
                default=each.default,  # type: ignore[arg-type]
                description=described.description,
                minimum=described.minimum,
                maximum=described.maximum,
                choices=described.choices,
                live=described.live,
            )
            for each, described in options_of(config).items()
        )

    def descriptor(self) -> ParameterDescriptor:
        """Build the descriptor that the parameter is declared with."""
        choices = ", ".join(map(str, self.choices))
        descriptor = ParameterDescriptor(
            name=self.name,
            description=self.description,
            read_only=not self.live,
            dynamic_typing=self.any_type,
            additional_constraints=f"one of {choices}" if choices else "",
        )
        if self.minimum is not None and self.maximum is not None:
            if isinstance(self.default, float):
                limits = FloatingPointRange(
                    from_value=float(self.minimum), to_value=float(self.maximum)
                )
                descriptor.floating_point_range = [limits]
            else:
                limits = IntegerRange(from_value=int(self.minimum), to_value=int(self.maximum))
                descriptor.integer_range = [limits]
        return descriptor


def declare(node: Node, parameters: tuple[Parameter, ...]) -> None:
    """Declare parameters; values from the command line or a file override the defaults.

    Raises:
        PinetError: a value has the wrong type, is out of range or is not one of the choices.
    """
    for parameter in parameters:
        name, default = parameter.name, parameter.default
        try:
            value = node.declare_parameter(name, default, parameter.descriptor()).value
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            limits = f" from {parameter.minimum} to {parameter.maximum}"
            raise PinetError(
                f"parameter {name} must be of type {type(default).__name__}"
                f"{limits if parameter.minimum is not None else ''}, such as {default!r}: {error}"
            ) from error
        if parameter.choices and value not in parameter.choices:
            raise PinetError(
                f"parameter {parameter.name} must be one of "
                f"{', '.join(map(str, parameter.choices))}, got {value!r}"
            )


def require_known(node: Node) -> None:
    """Check that no parameter was given that neither this node nor another of the package has.

    A file may have parameters for several nodes below /**, so those of the others are allowed.

    Raises:
        PinetError: there is one, such as a misspelled name.
    """
    given = set(node._parameter_overrides)  # rclpy has no other way to ask
    unknown = sorted(name for name in given if not node.has_parameter(name))
    if not unknown:
        return
    file = get_package_share_path("pinet_ros") / "config" / "pinet.yaml"
    names = {name for entry in read_parameter_file(file) for name in entry.values}
    for name in unknown:
        if name.startswith("qos_overrides."):
            if name.rpartition(".")[2] not in _POLICIES:
                raise PinetError(
                    f"{name} cannot be overridden; only {', '.join(_POLICIES)} can be"
                )
        elif name not in names:
            near = get_close_matches(name, names, n=1)
            advice = f"did you mean {near[0]}?" if near else "config/pinet.yaml lists all"
            raise PinetError(f"{node.get_name()} has no parameter {name}; {advice}")


def read_options(node: Node, config: type[_Config]) -> _Config:
    """Create a config from the parameters that `Parameter.from_options` made of it."""
    names = [each.name for each in options_of(config)]
    return config(**{name: value(node, name) for name in names})


def value(node: Node, name: str) -> Any:
    """Current value of a declared parameter."""
    return node.get_parameter(name).value
