"""Entry points of the executables; each imports its node, which takes seconds, when it starts."""

from __future__ import annotations

import signal
import sys
from importlib import import_module


def camera_player() -> None:
    """Run camera_player."""
    _run("camera_player")


def pose_estimator() -> None:
    """Run pose_estimator."""
    _run("pose_estimator")


def pose_overlay() -> None:
    """Run pose_overlay."""
    _run("pose_overlay")


def pose_pipeline() -> None:
    """Run pose_pipeline."""
    _run("pose_pipeline")


def pose_refiner() -> None:
    """Run pose_refiner."""
    _run("pose_refiner")


def _run(node: str) -> None:
    try:
        import_module(f"pinet_ros.nodes.{node}").main()
    except KeyboardInterrupt:  # while the node is imported; later the signal is handled
        sys.exit(128 + signal.SIGINT)
