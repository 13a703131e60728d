"""Validates a BlazePose network on pictures of real people, with everything that runs live."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from pinet_ros.estimator import EstimatorConfig, PoseEstimator
from pinet_ros.lifting.blazepose_network import BlazePoseNetwork
from pinet_ros.lifting.blazepose_weights import save_blazepose
from pinet_ros.refinement.checkpoint import weights_for
from pinet_ros.refinement.inference import EVERYBODY
from pinet_ros.refinement.refiner import Refiner
from pinet_training.datasets.people_pictures import read_people_pictures
from pinet_training.evaluation.picture_evaluation import evaluate_pictures

_TOLD = {"mpjpe_mm": "mpjpe_mm", "pa_mpjpe_mm": "pa_mm", "root_mm": "root_mm"}


def validation_on_pictures(
    folder: Path, lifter: str, device: torch.device
) -> Callable[[BlazePoseNetwork], dict[str, float]]:
    """Return a function that measures a network on real people.

    Args:
        folder: of pictures, see `people_pictures`; nothing is learnt from them.
        lifter: one of BLAZEPOSE.
        device: device to run on.

    Returns:
        The function; it gives the number of people found, strict and loose apart, and the mean
        errors of their poses before refinement; no errors where nobody is found.

    Raises:
        DatasetError: the pictures cannot be read.
    """
    pictures = read_people_pictures(folder)
    refiner = Refiner(weights_for(lifter), device, config=EVERYBODY)

    def validate(network: BlazePoseNetwork) -> dict[str, float]:
        with TemporaryDirectory() as temporary:
            weights = Path(temporary) / "weights.safetensors"
            save_blazepose(weights, lifter, network)
            # not by ONNX Runtime, which would keep an exported file of each of these networks
            config = EstimatorConfig(lifter=lifter, lifter_weights=str(weights), runtime="torch")
            report = evaluate_pictures(pictures, PoseEstimator(config, device), refiner)
        told: dict[str, float] = {}
        for kind, part in report.items():
            told[f"{kind}_found"] = part["found"]
            errors = {f"{kind}_{name}": part["before"][key] for key, name in _TOLD.items()}
            told |= {name: error for name, error in errors.items() if error is not None}
        return told

    return validate
