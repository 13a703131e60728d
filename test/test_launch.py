"""The launch file; needs ROS's launch, which is not on PyPI."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

launch = pytest.importorskip("launch")
pytest.importorskip("launch_ros")

FILE = Path(__file__).parents[1] / "launch" / "pinet.launch.py"


def executables(**arguments: str) -> list[str]:
    """What the launch file would start."""
    spec = importlib.util.spec_from_file_location("pinet_launch", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    context = launch.LaunchContext()
    context.launch_configurations.update(arguments)
    started = []
    for entity in module.generate_launch_description().entities:
        started += entity.visit(context) or []
    return [node.node_executable for node in started]


def test_starts_two_processes_by_default():
    assert executables() == ["pose_estimator", "pose_refiner"]


def test_starts_what_is_asked_for():
    started = executables(one_process="true", overlay="true", rviz="true", namespace="robot")
    assert started == ["pose_pipeline", "pose_overlay", "rviz2"]
