"""pose_pipeline: pose_estimator and pose_refiner in one process with one GPU context."""

from __future__ import annotations

from collections.abc import Sequence

from pinet_ros.nodes.pose_estimator import PoseEstimatorNode
from pinet_ros.nodes.pose_refiner import PoseRefinerNode
from pinet_ros.ros.run import run


def main(args: Sequence[str] | None = None) -> None:
    """Run both nodes; each keeps its name, topics and parameters."""
    run([PoseEstimatorNode, PoseRefinerNode], args)
