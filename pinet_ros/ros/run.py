"""Running nodes in this process."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable, Sequence

import rclpy
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from pinet_ros.errors import PinetError, one_line, printable
from pinet_ros.ros.live_node import LiveNode
from pinet_ros.ros.parameters import require_known
from pinet_ros.ros.transport import set_up_shared_memory

_SPIN_TIMEOUT = 0.2  # seconds until a signal takes effect


class _ToRos(logging.Handler):
    """Forwards log records of the core to the ROS log."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = rclpy.logging.get_logger("pinet_ros")
        write = logger.warning if record.levelno >= logging.WARNING else logger.info
        write(printable(record.getMessage()))


def run(
    make_nodes: Sequence[Callable[[], Node]],
    args: Sequence[str] | None = None,
    *,
    publishes_images: bool = False,
) -> None:
    """Run nodes in this process until SIGINT or SIGTERM, or until a node sets `finished`.

    The signals are handled here, so that nodes can still publish when they stop. Exits with
    status 1 if a node cannot start.

    Args:
        make_nodes: create the nodes.
        args: command-line arguments; None for those of the process.
        publishes_images: whether the nodes publish images, see `set_up_shared_memory`.
    """
    set_up_shared_memory(publishes_images=publishes_images)
    try:
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:  # of rcl, about arguments and parameter files
        sys.exit(f"the arguments after --ros-args cannot be used: {one_line(error)}")
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    core = logging.getLogger("pinet_ros")
    core.setLevel(logging.INFO)
    core.addHandler(_ToRos())
    executor = SingleThreadedExecutor()
    nodes: list[Node] = []
    try:
        for make in make_nodes:
            nodes.append(make())
            require_known(nodes[-1])
            executor.add_node(nodes[-1])
        started = all(_autostart(node) for node in nodes)
        while started and not stop.is_set() and not any(map(_finished, nodes)):
            executor.spin_once(timeout_sec=_SPIN_TIMEOUT)
    except (PinetError, InvalidParameterTypeException) as error:
        started = False
        rclpy.logging.get_logger("pinet_ros").error(one_line(error))
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
    """Configure and activate a node if it has autostart; returns whether that succeeded."""
    if not isinstance(node, LiveNode) or not node.value("autostart"):
        return True
    success = TransitionCallbackReturn.SUCCESS
    return node.trigger_configure() == success and node.trigger_activate() == success


def _finished(node: Node) -> bool:
    return getattr(node, "finished", False)
