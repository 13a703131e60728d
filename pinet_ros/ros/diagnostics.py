"""Diagnostics: the status that a live node publishes on /diagnostics once a second."""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node
from rclpy.qos import ReliabilityPolicy
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image

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
    """

    subscription: Subscription
    latest: float

    @property
    def silence(self) -> float:
        """Seconds since the latest message, or since the subscription was created."""
        return time.monotonic() - self.latest

    def arrived(self) -> None:
        """Record that a message has arrived."""
        self.latest = time.monotonic()


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
        node.create_timer(_PERIOD, self._publish)

    def watch(self, subscription: Subscription) -> Input:
        """Warn when a subscription is silent; call `arrived` of the result for each message."""
        self._inputs.append(Input(subscription, time.monotonic()))
        return self._inputs[-1]

    def watch_nothing(self) -> None:
        """Stop watching, as the node is not active."""
        self._inputs = []

    def problem(self, kind: str, message: str) -> None:
        """Count a problem of this kind, and log its message as an error if it is new."""
        if self._count(kind, 1, message):
            self._node.get_logger().error(f"{message} {_LOGGED_ONCE}")

    def dropped(self, kind: str, count: int, message: str) -> None:
        """Count what was dropped from a frame, and log its message as a warning if it is new."""
        if count and self._count(kind, count, message):
            self._node.get_logger().warning(f"{message} {_LOGGED_ONCE}")

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
        status = DiagnosticStatus(name=name, level=DiagnosticStatus.OK, message="running")
        when, problem = self._problem
        silence = self._silence()
        if not self._inputs:
            status.message = "inactive"
        elif silence:
            status.level, status.message = DiagnosticStatus.WARN, silence
        elif problem and time.monotonic() - when < _RECENT:
            status.level, status.message = DiagnosticStatus.WARN, problem
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

    def _count(self, kind: str, count: int, message: str) -> bool:
        """Count a problem; returns whether its message must be logged."""
        self._problems[kind] += count
        self._problem = (time.monotonic(), message)
        new = message not in self._logged and len(self._logged) < _MAX_LOGGED
        if new:
            self._logged.add(message)
        return new

    def _rate(self) -> float:
        """Results per second over the last seconds."""
        since = time.monotonic() - _RECENT
        return sum(when > since for when in list(self._finished)) / _RECENT

    def _silence(self) -> str:
        """Message about the first silent input; empty if there is none."""
        silent = [each for each in self._inputs if each.silence > self._input_timeout]
        if not silent:
            return ""
        subscription = silent[0].subscription
        topic = subscription.topic_name
        why = self._explain(subscription)
        if topic not in self._logged:
            self._logged.add(topic)
            self._node.get_logger().warning(f"nothing received on {topic}: {why}")
        return f"nothing on {topic} for {silent[0].silence:.0f} s: {why}"

    def _explain(self, subscription: Subscription) -> str:
        """Explain why a subscription may be silent."""
        offers = {
            info.qos_profile.reliability
            for info in self._node.get_publishers_info_by_topic(subscription.topic_name)
        }
        requested = subscription.qos_profile.reliability
        if not offers:
            return "it has no publisher; remap it to a topic that has one"
        if requested == ReliabilityPolicy.RELIABLE and ReliabilityPolicy.BEST_EFFORT in offers:
            return (
                "a publisher offers BEST_EFFORT, this node asks for RELIABLE, which does not "
                "match; ask for best_effort (qos_overrides)"
            )
        why = "it has a publisher with a matching QoS that sends nothing; check the publisher"
        if subscription.msg_type in (Image, CompressedImage):
            why += ", and whether large images are lost between processes (see docs/robot.md)"
        return why
