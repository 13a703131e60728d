"""Metric 3D skeletons of all people in one camera image, refined by PI-Net.

from pinet_ros import Camera, PoseEstimator, Refiner

estimator, refiner = PoseEstimator(), Refiner()
people = refiner(estimator(image, Camera.from_focal(900, 1280, 720)).people).people
people.joints  # (N,17,3) metres, camera optical frame
"""

from __future__ import annotations

import sys
from importlib import import_module
from pkgutil import extend_path
from typing import TYPE_CHECKING, Any

from pinet_ros.util.moved import MovedFinder

if TYPE_CHECKING:
    from pinet_ros.estimator import Estimate, EstimatorConfig, PoseEstimator
    from pinet_ros.geometry.camera import Camera
    from pinet_ros.people import People
    from pinet_ros.positioning.floor import Floor
    from pinet_ros.refinement.inference import RefinerConfig
    from pinet_ros.refinement.refiner import Refinement, Refiner

__version__ = "0.1.0"
__all__ = [
    "Camera",
    "Estimate",
    "EstimatorConfig",
    "Floor",
    "People",
    "PoseEstimator",
    "Refinement",
    "Refiner",
    "RefinerConfig",
]

# The ROS messages are generated into the installed package. A checkout that Python runs in hides
# that package, so the search path is extended to still find them as pinet_ros.msg.
__path__ = extend_path(__path__, __name__)

sys.meta_path.append(MovedFinder())

# Imported on first use (PEP 562): importing torch takes seconds, and the messages and Camera do
# not need it.
_HOMES = {
    "Camera": "pinet_ros.geometry.camera",
    "Estimate": "pinet_ros.estimator",
    "EstimatorConfig": "pinet_ros.estimator",
    "Floor": "pinet_ros.positioning.floor",
    "People": "pinet_ros.people",
    "PoseEstimator": "pinet_ros.estimator",
    "Refinement": "pinet_ros.refinement.refiner",
    "Refiner": "pinet_ros.refinement.refiner",
    "RefinerConfig": "pinet_ros.refinement.inference",
}


def __getattr__(name: str) -> Any:
    """Import a name of the public API on its first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
