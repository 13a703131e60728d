"""LiveNode: what every node on the way from image to people has in common."""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.signals import SignalHandlerOptions
from rclpy.subscription import Subscription
from std_msgs.msg import Header

from pinet_ros.device import release_memory
from pinet_ros.errors import PinetError
from pinet_ros.ros.diagnostics import Diagnostics
from pinet_ros.ros.parameters import Parameter, declare, value
from pinet_ros.ros.worker import LatestWorker

AUTOSTART = Parameter(
    "autostart",
    True,
    "configure and activate at the start; false leaves both to a lifecycle manager",
)
INPUT_TIMEOUT = Parameter(
    "input_timeout",
    5.0,
    "seconds without input after which diagnostics warn",
    minimum=0.1,
    maximum=3600.0,
)
DEVICE = Parameter(
    "device",
    "auto",
    "auto (the first GPU, else the CPU), cpu, cuda or cuda:N; CUDA where there is none is an "
    "error",
)

_SPIN_TIMEOUT = 0.2  # seconds until a signal is noticed


class LiveNode(LifecycleNode):
    """A lifecycle node that works on its latest input in its own thread.

    A subclass gives PARAMETERS, `subscribe` and `process`, and may give `load`, `unload` and
    `clear`. Bad data is an error of one frame: it is logged once, counted, and the node goes on.
    """

    PARAMETERS: tuple[Parameter, ...] = ()

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        declare(self, (AUTOSTART, INPUT_TIMEOUT, *self.PARAMETERS))
        self.worker = LatestWorker(self._process_safely)
        self.diagnostics = Diagnostics(self, self.worker, self.value("input_timeout"))
        self._active: list[Subscription] = []

    def load(self) -> None:
        """Load what `process` needs.

        Raises:
            PinetError: the node cannot be configured.
        """

    def unload(self) -> None:
        """Free what `load` took."""

    def subscribe(self) -> None:
        """Create the inputs."""
        raise NotImplementedError

    def process(self, item: Any) -> None:
        """Work on one input, in the worker's thread.

        Raises:
            PinetError: this input cannot be used.
        """
        raise NotImplementedError

    def clear(self) -> None:
        """Take back what was published, before the node stops."""

    def value(self, name: str) -> Any:
        """Current value of a parameter."""
        return value(self, name)

    def create_input(
        self,
        message: type,
        topic: str,
        callback: Callable[[Any], None],
        *,
        watched: bool = True,
    ) -> None:
        """Subscribe while the node is active; parameters qos_overrides apply.

        Args:
            watched: diagnostics warn when nothing comes.
        """

        def receive(item: Any) -> None:
            if watched:
                source.arrived()
            callback(item)

        subscription = self.create_subscription(
            message,
            topic,
            receive,
            copy(qos_profile_sensor_data),  # the overrides change it in place
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        self._active.append(subscription)
        if watched:
            source = self.diagnostics.watch(subscription)

    def create_output(self, message: type, topic: str) -> Any:
        """Advertise, reliable, last 10; parameters qos_overrides apply."""
        overriding = QoSOverridingOptions.with_default_policies()
        return self.create_publisher(message, topic, 10, qos_overriding_options=overriding)

    def latency(self, header: Header) -> float:
        """Seconds since the header's stamp."""
        now = self.get_clock().now().nanoseconds
        return now * 1e-9 - header.stamp.sec - header.stamp.nanosec * 1e-9

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        if not self._attempt(self.load):
            return TransitionCallbackReturn.FAILURE
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        if not self._attempt(self.subscribe):
            self.stop()
            return TransitionCallbackReturn.FAILURE
        self.worker.start()
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.unload()
        release_memory()
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.stop()
        self.unload()
        release_memory()
        return super().on_shutdown(state)

    def stop(self) -> None:
        """Stop working; does nothing when the node is not active."""
        if not self._active:
            return
        self.diagnostics.watch_nothing()
        for subscription in self._active:
            self.destroy_subscription(subscription)
        self._active = []
        self.worker.stop()
        self.clear()

    def _attempt(self, step: Callable[[], None]) -> bool:
        """Whether a step of a transition succeeds; rclpy would swallow its error in silence."""
        try:
            step()
        except PinetError as error:
            self.get_logger().error(str(error))
        except Exception:
            self.get_logger().error(traceback.format_exc())
        else:
            return True
        return False

    def _process_safely(self, item: Any) -> None:
        try:
            self.process(item)
        except PinetError as error:
            self.diagnostics.problem(type(error).__name__, str(error))
        except Exception as error:  # the node must outlive any one frame; nothing is hidden
            self.diagnostics.problem(
                f"unexpected {type(error).__name__}",
                f"a frame failed with {type(error).__name__}: {error}; this is a bug, please "
                "report it",
            )


def run(
    make_nodes: Sequence[Callable[[], Node]],
    args: Sequence[str] | None = None,
) -> None:
    """Run nodes in this process until SIGINT, SIGTERM, or until one sets `finished`.

    The signals are handled here so that nodes can still publish when they stop. Exits with 1
    when a node cannot start.
    """
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    executor = SingleThreadedExecutor()
    nodes: list[Node] = []
    try:
        for make in make_nodes:
            nodes.append(make())
            executor.add_node(nodes[-1])
        started = all(_autostart(node) for node in nodes)
        while started and not stop.is_set() and not any(map(_finished, nodes)):
            executor.spin_once(timeout_sec=_SPIN_TIMEOUT)
    except PinetError as error:
        started = False
        rclpy.logging.get_logger("pinet_ros").error(str(error))
    finally:
        for node in nodes:
            if isinstance(node, LiveNode):
                node.stop()
        executor.shutdown()
        for node in nodes:
            node.destroy_node()
        rclpy.try_shutdown()
    if not started:
        sys.exit(1)


def _autostart(node: Node) -> bool:
    """Bring a lifecycle node up if it wants that; whether it could."""
    if not isinstance(node, LiveNode) or not node.value("autostart"):
        return True
    success = TransitionCallbackReturn.SUCCESS
    return node.trigger_configure() == success and node.trigger_activate() == success


def _finished(node: Node) -> bool:
    return getattr(node, "finished", False)
