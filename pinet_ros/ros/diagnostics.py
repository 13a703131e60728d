"""Diagnostics: the status that a live node publishes on /diagnostics once a second."""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image

from pinet_ros.errors import one_line

_PERIOD = 1.0  # seconds
_RECENT = 5.0  # seconds over which the rate is computed and a problem gives a warning
_MAX_LOGGED = 20  # different messages; a limit, as some contain numbers that change
_LOGGED_ONCE = "(logged once, then counted in /diagnostics)"


@dataclass
class Input:
    """A subscription, and the time of its latest message.

    Attributes:
        subscription: the subscription.
        latest: monotonic time of the latest message, or of the subscription, seconds.
        unstamped: whether messages have a stamp of 0.
    """

    subscription: Subscription
    latest: float
    unstamped: bool = False

    @property
    def silence(self) -> float:
        """Seconds since the latest message, or since the subscription was created."""
        return time.monotonic() - self.latest

    def arrived(self, stamp: Time) -> None:
        """Record that a message has arrived."""
        self.latest = time.monotonic()
        self.unstamped = not (stamp.sec or stamp.nanosec)


class Counts(Protocol):
    """Counts of the worker: how many inputs it received, and how many it dropped."""

    received: int
    dropped: int


class StageTimes:
    """The latest durations of named stages."""

    def __init__(self, window: int = 300) -> None:
        """Keep the last `window` durations of each stage."""
        self._seconds: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=window))

    def add(self, stage: str, seconds: float) -> None:
        """Record a duration of a stage."""
        self._seconds[stage].append(seconds)

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Measure the duration of the body; a body that raises is not recorded."""
        start = time.perf_counter()
        yield
        self.add(stage, time.perf_counter() - start)

    def percentile_ms(self, percent: float) -> dict[str, float]:
        """A percentile, 0 to 100, of each stage in milliseconds, in order of first appearance."""
        return {
            stage: 1e3 * float(np.percentile(list(seconds), percent))
            for stage, seconds in list(self._seconds.items())
            if seconds
        }


class Diagnostics:
    """Counts, times and problems of one node, published on a timer.

    A problem is logged the first time and counted every time, so that a problem of every frame
    does not flood the log.
    """

    def __init__(self, node: Node, worker: Counts, input_timeout: float) -> None:
        """Start to publish.

        Args:
            node: the node.
            worker: counts of the worker that its inputs go through.
            input_timeout: seconds without input after which to warn.
        """
        self.times = StageTimes()
        self.state = "inactive"
        self._node = node
        self._worker = worker
        self._input_timeout = input_timeout
        self._inputs: list[Input] = []
        self._problems: Counter[str] = Counter()
        self._logged: set[str] = set()
        self._problem = (0.0, "")  # time and message of the latest one
        self._finished: deque[float] = deque(maxlen=1000)
        self._people = 0
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        # Simulated time may stand still, of all things when something is wrong.
        node.create_timer(_PERIOD, self._publish, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def watch(self, subscription: Subscription) -> Input:
        """Warn when a subscription is silent; call `arrived` of the result for each message."""
        self._inputs.append(Input(subscription, time.monotonic()))
        return self._inputs[-1]

    def watch_nothing(self) -> None:
        """Stop watching, as the node has no subscriptions."""
        self._inputs = []

    def problem(self, kind: str, message: str) -> None:
        """Count a problem of this kind, and log its message as an error if it is new."""
        if new := self._count(kind, 1, message):
            self._node.get_logger().error(f"{new} {_LOGGED_ONCE}")

    def dropped(self, kind: str, count: int, message: str) -> None:
        """Count what was dropped from a frame, and log its message as a warning if it is new."""
        if count and (new := self._count(kind, count, message)):
            self._node.get_logger().warning(f"{new} {_LOGGED_ONCE}")

    def finished(self, people: int, latency: float) -> None:
        """Record a published result.

        Args:
            people: number of people in it.
            latency: seconds from the stamp of the image.
        """
        self._people = people
        self.times.add("latency", latency)
        self._finished.append(time.monotonic())

    def status(self) -> DiagnosticStatus:
        """Current status of the node."""
        name = self._node.get_fully_qualified_name().lstrip("/")
        status = DiagnosticStatus(name=name, level=DiagnosticStatus.OK, message=self.state)
        if warning := self._warning():
            status.level, status.message = DiagnosticStatus.WARN, warning
        values = {
            "received": self._worker.received,
            "dropped": self._worker.dropped,
            "rate_hz": f"{self._rate():.1f}",
            "people": self._people,
        }
        for percent in (50, 95):
            for stage, milliseconds in self.times.percentile_ms(percent).items():
                values[f"{stage}_p{percent}_ms"] = f"{milliseconds:.1f}"
        values |= dict(self._problems)
        status.values = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
        return status

    def _publish(self) -> None:
        message = DiagnosticArray(status=[self.status()])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

    def _count(self, kind: str, count: int, message: str) -> str:
        """Count a problem; returns its message as one line if it must be logged, else nothing."""
        line = one_line(message)  # names in messages of others may be of any length
        self._problems[kind] += count
        self._problem = (time.monotonic(), line)
        return line if self._is_new(line) else ""

    def _is_new(self, line: str) -> bool:
        """Whether a message must be logged: once, and not too many different ones."""
        if line in self._logged or len(self._logged) >= _MAX_LOGGED:
            return False
        self._logged.add(line)
        return True

    def _rate(self) -> float:
        """Results per second over the last seconds."""
        since = time.monotonic() - _RECENT
        return sum(when > since for when in list(self._finished)) / _RECENT

    def _warning(self) -> str:
        """What is wrong now; empty if nothing is."""
        if not self._inputs:
            return ""
        if self._node.get_clock().now().nanoseconds == 0:
            return self._said(
                "nothing on /clock, which use_sim_time needs; play a bag with --clock"
            )
        for source in self._inputs:
            topic = source.subscription.topic_name
            if source.silence > self._input_timeout:
                why = self._explain(source.subscription)
                self._said(f"nothing arrives on {topic}: {why}")
                return f"nothing on {topic} for {source.silence:.0f} s: {why}"
            if source.unstamped:
                return self._said(f"the stamps on {topic} are 0; let the driver set header.stamp")
        when, problem = self._problem
        return problem if time.monotonic() - when < _RECENT else ""

    def _said(self, message: str) -> str:
        """Log a warning if it is new; returns it."""
        if self._is_new(message):
            self._node.get_logger().warning(f"{message} {_LOGGED_ONCE}")
        return message

    def _explain(self, subscription: Subscription) -> str:
        """Explain why a subscription may be silent."""
        publishers = self._node.get_publishers_info_by_topic(subscription.topic_name)
        if not publishers:
            return "it has no publisher; remap it to a topic that has one"
        package, _, _ = subscription.msg_type.__module__.partition(".")
        wanted = f"{package}/msg/{subscription.msg_type.__name__}"
        types = {info.topic_type for info in publishers}
        if wanted not in types:
            return _explain_type(wanted, ", ".join(sorted(types)))
        profile = subscription.qos_profile
        offers = [info.qos_profile for info in publishers if info.topic_type == wanted]
        if profile.reliability == ReliabilityPolicy.RELIABLE and any(
            offer.reliability == ReliabilityPolicy.BEST_EFFORT for offer in offers
        ):
            return (
                "a publisher offers BEST_EFFORT, this node asks for RELIABLE, which does not "
                "match; ask for best_effort (qos_overrides)"
            )
        if profile.durability == DurabilityPolicy.TRANSIENT_LOCAL and any(
            offer.durability == DurabilityPolicy.VOLATILE for offer in offers
        ):
            return (
                "a publisher offers VOLATILE, this node asks for TRANSIENT_LOCAL, which does not "
                "match; ask for volatile (qos_overrides)"
            )
        why = "it has a publisher with a matching QoS that sends nothing; check the publisher"
        if subscription.msg_type in (Image, CompressedImage):
            why += ", and whether large images are lost between processes (see docs/robot.md)"
        return why


def _explain_type(wanted: str, offered: str) -> str:
    advice = "remap it to a topic of this type"
    if {wanted, offered} == {"sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"}:
        if wanted.endswith("/Image"):
            advice = (
                "set image_transport: compressed, and remap image to the topic without /compressed"
            )
        else:
            advice = "set image_transport: raw"
    return f"its publisher sends {offered}, this node takes {wanted}; {advice}"
