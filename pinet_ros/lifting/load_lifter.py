"""Loading of lifters by name."""

from __future__ import annotations

import torch

from pinet_ros.lifting.blazepose import BlazePose
from pinet_ros.lifting.blazepose_weights import BLAZEPOSE
from pinet_ros.lifting.lifter import Lifter
from pinet_ros.lifting.mppe.mppe_lifter import PRECISIONS, ThreeDMPPE

__all__ = ["LIFTERS", "PRECISIONS", "load_lifter"]

LIFTERS = (*BLAZEPOSE, "mppe")


def load_lifter(
    name: str,
    device: torch.device,
    *,
    weights: str,
    posenet: str,
    rootnet: str,
    precision: str,
    mirror: bool,
    runtime: str,
) -> Lifter:
    """Load a lifter of LIFTERS; the arguments and errors are those of its class.

    `weights` are for BlazePose; `posenet`, `rootnet` and `precision` are for mppe.
    """
    if name == "mppe":
        return ThreeDMPPE(
            posenet, rootnet, precision=precision, mirror=mirror, device=device, runtime=runtime
        )
    return BlazePose(name, weights=weights, mirror=mirror, device=device, runtime=runtime)
