"""LiveNode: base of the nodes that process images and people as they arrive."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.publisher import Publisher
from rclpy.subscription import Subscription
from std_msgs.msg import Header

from pinet_ros.errors import PinetError
from pinet_ros.ros import endpoints
from pinet_ros.ros.diagnostics import Diagnostics
from pinet_ros.ros.parameters import Parameter, declare

AUTOSTART = Parameter(
    "autostart",
    True,
    "configure and activate at startup; false leaves both to a lifecycle manager",
)
INPUT_TIMEOUT = Parameter(
    "input_timeout",
    5.0,
    "seconds without input after which diagnostics warn",
    minimum=0.1,
    maximum=3600.0,
)
ALWAYS_ON = Parameter(
    "always_on",
    False,
    "work even if nobody subscribes to what the node publishes",
    live=True,
)
COMMON = (AUTOSTART, INPUT_TIMEOUT, ALWAYS_ON)
DEVICE = Parameter(
    "device",
    "auto",
    "auto (the first GPU, else the CPU), cpu, cuda or cuda:N; an unavailable GPU is an error",
)

_DEMAND_PERIOD = 0.1  # seconds between looks whether somebody subscribes
_STOP_TIMEOUT = 5.0  # seconds that an item may take when the node stops


class LiveNode(LifecycleNode):
    """A lifecycle node that processes its latest input in its own thread.

    It subscribes to its inputs only while somebody subscribes to its outputs, so that a chain of
    such nodes rests if nobody wants its result.

    A subclass defines PARAMETERS, `subscribe` and `process`, and optionally `load`, `unload` and
    `clear`. Bad data is an error of one frame only: it is logged once and counted, and the node
    continues.
    """

    PARAMETERS: tuple[Parameter, ...] = ()

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        declare(self, (*COMMON, *self.PARAMETERS))
        self.worker = LatestWorker(lambda item: self._attempt_frame(self.process, item))
        self.diagnostics = Diagnostics(self, self.worker, self.value("input_timeout"))
        self._outputs: list[Publisher] = []
        self._inputs: list[Subscription] = []
        self._awaited: list[tuple[type, str, Callable[[Any], None]]] = []  # latched inputs
        self._is_active = False
        steady = Clock(clock_type=ClockType.STEADY_TIME)  # runs while simulated time stands still
        self.create_timer(_DEMAND_PERIOD, self._follow_demand, clock=steady)

    def load(self) -> None:
        """Load what `process` needs.

        Raises:
            PinetError: the node cannot be configured.
        """

    def unload(self) -> None:
        """Free what `load` loaded."""

    def subscribe(self) -> None:
        """Create the inputs, with `create_input`."""
        raise NotImplementedError

    def process(self, item: Any) -> None:
        """Process one input, in the worker's thread.

        Raises:
            PinetError: this input cannot be used.
        """
        raise NotImplementedError

    def clear(self) -> None:
        """Withdraw what was published, before the node stops."""

    def value(self, name: str) -> Any:
        """Current value of a parameter."""
        return self.get_parameter(name).value

    def create_input(
        self,
        message: type,
        topic: str,
        callback: Callable[[Any], None],
        *,
        watched: bool = True,
    ) -> None:
        """Subscribe while the node is active; the parameters qos_overrides apply.

        Args:
            message: type of the messages.
            topic: topic to subscribe to.
            callback: called with each message.
            watched: whether diagnostics warn if the topic is silent.
        """

        def receive(item: Any) -> None:
            if watched:
                source.arrived(item.header.stamp)
            self._attempt_frame(callback, item)

        subscription = endpoints.create_input(self, message, topic, receive)
        self._inputs.append(subscription)
        if watched:
            source = self.diagnostics.watch(subscription)

    def create_latched_input(
        self, message: type, topic: str, callback: Callable[[Any], None]
    ) -> None:
        """Subscribe also to what was published before, once there is a publisher that keeps it."""
        self._awaited.append((message, topic, callback))

    def create_output(self, message: type, topic: str) -> Publisher:
        """Create a publisher whose subscribers the node works for."""
        self._outputs.append(endpoints.create_output(self, message, topic))
        return self._outputs[-1]

    def latency(self, header: Header) -> float:
        """Seconds from the header's stamp until now."""
        now = self.get_clock().now().nanoseconds
        return now * 1e-9 - header.stamp.sec - header.stamp.nanosec * 1e-9

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load what `process` needs."""
        if not self._attempt(self.load):
            return TransitionCallbackReturn.FAILURE
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start the worker, and subscribe as soon as somebody wants the result."""
        if not self._attempt(self._start):
            self.stop()
            return TransitionCallbackReturn.FAILURE
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop working."""
        self.stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free what `load` loaded."""
        self.unload()
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop working, and free what `load` loaded."""
        self.stop()
        self.unload()
        return super().on_shutdown(state)

    def stop(self) -> None:
        """Stop working; has no effect if the node is not active."""
        if not self._is_active:
            return
        self._is_active = False
        self._unsubscribe()
        self.diagnostics.state = "inactive"
        if not self.worker.stop():
            self.get_logger().warning(f"the latest input takes longer than {_STOP_TIMEOUT:.0f} s")
        self.clear()

    def _start(self) -> None:
        self._is_active = True
        self.worker.start()
        self._follow_demand(always=True)  # once in any case, so that a bad QoS override is seen

    def _follow_demand(self, always: bool = False) -> None:
        """Subscribe if somebody wants the result, unsubscribe if not."""
        if not self._is_active:
            return
        wanted = self.value("always_on") or any(
            output.get_subscription_count() for output in self._outputs
        )
        self.diagnostics.state = "running" if wanted else "no subscribers"
        if (wanted or always) and not self._inputs:
            self.subscribe()
        for each in [a for a in self._awaited if endpoints.is_latched(self, a[1])]:
            self._awaited.remove(each)
            self._inputs.append(endpoints.create_latched_input(self, *each))
        if not wanted:
            self._unsubscribe()

    def _unsubscribe(self) -> None:
        self.diagnostics.watch_nothing()
        for subscription in self._inputs:
            self.destroy_subscription(subscription)
        self._inputs, self._awaited = [], []

    def _attempt(self, step: Callable[[], None]) -> bool:
        """Whether a step of a transition succeeds; logs its error, which rclpy would hide."""
        try:
            step()
        except PinetError as error:
            self.get_logger().error(str(error))
        except Exception:
            self.get_logger().error(traceback.format_exc())
        else:
            return True
        return False

    def _attempt_frame(self, step: Callable[[Any], None], item: Any) -> None:
        """Do a step for one frame; an error drops the frame, and is logged once and counted."""
        try:
            step(item)
        except PinetError as error:
            self.diagnostics.problem(type(error).__name__, str(error))
        except Exception as error:  # one frame must not end the node; the error is reported
            self.diagnostics.problem(
                f"unexpected {type(error).__name__}",
                f"a frame was dropped because of {type(error).__name__}: {error}; this is a bug, "
                "please report it",
            )


class LatestWorker:
    """Runs a function on the latest item, in its own thread; older items are dropped.

    There is one slot for an item, so a slow function gives fewer results, but no older ones.

    Attributes:
        received: number of items put into the slot.
        dropped: number of items replaced in the slot by a newer one.
    """

    def __init__(self, work: Callable[[Any], None]) -> None:
        """Set the function, which must handle its own errors; `start` starts the thread."""
        self._work = work
        self._changed = threading.Condition()
        self._item: Any = None
        self._thread: threading.Thread | None = None
        self.received = 0
        self.dropped = 0

    def start(self) -> None:
        """Start the thread; has no effect if it is running."""
        if self._thread is not None:
            return
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def stop(self, timeout: float = _STOP_TIMEOUT) -> bool:
        """Stop the thread after the current item; an item in the slot is discarded.

        Returns whether the current item was finished within the timeout, in seconds.
        """
        with self._changed:
            thread, self._thread = self._thread, None
            self._item = None
            self._changed.notify_all()
        if thread is None:
            return True
        thread.join(timeout)
        return not thread.is_alive()

    def put(self, item: Any) -> None:
        """Put an item (not None) into the slot, replacing one that is still there."""
        with self._changed:
            self.received += 1
            if self._item is not None:
                self.dropped += 1
            self._item = item
            self._changed.notify()

    def _loop(self) -> None:
        def stopped() -> bool:
            return self._thread is not threading.current_thread()

        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._item is not None or stopped())
                if stopped():
                    return
                item, self._item = self._item, None
            self._work(item)
