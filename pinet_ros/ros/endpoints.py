"""Publishers and subscriptions, with the QoS that the parameters qos_overrides give."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

from rclpy.exceptions import InvalidParameterTypeException
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import (
    DurabilityPolicy,
    QoSPolicyKind,
    QoSProfile,
    ReliabilityPolicy,
    qos_profile_sensor_data,
)
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription

from pinet_ros.errors import PinetError

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # its place in Humble
    from rclpy.qos_event import SubscriptionEventCallbacks

_DEPTH = 10  # messages that a publisher keeps for its reliable subscribers
_OVERRIDABLE = (
    QoSPolicyKind.HISTORY,
    QoSPolicyKind.DEPTH,
    QoSPolicyKind.RELIABILITY,
    QoSPolicyKind.DURABILITY,
)
_VALUES = (
    "reliability must be reliable or best_effort; durability volatile or transient_local; history "
    "keep_last or keep_all; depth an integer of at least 1"
)


def create_output(node: Node, message: type, topic: str) -> Publisher:
    """Create a publisher, reliable, keep last 10; the parameters qos_overrides apply.

    Raises:
        PinetError: a QoS override has a value that does not exist.
    """
    profile = QoSProfile(depth=_DEPTH)
    name = f"{node.resolve_topic_name(topic)}.publisher"
    return _created(
        name,
        lambda: node.create_publisher(
            message, topic, profile, qos_overriding_options=QoSOverridingOptions(_OVERRIDABLE)
        ),
    )


def create_input(
    node: Node, message: type, topic: str, callback: Callable[[Any], None]
) -> Subscription:
    """Create a subscription for sensor data; the parameters qos_overrides apply.

    Raises:
        PinetError: a QoS override has a value that does not exist.
    """
    profile = copy(qos_profile_sensor_data)  # the overrides change it in place
    return _created(
        f"{node.resolve_topic_name(topic)}.subscription",
        lambda: node.create_subscription(
            message,
            topic,
            callback,
            profile,
            qos_overriding_options=QoSOverridingOptions(_OVERRIDABLE),
        ),
    )


def is_latched(node: Node, topic: str) -> bool:
    """Whether a topic has a publisher that keeps what it has published for late subscribers."""
    return any(
        info.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
        for info in node.get_publishers_info_by_topic(topic)
    )


def create_latched_input(
    node: Node, message: type, topic: str, callback: Callable[[Any], None]
) -> Subscription:
    """Create a subscription that gets what was published before.

    It does not match publishers that keep nothing, of which rclpy would warn.
    """
    profile = QoSProfile(  # only reliable subscribers get what was published before
        depth=1,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
    )
    return node.create_subscription(
        message,
        topic,
        callback,
        profile,
        event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
    )


def _created(name: str, create: Callable[[], Any]) -> Any:
    try:
        return create()
    except (RuntimeError, ValueError, TypeError, InvalidParameterTypeException) as error:
        raise PinetError(
            f"the parameters qos_overrides.{name}.* cannot be used: {error}; {_VALUES}"
        ) from error
