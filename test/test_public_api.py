"""The public face of the package: loaded on first use, typed, one way in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pinet_ros
from pinet_ros import Camera, EstimatorConfig, People, PoseEstimator, Refiner

ROOT = Path(__file__).parents[1]


def python(code: str) -> subprocess.CompletedProcess:
    """Run some code in a Python of its own, in the checkout."""
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


def test_an_image_gives_refined_people(photo):
    camera = Camera.from_focal(1500, *photo.shape[1::-1])
    estimator, refiner = (
        PoseEstimator(EstimatorConfig(max_people=2), device="cpu"),
        Refiner(device="cpu"),
    )

    estimate = estimator(photo, camera, stamp=12.5)
    refinement = refiner(estimate.people)

    assert isinstance(estimate.people, People)
    assert refinement.people.joints.shape == (2, 17, 3)
    assert estimate.stamp == 12.5
    assert estimate.dropped.surplus_people >= 1
    assert list(estimate.times) == ["upload", "detect", "lift"]
    assert refinement.refined.all()


def test_channels_may_come_in_another_order(photo):
    camera = Camera.from_focal(1500, *photo.shape[1::-1])
    estimator = PoseEstimator(device="cpu")
    rgb = np.ascontiguousarray(photo[..., ::-1])

    found = estimator(rgb, camera, channels="rgb").people

    np.testing.assert_array_equal(found.joints, estimator(photo, camera).people.joints)


def test_lists_of_different_lengths_are_refused(photo):
    camera = Camera.from_focal(1500, *photo.shape[1::-1])
    estimator = PoseEstimator(device="cpu")
    with pytest.raises(ValueError, match="2 images need as many cameras and stamps, got 1 cam"):
        estimator([photo, photo], [camera])
    with pytest.raises(ValueError, match="got 2 cameras and 1 stamps"):
        estimator([photo, photo], [camera, camera], stamp=[0.5])


def test_every_public_name_can_be_imported():
    for name in pinet_ros.__all__:
        assert getattr(pinet_ros, name).__module__.startswith("pinet_ros.")
    with pytest.raises(AttributeError, match="has no attribute 'Estimator'"):
        _ = pinet_ros.Estimator


def test_the_package_is_marked_as_typed():
    assert (Path(pinet_ros.__file__).parent / "py.typed").is_file()


@pytest.mark.parametrize(
    "module",
    [
        "pinet_ros",
        "pinet_ros.msg",
        "pinet_ros.nodes.camera_player",
        "pinet_ros.nodes.pose_overlay",
    ],
)
def test_torch_is_not_loaded_where_no_network_is_run(module):
    ended = python(f"import {module}, sys; print('torch' in sys.modules)")
    assert ended.stdout == "False\n", ended.stderr


@pytest.mark.parametrize(
    ("code", "place"),
    [
        (
            "from pinet_ros.camera import Camera",
            "pinet_ros.geometry.camera: from",
        ),
        ("import pinet_ros.training.train", "pinet_training (pip install ./pinet_training)"),
        ("from pinet_ros.refinement.order import Order", "pinet_ros.refinement.formulation"),
    ],
)
def test_imports_that_have_moved_say_where_to(code, place):
    ended = python(code)
    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: pinet_ros.")
    assert f"has moved to {place}" in last


def test_the_package_run_as_a_program_says_where_the_command_line_is():
    command = [sys.executable, "-m", "pinet_ros", "models", "list"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "has moved to pinet_ros.cli: python -m pinet_ros.cli" in ended.stderr


def test_a_module_that_never_was_is_not_found_as_usual():
    last = python("import pinet_ros.nowhere").stderr.splitlines()[-1]
    assert last == "ModuleNotFoundError: No module named 'pinet_ros.nowhere'"
