"""PI-Net's network as ONNX."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from pinet_ros.errors import PinetError
from pinet_ros.models.onnx_export import export_onnx
from pinet_ros.refinement.checkpoint import load_checkpoint
from pinet_ros.refinement.model import PINet

_AXES = {
    "sequences": {0: "sequence", 1: "person"},
    "poses": {0: "sequence"},
    "attention": {0: "sequence", 1: "person"},
}


def export_pinet(weights: str | Path) -> bytes:
    """PI-Net as an ONNX file: `sequences` (B,N,51) to `poses` (B,51) and `attention` (B,N).

    B and N are of any size. As of PINet.refine_first: order and standardisation are not part of
    it.

    Args:
        weights: see `load_checkpoint`.

    Raises:
        ModelError: the weights cannot be loaded, or ONNX Runtime does not give what torch gives.
        PinetError: they are of a variant without recurrent unit or attention.
    """
    network, _ = load_checkpoint(weights)
    if not isinstance(network, PINet) or not network.config.attention:
        raise PinetError(
            f"{weights} is of a variant that is not exported: no recurrent unit, or no attention"
        )
    poses, attention = (name for name in _AXES if name != "sequences")
    return export_onnx(_First(network), [poses, attention], _AXES)


class _First(nn.Module):
    """Sequences to the refined pose of the first person of each."""

    def __init__(self, network: PINet) -> None:
        super().__init__()
        self.network = network
        self.input_shape: tuple[int, ...] = (2, 3 * network.config.joints)
        self.eval()

    def forward(self, sequences: Tensor) -> tuple[Tensor, ...]:
        poses, attention = self.network.refine_first(sequences)
        assert attention is not None  # see export_pinet
        return poses, attention
