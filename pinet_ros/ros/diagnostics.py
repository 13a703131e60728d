"""What a live node tells about itself once a second on /diagnostics."""

from __future__ import annotations

import time
from collections import Counter, deque

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node
from rclpy.qos import ReliabilityPolicy
from rclpy.subscription import Subscription

from pinet_ros.ros.worker import LatestWorker
from pinet_ros.timing import StageTimes

_PERIOD = 1.0  # seconds
_RATE_WINDOW = 5.0  # seconds


class Diagnostics:
    """Counts, times and problems of one node, published on a timer.

    A problem is logged when it first comes and counted from then on, so that one that comes with
    every frame does not flood the log.
    """

    def __init__(self, node: Node, worker: LatestWorker) -> None:
        """Publish for `node`, whose inputs go through `worker`."""
        self.times = StageTimes()
        self._node = node
        self._worker = worker
        self._subscription: Subscription | None = None
        self._input_timeout = 0.0
        self._silent_since = time.monotonic()
        self._received = 0
        self._problems: Counter[str] = Counter()
        self._logged: set[str] = set()
        self._finished: deque[float] = deque()
        self._people = 0
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        node.create_timer(_PERIOD, self._publish)

    def watch(self, subscription: Subscription | None, timeout: float) -> None:
        """Warn when nothing comes on the subscription (None: do not) for `timeout` seconds."""
        self._subscription = subscription
        self._input_timeout = timeout
        self._silent_since = time.monotonic()

    def problem(self, kind: str, message: str) -> None:
        """Count a problem and log its message unless that kind has been logged before."""
        self._problems[kind] += 1
        if kind not in self._logged:
            self._logged.add(kind)
            self._node.get_logger().error(f"{message} (said once; counted in /diagnostics)")

    def finished(self, people: int, latency: float) -> None:
        """Note a published result and its seconds since the image's stamp."""
        self._people = people
        self.times.add("latency", latency)
        self._finished.append(time.monotonic())

    def status(self) -> DiagnosticStatus:
        """The state of the node now."""
        name = self._node.get_fully_qualified_name().lstrip("/")
        status = DiagnosticStatus(name=name, level=DiagnosticStatus.OK, message="running")
        silence = self._silence()
        if self._subscription is None:
            status.message = "inactive"
        elif silence:
            status.level, status.message = DiagnosticStatus.WARN, silence
        elif self._problems:
            status.level = DiagnosticStatus.WARN
            status.message = f"problems: {', '.join(self._problems)}"
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

    def _rate(self) -> float:
        """Results per second of late."""
        now = time.monotonic()
        while self._finished and self._finished[0] < now - _RATE_WINDOW:
            self._finished.popleft()
        return len(self._finished) / _RATE_WINDOW

    def _silence(self) -> str:
        """What is wrong when nothing comes, or nothing."""
        now = time.monotonic()
        if self._worker.received != self._received:
            self._received = self._worker.received
            self._silent_since = now
        silent = now - self._silent_since
        if self._subscription is None or silent < self._input_timeout:
            return ""
        topic = self._subscription.topic_name
        why = self._explain(topic, self._subscription.qos_profile.reliability)
        message = f"nothing on {topic} for {silent:.0f} s: {why}"
        if "no_input" not in self._logged:
            self._logged.add("no_input")
            self._node.get_logger().warning(message)
        return message

    def _explain(self, topic: str, wanted: ReliabilityPolicy) -> str:
        """Why nothing may come on a topic of which this reliability is asked."""
        offers = {
            info.qos_profile.reliability for info in self._node.get_publishers_info_by_topic(topic)
        }
        if not offers:
            return "it has no publisher; remap the topic to your camera's"
        if wanted == ReliabilityPolicy.RELIABLE and ReliabilityPolicy.BEST_EFFORT in offers:
            return (
                "a publisher offers BEST_EFFORT, this node asks for RELIABLE: they do not match, "
                "ask for best_effort"
            )
        return (
            "it has a publisher with a matching QoS: either it sends nothing, or large images "
            "are lost on the way (see the README on images between processes)"
        )
