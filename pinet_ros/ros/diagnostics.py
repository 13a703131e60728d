"""What a live node tells about itself once a second on /diagnostics."""

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
_RECENT = 5.0  # seconds: for the rate, and for how long a problem is a warning
_MOST_LOGGED = 20  # different messages: some hold numbers that change
_SAID_ONCE = "(said once; counted in /diagnostics)"


@dataclass
class Input:
    """A subscription, and when a message last came on it."""

    subscription: Subscription
    latest: float

    @property
    def silence(self) -> float:
        """Seconds since the last message, or since the subscription began."""
        return time.monotonic() - self.latest

    def arrived(self) -> None:
        """Note that a message has come."""
        self.latest = time.monotonic()


class Counts(Protocol):
    """What diagnostics ask of the worker: how many inputs came, and how many were dropped."""

    received: int
    dropped: int


class StageTimes:
    """The latest durations of named stages."""

    def __init__(self, window: int = 300) -> None:
        """Keep the last `window` durations of each stage."""
        self._seconds: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=window))

    def add(self, stage: str, seconds: float) -> None:
        self._seconds[stage].append(seconds)

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Time the body; a body that raises is not counted."""
        start = time.perf_counter()
        yield
        self.add(stage, time.perf_counter() - start)

    def percentile_ms(self, percent: float) -> dict[str, float]:
        """Milliseconds of each stage, in the order in which the stages first came."""
        return {
            stage: 1e3 * float(np.percentile(list(seconds), percent))
            for stage, seconds in list(self._seconds.items())
        }


class Diagnostics:
    """Counts, times and problems of one node, published on a timer.

    A problem is logged when it first comes and counted from then on, so that one that comes with
    every frame does not flood the log.
    """

    def __init__(self, node: Node, worker: Counts, input_timeout: float) -> None:
        """Publish for `node`, whose inputs go through `worker`.

        Args:
            input_timeout: seconds without input after which to warn.
        """
        self.times = StageTimes()
        self._node = node
        self._worker = worker
        self._input_timeout = input_timeout
        self._inputs: list[Input] = []
        self._problems: Counter[str] = Counter()
        self._logged: set[str] = set()
        self._problem = (0.0, "")  # when the latest one came, and its message
        self._finished: deque[float] = deque(maxlen=1000)
        self._people = 0
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        node.create_timer(_PERIOD, self._publish)

    def watch(self, subscription: Subscription) -> Input:
        """Warn when nothing comes on this subscription; call `arrived` of what is returned."""
        self._inputs.append(Input(subscription, time.monotonic()))
        return self._inputs[-1]

    def watch_nothing(self) -> None:
        """The node is not active."""
        self._inputs = []

    def problem(self, kind: str, message: str) -> None:
        """Count a problem of this kind, and log its message when it is new."""
        if self._count(kind, 1, message):
            self._node.get_logger().error(f"{message} {_SAID_ONCE}")

    def dropped(self, kind: str, count: int, message: str) -> None:
        """Count what was dropped from a frame, if anything, and warn when that is new."""
        if count and self._count(kind, count, message):
            self._node.get_logger().warning(f"{message} {_SAID_ONCE}")

    def finished(self, people: int, latency: float) -> None:
        """Note a published result and its seconds since the image's stamp."""
        self._people = people
        self.times.add("latency", latency)
        self._finished.append(time.monotonic())

    def status(self) -> DiagnosticStatus:
        """The state of the node now."""
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
        """Note a problem; whether its message is to be logged."""
        self._problems[kind] += count
        self._problem = (time.monotonic(), message)
        new = message not in self._logged and len(self._logged) < _MOST_LOGGED
        if new:
            self._logged.add(message)
        return new

    def _rate(self) -> float:
        """Results per second of late."""
        since = time.monotonic() - _RECENT
        return sum(when > since for when in list(self._finished)) / _RECENT

    def _silence(self) -> str:
        """What is wrong when nothing comes on an input, or nothing."""
        silent = [each for each in self._inputs if each.silence > self._input_timeout]
        if not silent:
            return ""
        subscription = silent[0].subscription
        topic = subscription.topic_name
        why = self._explain(subscription)
        if topic not in self._logged:
            self._logged.add(topic)
            self._node.get_logger().warning(f"nothing comes on {topic}: {why}")
        return f"nothing on {topic} for {silent[0].silence:.0f} s: {why}"

    def _explain(self, subscription: Subscription) -> str:
        """Why nothing may come on a subscription."""
        offers = {
            info.qos_profile.reliability
            for info in self._node.get_publishers_info_by_topic(subscription.topic_name)
        }
        wanted = subscription.qos_profile.reliability
        if not offers:
            return "it has no publisher; remap the topic to the one that has"
        if wanted == ReliabilityPolicy.RELIABLE and ReliabilityPolicy.BEST_EFFORT in offers:
            return (
                "a publisher offers BEST_EFFORT, this node asks for RELIABLE: they do not match, "
                "ask for best_effort"
            )
        why = "it has a publisher with a matching QoS, which sends nothing"
        if subscription.msg_type in (Image, CompressedImage):
            why += ", or large images are lost between processes (see docs/robot.md)"
        return why
