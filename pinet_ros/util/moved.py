"""Import errors that say where the modules of version 0.1.0 are now."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

_TRAINING = "pinet_training (pip install ./pinet_training)"
_MOVED = {
    "pinet_ros.__main__": "pinet_ros.cli: python -m pinet_ros.cli",
    "pinet_ros.arguments": "pinet_ros.cli.arguments",
    "pinet_ros.attention_picture": "pinet_ros.imaging.attention_picture",
    "pinet_ros.benchmarks": "pinet_ros.cli.benchmarks",
    "pinet_ros.calibration": "pinet_ros.geometry.calibration",
    "pinet_ros.camera": "pinet_ros.geometry.camera: from pinet_ros import Camera",
    "pinet_ros.device": "pinet_ros.util.device",
    "pinet_ros.distortion": "pinet_ros.geometry.distortion",
    "pinet_ros.drawing": "pinet_ros.imaging.drawing",
    "pinet_ros.files": "pinet_ros.util.files",
    "pinet_ros.frame": "pinet_ros.imaging.frame",
    "pinet_ros.refinement.graph": "pinet_ros.refinement.pair_graph",
    "pinet_ros.refinement.order": "pinet_ros.refinement.formulation",
    "pinet_ros.refinement.variants": f"{_TRAINING}.refiner.variants",
    "pinet_ros.ros.worker": "pinet_ros.ros.live_node",
    "pinet_ros.squares": "pinet_ros.imaging.regions",
    "pinet_ros.timing": "pinet_ros.ros.diagnostics",
    "pinet_ros.training": _TRAINING,
    "pinet_ros.triangulation": f"{_TRAINING}.evaluation.triangulation",
    "pinet_ros.video": "pinet_ros.imaging.video",
}


class MovedFinder(MetaPathFinder):
    """Import finder, asked last, that finds nothing but knows where modules have moved."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        """Raise a ModuleNotFoundError that says where the module is, if it has moved."""
        if name in _MOVED:
            raise ModuleNotFoundError(f"{name} has moved to {_MOVED[name]}", name=name)
