"""Nodes in this process that get odd messages one by one, each when the one before is done."""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import Any

import attempts
import rclpy
import torch
from builtin_interfaces.msg import Time
from odd_messages import Messages, small_photo
from rclpy.parameter import Parameter
from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import Header

from pinet_ros.errors import PinetError
from pinet_ros.nodes.pose_estimator import PoseEstimatorNode
from pinet_ros.nodes.pose_overlay import PoseOverlayNode
from pinet_ros.nodes.pose_refiner import PoseRefinerNode

_PATIENCE = 25.0  # seconds for one message
_SENTINELS = 25  # attempts after each of which whole messages must still be answered
_PUBLISHED = "published"


class Watched:
    """A live node, and what became of each message."""

    def __init__(self, make: type, **parameters: Any) -> None:
        """Start a node that always works."""
        outcomes: queue.Queue[str | Exception] = queue.Queue()

        class Node(make):
            def process(self, item: Any) -> None:
                try:
                    super().process(item)
                except Exception as error:
                    outcomes.put(error)
                    raise
                outcomes.put(_PUBLISHED)

        given = {"always_on": True, **parameters}
        self.node = Node(
            parameter_overrides=[Parameter(name, value=value) for name, value in given.items()]
        )
        self._outcomes = outcomes
        self._problems: list[str] = []
        report = self.node.diagnostics.problem
        self.node.diagnostics.problem = lambda kind, message: (
            self._problems.append(message),
            report(kind, message),
        )
        success = rclpy.lifecycle.TransitionCallbackReturn.SUCCESS
        assert self.node.trigger_configure() == success
        assert self.node.trigger_activate() == success
        # the one for messages that were published before comes later
        self._callbacks = {s.topic_name: s.callback for s in self.node.subscriptions}

    def give(self, topic: str, message: Any) -> str:
        """Deliver a message as it comes over the wire; what came of it when the node is done."""
        self._problems.clear()
        received = self.node.worker.received
        self._callbacks[topic](deserialize_message(serialize_message(message), type(message)))
        if self.node.worker.received == received:
            return "refused" if self._problems else "kept"
        try:
            outcome = self._outcomes.get(timeout=_PATIENCE)
        except queue.Empty:
            raise attempts.FoundError(f"{self.node.get_name()} is not done") from None
        if outcome == _PUBLISHED:
            return _PUBLISHED
        if not isinstance(outcome, PinetError):
            raise outcome
        attempts.require_sensible(str(outcome), type(outcome).__name__)
        return "refused"


def feeding() -> attempts.Attempt:
    """Prepare attempts to give a node an odd message."""
    torch.set_num_threads(1)
    rclpy.init()
    messages = Messages(small_photo())
    estimator = Watched(PoseEstimatorNode, device="cpu")
    overlay = Watched(PoseOverlayNode, rectified=True)  # P of camera_info, the estimator takes K
    refiner = Watched(PoseRefinerNode, device="cpu", publish_attention=True)

    def image_to_estimator(kind: str, rng: Any, header: Header) -> str:
        return estimator.give("/image", getattr(messages, kind)(rng, header))

    def info_to_estimator(kind: str, rng: Any, header: Header) -> str:
        estimator.give("/camera_info", messages.odd_info(rng, header))
        outcome = estimator.give("/image", messages.image(header))
        estimator.give("/camera_info", messages.info(header))
        return outcome

    def image_to_overlay(kind: str, rng: Any, header: Header) -> str:
        image = getattr(messages, kind)(rng, header)
        outcome = overlay.give("/image", image)
        return max(outcome, overlay.give("/people", messages.people(image.header)))

    def info_to_overlay(kind: str, rng: Any, header: Header) -> str:
        overlay.give("/camera_info", messages.odd_info(rng, header))
        overlay.give("/image", messages.image(header))
        outcome = overlay.give("/people", messages.people(header))
        overlay.give("/camera_info", messages.info(header))
        return outcome

    def people_to_overlay(kind: str, rng: Any, header: Header) -> str:
        people = messages.odd_people(rng, header)
        image = messages.image(header)
        image.header.stamp = people.header.stamp
        return max(overlay.give("/image", image), overlay.give("/people", people))

    def people_to_refiner(kind: str, rng: Any, header: Header) -> str:
        return refiner.give("/people/initial", messages.odd_people(rng, header))

    ways: list[tuple[Callable[[str, Any, Header], str], str]] = [
        (image_to_estimator, "odd_image"),
        (image_to_overlay, "odd_image"),
        (image_to_estimator, "odd_compressed"),
        (image_to_overlay, "odd_compressed"),
        (info_to_estimator, "odd_info"),
        (info_to_overlay, "odd_info"),
        (people_to_refiner, "odd_people"),
        (people_to_overlay, "odd_people"),
    ]

    def require_alive(number: int) -> None:
        header = Header(stamp=Time(sec=10**6 + number), frame_id="camera")
        overlay.give("/image", messages.image(header))
        answers = [
            estimator.give("/image", messages.image(header)),
            overlay.give("/people", messages.people(header)),
            refiner.give("/people/initial", messages.people(header)),
        ]
        if answers != [_PUBLISHED] * 3:
            raise attempts.FoundError("whole messages are no longer answered", str(answers))

    def attempt(number: int) -> str:
        way, kind = ways[number % len(ways)]
        header = Header(stamp=Time(sec=1000 + number, nanosec=number), frame_id="camera")
        outcome = way(kind, attempts.generator(number), header)
        if number % _SENTINELS == 0:
            require_alive(number)
        return f"{way.__name__} {kind} {outcome}"

    for node in (estimator, overlay):
        node.give("/camera_info", messages.info(Header()))
    require_alive(-1)
    return attempt
