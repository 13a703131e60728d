"""pose_refiner: refines the poses of any estimator, using all people in the frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from visualization_msgs.msg import MarkerArray

from pinet_ros.errors import PinetError
from pinet_ros.msg import PeopleAttention, PersonPoseArray
from pinet_ros.people import NO_TRACK
from pinet_ros.refinement.checkpoint import DEFAULT_WEIGHTS, SHIPPED_WEIGHTS
from pinet_ros.refinement.inference import Passed, RefinerConfig
from pinet_ros.refinement.refiner import Refiner
from pinet_ros.ros.live_node import DEVICE, LiveNode
from pinet_ros.ros.markers import PeopleMarkers
from pinet_ros.ros.messages import (
    attention_to_message,
    people_from_message,
    people_to_message,
)
from pinet_ros.ros.parameters import Parameter, read_options
from pinet_ros.ros.run import run
from pinet_ros.util.device import describe_device, release_memory


class PoseRefinerNode(LiveNode):
    """Subscribes to `people/initial`, publishes `people`, their markers and, if set, attention."""

    PARAMETERS = (
        DEVICE,
        Parameter(
            "weights",
            DEFAULT_WEIGHTS,
            "PI-Net weights: those in the package, named after the lifter "
            f"({', '.join(SHIPPED_WEIGHTS)}); or a file, .safetensors from `pinet train` or a "
            "released snapshot",
        ),
        *Parameter.from_options(RefinerConfig),
        Parameter(
            "marker_lifetime",
            0.0,
            "seconds after which markers vanish without a new frame; 0 is three times the usual "
            "interval between frames, from 0.5 to 30",
            minimum=0.0,
            maximum=60.0,
        ),
        Parameter(
            "publish_attention",
            False,
            "publish the network's attention on people/attention; an error with weights of a "
            "network without attention",
        ),
    )

    def __init__(self, **options: Any) -> None:
        super().__init__("pose_refiner", **options)
        self._people = self.create_output(PersonPoseArray, "people")
        self._markers = self.create_output(MarkerArray, "people/markers")
        self._attention = None
        if self.value("publish_attention"):
            self._attention = self.create_output(PeopleAttention, "people/attention")
        self._refiner: Refiner | None = None
        self._drawing = PeopleMarkers(self.value("marker_lifetime"))

    def load(self) -> None:
        """Load the weights."""
        weights = self.value("weights")
        config = read_options(self, RefinerConfig)
        self._refiner = Refiner(weights, self.value("device"), config=config)
        if self._attention is not None and not self._refiner.has_attention:
            raise PinetError(
                f"{weights} is of a network without attention; use weights of one with attention, "
                "or set publish_attention to false"
            )
        self.get_logger().info(f"PI-Net ({weights}) on {describe_device(self._refiner.device)}")

    def unload(self) -> None:
        """Free the weights."""
        self._refiner = None
        release_memory()

    def subscribe(self) -> None:
        """Subscribe to people/initial."""
        self.create_input(PersonPoseArray, "people/initial", self.worker.put)

    def process(self, message: PersonPoseArray) -> None:
        """Refine the people of one message, and publish them."""
        assert self._refiner is not None  # set when the node is configured
        times = self.diagnostics.times
        with times.measure("refine"):
            initial = people_from_message(message)
            refinement = self._refiner(initial)
        refined = refinement.people
        with times.measure("publish"):
            self._people.publish(people_to_message(refined, message.header))
            attention = refinement.attention if self._attention is not None else None
            if self._attention is not None and attention is not None:
                self._attention.publish(attention_to_message(attention, refined, message.header))
        self.diagnostics.finished(len(refined), self.latency(message.header))
        self._markers.publish(self._drawing.update(refined, message.header))
        self._count_passed(refinement.passed, initial.estimator)
        if len(initial) and not (initial.has_unique_tracks or NO_TRACK in initial.track_ids):
            self.diagnostics.problem(
                "repeated_track_ids",
                "people of one image have the same track id, so that markers are numbered within "
                "the image; let the estimator give each person an id of its own, or -1",
            )

    def _count_passed(self, passed: Passed, estimator: str) -> None:
        """Report people that were not refined."""
        assert self._refiner is not None
        self.diagnostics.dropped(
            "not_refined",
            passed.unusable,
            "people with joints that are NaN, or nearer than 0.1 m or farther than 100 m, are "
            "passed on unrefined and ignored when the others are refined; let the estimator give "
            "all joints in metres in the camera frame, or leave these people out",
        )
        self.diagnostics.dropped(
            "surplus_people",
            passed.surplus_people,
            f"more people than max_people ({self.value('max_people')}) arrived; only the nearest "
            "are refined, the others are passed on",
        )
        self.diagnostics.dropped(
            "unknown_estimator",
            passed.unknown_estimator,
            f"people of the estimator {estimator or 'unknown'!r} are passed on unrefined, as the "
            f"weights have learnt the errors of {', '.join(self._refiner.estimators)}; give "
            "weights trained on its people, or set refine_unknown",
        )

    def clear(self) -> None:
        """Remove all markers."""
        self._markers.publish(self._drawing.clear())


def main(args: Sequence[str] | None = None) -> None:
    """Run the node."""
    run([PoseRefinerNode], args)
